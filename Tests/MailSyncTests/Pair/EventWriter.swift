import MailSync
import MailarcTesting

/// Writes what users do, in the grammar of ``PairEvents``.
struct EventWriter {
    var generator: SplitMix
    private var next: Int

    /// - Parameter first: the number of the first new message.
    init(generator: SplitMix, first: Int = 0) { (self.generator, next) = (generator, first) }

    mutating func write(_ count: Int, _ scenario: PairScenario) -> [String] {
        var steps: [String] = []
        while steps.count < count {
            guard let step = event(scenario) else { continue }
            scenario.perform(step)
            steps.append(step)
        }
        return steps
    }

    private mutating func event(_ scenario: PairScenario) -> String? {
        let side = Bool.random(using: &generator) ? "A" : "B"
        let mailboxes = scenario.shown.sides[Character(side)] ?? [:]
        let names = mailboxes.keys.sorted()
        guard let name = names.randomElement(using: &generator) else { return nil }
        let key = mailboxes[name]?.randomElement(using: &generator).map { String($0.prefix { $0 != "[" }) }
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<7:
            // Now and then the same message comes again, or to the other side, too.
            if Int.random(in: 0..<4, using: &generator) > 0 || next == 0 { next += 1 }
            return next < 64 ? "\(side)+\(name)/m\(next - 1)" : nil
        case 7..<10: return key.map { "\(side)-\(name)/\($0)" }
        case 10..<14:
            let flags = [#"\Seen"#, #"\Flagged"#, #"\Answered"#].filter { _ in Bool.random(using: &generator) }
            return key.map { "\(side)~\(name)/\($0)=\(flags.joined(separator: ","))" }
        case 14..<17:
            guard let target = names.randomElement(using: &generator), target != name else { return nil }
            return key.map { "\(side)>\(name)/\($0)>\(target)" }
        case 17: return names.count < 5 ? "\(side)+F\(Int.random(in: 0..<6, using: &generator))/" : nil
        case 18: return "\(side)!\(name)"
        default:
            guard name != "INBOX", !names.contains("G\(next)") else { return nil }
            if Int.random(in: 0..<4, using: &generator) == 0 { return "\(side)-\(name)/" }
            return Bool.random(using: &generator) ? "\(side)@\(name)>G\(next)" : nil
        }
    }
}

/// A small reproducible generator.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
