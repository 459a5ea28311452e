import MailCore
import MailSync
import MailarcTesting
import Testing

/// Every combination that changes how a source is looked at (P18).
let features: [InMemoryStore.Features] = {
    var all: [InMemoryStore.Features] = []
    for bits in 0..<32 {
        var features = InMemoryStore.Features()
        features.hasModSeq = bits & 1 == 0
        features.givesDeltas = bits & 2 == 0
        features.hasObjectIDs = bits & 4 != 0
        features.hasMailboxIDs = bits & 8 != 0
        features.givesStatus = bits & 16 == 0
        features.fetchConcurrency = bits % 3 + 1
        all.append(features)
    }
    return all
}()

/// Messages of one mailbox that are known at once: all of them, or parts of few.
private let partCounts = [10_000, 2]

@Suite struct RandomHistoryTests {
    @Test(
        "after each run the archive shows what the source shows, and a second run does nothing", arguments: 0..<64,
        partCounts)
    func convergence(seed: Int, partCount: Int) async throws {
        let store = InMemoryStore(features: features[seed % features.count])
        let scenario = try Scenario(store)
        scenario.options.partCount = partCount
        scenario.options.groupLimits = GroupLimits(changeCount: 7)
        var history = RandomHistory(seed: UInt64(seed))
        var ever: Set<[UInt8]> = []
        for round in 0..<5 {
            history.write(25, into: store)
            let report = try await scenario.run()
            ever.formUnion(store.contents.map(\.octets))
            #expect(scenario.differences().isEmpty, "seed \(seed) round \(round): \(scenario.differences())")
            #expect(report.isBalanced, "seed \(seed) round \(round): \(report.mailboxes)")
            let planned = try await scenario.run(dry: true)
            #expect(planned.plannedActions.isEmpty, "seed \(seed) round \(round): \(planned.plannedActions)")
            let again = try await scenario.run()
            #expect(again.isUnchanged && again.isBalanced, "seed \(seed) round \(round)")
        }
        let contents = Set(scenario.archive.durable.contents.values)
        #expect(ever.isSubset(of: contents), "seed \(seed): something seen was not kept")
    }

    @Test("a lost state is rebuilt from the archive: nothing doubled, nothing fetched anew", arguments: 0..<16)
    func lostState(seed: Int) async throws {
        let store = InMemoryStore(features: features[seed * 5 % features.count])
        let scenario = try Scenario(store)
        var history = RandomHistory(seed: UInt64(seed) &+ 1_000)
        history.write(60, into: store)
        try await scenario.run()
        let events = scenario.archive.durable.events.count
        try scenario.loseState()
        scenario.log = []
        let report = try await scenario.run()
        #expect(report.rebuiltState && report.isBalanced)
        #expect(scenario.archive.durable.events.count == events)
        #expect(!scenario.log.contains { $0.hasPrefix("fetch") })
        #expect(scenario.differences().isEmpty, "seed \(seed): \(scenario.differences())")
        try scenario.loseState()
        history.write(30, into: store)
        try await scenario.run()
        #expect(scenario.differences().isEmpty, "seed \(seed): \(scenario.differences())")
    }

    @Test("killed at every step, the next run ends where an unbroken one does", arguments: 0..<4, partCounts)
    func killedEverywhere(seed: Int, partCount: Int) async throws {
        var target = 1
        while true {
            let store = InMemoryStore(features: features[seed * 7 % features.count])
            let scenario = try Scenario(store)
            scenario.options.groupLimits = GroupLimits(changeCount: 9)
            scenario.options.partCount = partCount
            var history = RandomHistory(seed: UInt64(seed) &+ 2_000)
            history.write(25, into: store)
            try await scenario.run()
            history.write(25, into: store)
            let killer = Killer(at: target)
            let report = try? await scenario.run(killer: killer)
            let wasKilled = report == nil || report?.interruption != nil
            try await scenario.run()
            #expect(scenario.differences().isEmpty, "seed \(seed) step \(target): \(scenario.differences())")
            #expect(try await scenario.run().isUnchanged, "seed \(seed) step \(target)")
            if !wasKilled { break }
            target += 1
        }
        #expect(target > 10)
    }

    @Test("killed again and again, the archive converges", arguments: 0..<12, partCounts)
    func killedAgainAndAgain(seed: Int, partCount: Int) async throws {
        let store = InMemoryStore(features: features[seed * 3 % features.count])
        let scenario = try Scenario(store)
        scenario.options.groupLimits = GroupLimits(changeCount: 5)
        scenario.options.partCount = partCount
        var history = RandomHistory(seed: UInt64(seed) &+ 3_000)
        for _ in 0..<12 {
            history.write(12, into: store)
            let target = Int.random(in: 1..<60, using: &history.generator)
            _ = try? await scenario.run(killer: Killer(at: target))
        }
        try await scenario.run()
        #expect(scenario.differences().isEmpty, "seed \(seed): \(scenario.differences())")
        #expect(try await scenario.run().isUnchanged, "seed \(seed)")
    }
}
