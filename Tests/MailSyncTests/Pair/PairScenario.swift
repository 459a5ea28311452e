import MailCore
import MailSync
import MailarcTesting
import Synchronization
import Testing

/// Not for secrets: tells the contents of a test apart.
struct TestHashing: ContentHashing {
    final class Running: RunningHash {
        private var (first, second): (UInt64, UInt64) = (0xcbf2_9ce4_8422_2325, 0x9ae1_6a3b_2f90_404f)
        func update(_ octets: ArraySlice<UInt8>) {
            for octet in octets {
                first = (first ^ UInt64(octet)) &* 0x100_0000_01b3
                second = (second &+ UInt64(octet) &+ 1) &* 0x9ddf_ea08_eb38_2d69
                second ^= second >> 29
            }
        }
        func copy() -> any RunningHash {
            let copy = Running()
            (copy.first, copy.second) = (first, second)
            return copy
        }
        func finish() -> [UInt8] {
            [first, second].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) } }
        }
    }
    func start() -> any RunningHash { Running() }
}

/// A process that dies at its `target`-th step, and every later one.
final class Death: Sendable {
    struct Killed: Error {}
    private let rest: Mutex<Int>
    init(at target: Int) { rest = Mutex(target) }

    func step(_ name: String) throws {
        let isDead = rest.withLock { rest in
            rest -= 1
            return rest <= 0
        }
        if isDead { throw Killed() }
    }
    var hasStruck: Bool { rest.withLock { $0 <= 0 } }
}

/// Where a death, or something that happens at one step of a store, can be put in and taken out again.
final class Hook: Sendable {
    let death = Mutex<Death?>(nil)
    private let event = Mutex<(rest: Int, body: @Sendable () throws -> Void)?>(nil)

    func step(_ name: String) throws { try death.withLock { $0 }?.step(name) }

    func storeStep(_ name: String) throws {
        try step(name)
        let body = event.withLock { event -> (@Sendable () throws -> Void)? in
            event?.rest -= 1
            guard let (rest, body) = event, rest <= 0 else { return nil }
            event = nil
            return body
        }
        try body?()
    }

    func put(at target: Int, _ body: @escaping @Sendable () throws -> Void) {
        event.withLock { $0 = (target, body) }
    }

    /// True when it was still there.
    func takeEvent() -> Bool {
        event.withLock { event in
            defer { event = nil }
            return event != nil
        }
    }
}

/// A clock that goes on when somebody waits; nobody sleeps.
final class Watch: Sendable {
    let now = Mutex<Int64>(0)
}

/// Two stores, what the runs between them left, and a policy.
final class PairScenario {
    let a: InMemoryStore
    let b: InMemoryStore
    let state: PairState
    var policy: PairPolicy
    var selection = PairSelection()
    var naming = PairNaming()
    var now: Int64 = 1_700_000_000
    var allowsMassDelete = false
    var sourceDeletionAge: Int64?
    var limits = PairLimits()
    let watch = Watch()
    var batchLimit = 500
    var partCount = 5_000
    /// One after the other, so that a step has one number.
    var readAhead = 1

    private let hook: Hook

    init(_ policy: PairPolicy, _ features: BothFeatures = BothFeatures()) throws {
        let hook = Hook()
        (self.policy, self.hook) = (policy, hook)
        a = InMemoryStore(features: features.a) { try hook.storeStep($0) }
        b = InMemoryStore(features: features.b) { try hook.storeStep($0) }
        state = try PairState.inMemory { try hook.step($0) }
    }

    /// As `other` is now, to go on from in another way.
    init(copying other: PairScenario) throws {
        let hook = Hook()
        (policy, self.hook) = (other.policy, hook)
        a = InMemoryStore(copying: other.a) { try hook.storeStep($0) }
        b = InMemoryStore(copying: other.b) { try hook.storeStep($0) }
        state = try other.state.copied().probed { try hook.step($0) }
        (selection, naming, now) = (other.selection, other.naming, other.now)
        sourceDeletionAge = other.sourceDeletionAge
        (allowsMassDelete, batchLimit, partCount) = (other.allowsMassDelete, other.batchLimit, other.partCount)
    }

    @discardableResult
    func run(dry: Bool = false) async throws -> PairReport {
        let now = now
        var options = PairOptions(policy: policy, hashing: TestHashing()) { now }
        (options.isDryRun, options.selection, options.naming) = (dry, selection, naming)
        (options.allowsMassDelete, options.batchLimit, options.partCount) = (allowsMassDelete, batchLimit, partCount)
        (options.sourceDeletionAge, options.readAhead) = (sourceDeletionAge, readAhead)
        options.limits = limits
        let watch = watch
        options.clock = { watch.now.withLock { $0 } }
        options.pause = { pause in watch.now.withLock { $0 += pause } }
        let deeds = Mutex<[PairDeed.Kind: Int]>([:])
        options.deeds = { deed in deeds.withLock { $0[deed.kind, default: 0] += 1 } }
        let runner = PairRunner(
            a: PairEnd(store: a, name: "A"), b: PairEnd(store: b, name: "B"), state: state, options: options)
        let report = try await runner.run()
        let told = deeds.withLock { $0 }
        #expect(told == (dry ? [:] : Self.deeds(of: report)), "what is told is not what was done")
        return report
    }

    private static func deeds(of report: PairReport) -> [PairDeed.Kind: Int] {
        let counts: [PairDeed.Kind: Int] = [
            .created: report.createdMailboxes.count, .renamed: report.renamedMailboxes.count,
            .removed: report.removedMailboxes.count, .copied: report.total(\.copiedCount),
            .moved: report.total(\.movedCount), .flagged: report.total(\.flagChangeCount),
            .expunged: report.total(\.expungedCount), .quarantined: report.quarantine.count,
        ]
        return counts.filter { $0.value > 0 }
    }

    /// Runs until the process dies at its `target`-th step; what it did until then stays. True when it died.
    func run(until target: Int) async throws -> Bool {
        let death = Death(at: target)
        hook.death.withLock { $0 = death }
        _ = try? await run()
        hook.death.withLock { $0 = nil }
        return death.hasStruck
    }

    /// Runs with a connection that breaks at the `target`-th step of a store, once. True when it did.
    func run(breaking target: Int) async throws -> Bool {
        try await run(at: target) { throw Death.Killed() }
    }

    /// Runs, and does something at the `target`-th step of a store. True when there was such a step.
    func run(at target: Int, _ body: @escaping @Sendable () throws -> Void) async throws -> Bool {
        hook.put(at: target, body)
        _ = try? await run()
        return !hook.takeEvent()
    }

    /// Runs while a user does something at the `target`-th step of a store; what, if there was such a step.
    func run(disturbedAt target: Int, by writer: EventWriter) async throws -> [String]? {
        let user = Unchecked(self)
        let steps = Mutex<[String]>([])
        let wasReached = try await run(at: target) {
            var writer = writer
            let written = writer.write(1, user.value)
            steps.withLock { $0 = written }
        }
        return wasReached ? steps.withLock { $0 } : nil
    }

    // MARK: The table's grammar

    private static let keys: [UInt64: String] = {
        var keys: [UInt64: String] = [:]
        let names = ["a1", "a2", "b1", "b2", "c1", "x", "x'", "-x", "x*", "y", "z"] + (0..<64).map { "m\($0)" }
        for key in names { keys[PairEvents.message(key).fingerprint] = key }
        return keys
    }()

    static func key(_ octets: [UInt8]) -> String { keys[octets.fingerprint] ?? "?" }

    func store(_ side: Character) -> InMemoryStore { side == "A" ? a : b }

    func perform(_ steps: String) {
        for step in PairStep.parse(steps) { perform(step) }
    }

    private func perform(_ step: PairStep) {
        let (store, mailbox) = (store(step.side), MailboxName(step.mailbox))
        func uid(_ key: String) -> UID? {
            let octets = PairEvents.message(key)
            return store.contents.first { $0.mailbox == mailbox && $0.octets == octets }?.summary.uid
        }
        switch step.operation {
        case .append(let key): store.append(PairEvents.message(key), to: mailbox)
        case .expunge(let key): if let uid = uid(key) { store.expunge(uid, from: mailbox) }
        case .flags(let key, let flags):
            if let uid = uid(key) { store.setFlags(FlagSet(flags.map { Flag($0) }), of: uid, in: mailbox) }
        case .move(let key, let target):
            if let uid = uid(key) { store.move(uid, from: mailbox, to: MailboxName(target)) }
        case .create: store.create(mailbox)
        case .delete: store.delete(mailbox)
        case .rename(let target): store.rename(mailbox, as: MailboxName(target))
        case .resetUIDValidity: store.resetUIDValidity(mailbox)
        }
    }

    var shown: PairModel {
        var model = PairModel()
        for side: Character in ["A", "B"] {
            var mailboxes: [String: [String]] = [:]
            for name in store(side).mailboxNames { mailboxes[name.text] = [] }
            for message in store(side).contents {
                let key = Self.keys[message.octets.fingerprint] ?? "?"
                let flags = message.summary.flags.flags.map(\.name)
                mailboxes[message.mailbox.text, default: []].append(PairStep.entry(key, flags))
            }
            model.sides[side] = mailboxes.mapValues { $0.sorted() }
        }
        return model
    }
}

struct BothFeatures: Sendable {
    var a = InMemoryStore.Features()
    var b = InMemoryStore.Features()
}

/// `copy+follow-moves` as a policy; `nil` for unknown names.
func policy(_ text: String) -> PairPolicy? {
    let parts = text.split(separator: "+").map(String.init)
    guard let first = parts.first, let strategy = PairStrategy(rawValue: first) else { return nil }
    var policy = strategy.policy
    for part in parts.dropFirst() {
        guard let option = PairOption(rawValue: part), strategy.options.contains(option) else { return nil }
        policy = policy.applying(option)
    }
    return policy
}

/// For what one task alone uses while another waits for it, as a user does a run while a step of it waits.
private struct Unchecked<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
