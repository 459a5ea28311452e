import MailSync
import MailarcTesting
import Testing

@Suite("event × strategy") struct PairTableTests {
    @Test("the stores end as the table says, and a second run does nothing", arguments: PairEvents.cells)
    func cell(_ cell: PairEvents.Cell) async throws {
        guard let policy = MailSyncTests.policy(cell.strategy) else { throw UnknownStrategy() }
        for bits in 0..<8 {
            var features = InMemoryStore.Features()
            features.tellsUIDs = bits & 1 == 0
            features.hasModSeq = bits & 2 == 0
            features.hasObjectIDs = bits & 4 != 0
            features.hasMailboxIDs = bits & 4 != 0
            let scenario = try PairScenario(policy, BothFeatures(a: features, b: features))
            for side in ["A", "B"] {
                scenario.perform(PairEvents.start.split(separator: " ").map { side + $0 }.joined(separator: " "))
            }
            try await scenario.run()
            #expect(scenario.shown == PairEvents.Cell.start, "\(cell) \(bits): pairing changed something")
            scenario.perform(cell.steps)
            let planned = try await scenario.run(dry: true)
            let before = scenario.shown
            let report = try await scenario.run()
            let sentences = planned.plannedActions.map(\.description)
            #expect(scenario.shown == cell.end, "\(cell) \(bits): \(sentences) \(report.conflicts)")
            #expect(cell.changes.isEmpty == (before == scenario.shown))
            #expect(report.outcome == .done, "\(cell) \(bits): \(report)")
            let again = try await scenario.run(dry: true)
            #expect(again.plannedActions.filter(\.hasEffect).isEmpty, "\(cell) \(bits): \(again.plannedActions)")
        }
    }

    private struct UnknownStrategy: Error {}
}
