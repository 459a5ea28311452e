import MailCore
import MailSync
import MailarcTesting
import Testing

/// What must come of a history; each check tells what is wrong, or nothing.
extension PairHistory {
    private var strategy: String { recipe.strategy }
    private var isMirror: Bool { strategy.hasPrefix("backup") || strategy.hasPrefix("two-way") }

    /// Where an unbroken run ends.
    private func expected() async throws -> PairModel {
        let unbroken = try PairScenario(copying: scenario)
        try await Self.settle(unbroken)
        return unbroken.shown
    }

    /// Nothing is left to do, and the state knows every message once.
    private static func unsettled(_ scenario: PairScenario) async throws -> String? {
        let rest = try await scenario.run(dry: true).plannedActions.filter(\.hasEffect)
        guard rest.isEmpty else { return "still to do: \(rest), shown \(scenario.shown)" }
        let doubled = try await scenario.state.doubledAddressCount()
        return doubled == 0 ? nil : "\(doubled) messages are linked twice"
    }

    /// After `fault` struck once at each step of a run in turn, later runs end where an unbroken one does.
    private func everyStep(
        _ name: String, _ fault: (PairScenario, Int) async throws -> Bool
    ) async throws -> String? {
        let expected = try await expected()
        var target = 1
        while true {
            let copy = try PairScenario(copying: scenario)
            let hasStruck = try await fault(copy, target)
            try await Self.settle(copy)
            guard copy.shown == expected else {
                return "\(name) at step \(target): \(copy.shown) instead of \(expected)"
            }
            if let rest = try await Self.unsettled(copy) { return "\(name) at step \(target): \(rest)" }
            guard hasStruck else { break }
            target += 1
        }
        Self.count(target)
        return nil
    }

    /// P4, P20: killed.
    func everyDeath() async throws -> String? {
        try await everyStep("killed") { try await $0.run(until: $1) }
    }

    /// P4: the connection broke, and the process lived on.
    func everyBreak() async throws -> String? {
        try await everyStep("broken") { try await $0.run(breaking: $1) }
    }

    /// P19: whatever a server says wrongly in one run, nothing is deleted for it, and later runs put it right.
    ///
    /// LIMIT: a message of B that could not be seen or read was none to compare with: its equal is copied beside it.
    func everyLie() async throws -> String? {
        let expected = try await expected()
        var generator = recipe.generator
        for round in 0..<12 {
            let copy = try PairScenario(copying: scenario)
            let honest = BothFaults(a: copy.a.faults, b: copy.b.faults)
            let lie = Lie.random(using: &generator)
            lie.tell(copy, using: &generator)
            _ = try? await copy.run()
            (copy.a.faults, copy.b.faults) = (honest.a, honest.b)
            copy.now += 3_600
            try await Self.settle(copy)
            if let rest = try await Self.unsettled(copy) { return "lie \(round), \(lie): \(rest)" }
            let lost = expected.missing(in: copy.shown, anywhere: copy.policy.adoptsAnywhere)
            guard lost.isEmpty else {
                return "lie \(round), \(lie): \(lost) is missing: \(copy.shown) instead of \(expected)"
            }
            if isMirror, copy.shown.sides["A"] != copy.shown.sides["B"] {
                return "lie \(round), \(lie): \(copy.shown)"
            }
        }
        Self.count(12)
        return nil
    }

    /// P22: what a user does at any step of a run is neither lost nor undone.
    func everyInterference() async throws -> String? {
        var target = 1
        while true {
            let copy = try PairScenario(copying: scenario)
            let writer = EventWriter(generator: recipe.generator, first: 40 + target % 20)
            let done = try await copy.run(disturbedAt: target, by: writer)
            let steps = done ?? []
            let had = Set(copy.shown.sides["A", default: [:]].values.joined().map(Self.key))
            try await Self.settle(copy)
            let what = "\(steps) at step \(target)"
            if let rest = try await Self.unsettled(copy) { return "\(what): \(rest)" }
            let (a, b) = (copy.shown.sides["A"] ?? [:], copy.shown.sides["B"] ?? [:])
            if isMirror, a != b { return "\(what): \(copy.shown)" }
            let deleted = deletedKeys(recipe.steps + steps)
            let shown = Set(b.values.joined().map(Self.key))
            let isKept = !scenario.policy.hasTombstones || !hasTombstones(recipe.steps + steps)
            let lost = had.subtracting(deleted).subtracting(shown)
            if isKept, !lost.isEmpty { return "\(what): \(lost.sorted()) is not in B: \(copy.shown)" }
            guard done != nil else { break }
            target += 1
        }
        Self.count(target)
        return nil
    }

    /// P24: what is on its way at once, and in which order it ends, makes no difference.
    func everyOrder() async throws -> String? {
        let expected = try await expected()
        for readAhead in 2...4 {
            let copy = try PairScenario(copying: scenario)
            (copy.readAhead, copy.batchLimit) = (readAhead, 1)
            try await Self.settle(copy)
            guard copy.shown == expected else { return "\(readAhead) at once: \(copy.shown) instead of \(expected)" }
            if let rest = try await Self.unsettled(copy) { return "\(readAhead) at once: \(rest)" }
        }
        Self.count(3)
        return nil
    }

    /// What is not selected stays as it is on both sides; once it is selected, everything ends as without a selection.
    func everySelection() async throws -> String? {
        for name in ["INBOX", "F0", "F1", "F2"] {
            let copy = try PairScenario(copying: scenario)
            let before = copy.shown
            copy.selection = PairSelection(mailboxes: [.glob(name)])
            try await Self.settle(copy)
            if let rest = try await copy.run(dry: true).plannedActions.first(where: \.hasEffect) {
                return "only \(name): still to do: \(rest)"
            }
            for side: Character in ["A", "B"] {
                // A message that came from or went to the mailbox selected is about it.
                let moved = Set(before.sides[side]?[name] ?? []).union(copy.shown.sides[side]?[name] ?? [])
                for (mailbox, entries) in before.sides[side] ?? [:] where mailbox != name && !isRenamed(mailbox) {
                    let left = Self.count(entries, without: moved)
                    let now = Self.count(copy.shown.sides[side]?[mailbox] ?? [], without: moved)
                    guard left == now else {
                        return "only \(name): \(side) \(mailbox) was \(left) and is \(now)"
                    }
                }
            }
            copy.selection = PairSelection()
            try await Self.settle(copy)
            if let rest = try await Self.unsettled(copy) { return "\(name) first: \(rest)" }
            if isMirror, copy.shown.sides["A"] != copy.shown.sides["B"] { return "\(name) first: \(copy.shown)" }
        }
        Self.count(4)
        return nil
    }

    private func isRenamed(_ mailbox: String) -> Bool {
        recipe.steps.contains { $0.contains("@") && ($0.contains("@" + mailbox + ">") || $0.hasSuffix(">" + mailbox)) }
    }

    private static func count(_ entries: [String], without others: Set<String>) -> [String] {
        let keys = Set(others.map(key))
        return entries.filter { !keys.contains(key($0)) }.sorted()
    }

    /// P1–P3, P6, P7: the strategy's promise.
    func promise() async throws -> String? {
        let untouched = scenario.a.contents.map(\.octets)
        let seen = scenario.shown
        _ = scenario.a.takeLog()
        try await Self.settle(scenario)
        let after = scenario.shown
        if let rest = try await Self.unsettled(scenario) { return rest }
        if !scenario.policy.writesA {
            if scenario.a.contents.map(\.octets) != untouched { return "A changed" }
            if scenario.a.takeLog().contains(where: { $0.hasPrefix("write") }) { return "A was written to" }
        }
        let (a, b) = (after.sides["A"] ?? [:], after.sides["B"] ?? [:])
        if isMirror, a != b { return "\(after) from \(seen)" }
        if scenario.policy.hasTombstones, hasTombstones(recipe.steps) { return nil }
        // Nothing that a user did not delete is lost.
        let had = Set(seen.sides.values.flatMap { $0.values.joined().map(Self.key) })
        let isA = strategy.hasPrefix("backup") || strategy.contains("delete-extra")
        let required = isA ? Set(untouched.map { PairScenario.key($0) }) : had
        let lost = required.subtracting(deletedKeys(recipe.steps)).subtracting(b.values.joined().map(Self.key))
        return lost.isEmpty ? nil : "\(lost.sorted()) is not in B: \(after)"
    }

    /// P5, P8: killed again and again.
    func manyDeaths() async throws -> String? {
        var generator = recipe.generator
        for _ in 0..<6 {
            let target = Int.random(in: 1..<60, using: &generator)
            _ = try await Bool.random(using: &generator) ? scenario.run(until: target) : scenario.run(breaking: target)
        }
        try await Self.settle(scenario)
        if let rest = try await Self.unsettled(scenario) { return rest }
        let shown = scenario.shown
        return isMirror && shown.sides["A"] != shown.sides["B"] ? "\(shown)" : nil
    }

    private static func key(_ entry: String) -> String { String(entry.prefix { $0 != "[" }) }

    /// A mailbox that left B is a tombstone there, and a rename looks like that to a store that tells nothing else.
    private func hasTombstones(_ steps: [String]) -> Bool {
        steps.contains { $0.hasPrefix("B@") || ($0.hasPrefix("B-") && $0.hasSuffix("/")) }
    }

    /// What users deleted: one message, or every message of a mailbox.
    private func deletedKeys(_ steps: [String]) -> Set<String> {
        Set(
            steps.filter { $0.dropFirst().first == "-" }.flatMap { step in
                step.hasSuffix("/") ? (0..<64).map { "m\($0)" } : [String(step.split(separator: "/").last ?? "")]
            })
    }
}

extension PairPolicy {
    fileprivate var hasTombstones: Bool { folders.goneInB == .tombstone }
}

extension PairModel {
    /// The messages, with their places unless they may be anywhere, that `other` lacks.
    fileprivate func missing(in other: PairModel, anywhere: Bool) -> [String] {
        func places(_ model: PairModel) -> Set<String> {
            Set(
                model.sides.flatMap { side, mailboxes in
                    mailboxes.flatMap { name, entries in
                        entries.map { "\(side) \(anywhere ? "" : name)/\($0.prefix { $0 != "[" })" }
                    }
                })
        }
        return places(self).subtracting(places(other)).sorted()
    }
}

private struct BothFaults {
    var a: InMemoryStore.Faults
    var b: InMemoryStore.Faults
}

/// What a server says wrongly for the length of one run.
private enum Lie: CaseIterable {
    case shortListing, shortListingAdmitted, mailboxesMissing, vanished, oldStatus, expunged, refused, notTaken, closed

    static func random(using generator: inout SplitMix) -> Lie {
        allCases.randomElement(using: &generator) ?? .vanished
    }

    func tell(_ scenario: PairScenario, using generator: inout SplitMix) {
        let store = Bool.random(using: &generator) ? scenario.a : scenario.b
        let name = store.mailboxNames.randomElement(using: &generator) ?? MailboxName("INBOX")
        let uids = store.contents.filter { $0.mailbox == name }.map(\.summary.uid)
        let some = UIDSet(uids.filter { _ in Bool.random(using: &generator) })
        switch self {
        case .shortListing: store.faults.listedMessages = Int.random(in: 0...3, using: &generator)
        case .shortListingAdmitted:
            store.faults.listedMessages = Int.random(in: 0...3, using: &generator)
            store.faults.admitsHoles = true
        case .mailboxesMissing:
            // A server that hides mailboxes and does not say so cannot be told from one that lost them.
            store.faults.listedMailboxes = Int.random(in: 1...3, using: &generator)
            store.faults.admitsHoles = true
        case .vanished: store.faults.falseVanished[name] = some
        case .oldStatus: store.faults.statusOfBefore = true
        case .expunged: store.faults.expungedMeanwhile[name] = some
        case .refused:
            for uid in some.uids { store.faults.refusals[name, default: [:]][uid] = Refusal(.refusedByServer) }
        case .notTaken:
            let other = Bool.random(using: &generator) ? scenario.a : scenario.b
            store.faults.refusedDeliveries = Set(
                other.contents.filter { _ in Bool.random(using: &generator) }.map(\.octets.fingerprint))
        case .closed: store.faults.unopenable = [name]
        }
    }
}
