import MailSync
import MailarcTesting
import Testing

@Suite("event × strategy") struct PairTableTests {
    static let cells = PairEvents.rows.flatMap { row in row.effects.map { Cell(row: row, effect: $0) } }

    struct Cell: Sendable, CustomStringConvertible {
        var event: String
        var steps: String
        var strategy: String
        var changes: String

        init(row: PairEvents.Row, effect: (strategy: String, changes: String)) {
            (event, steps, strategy, changes) = (row.event, row.steps, effect.strategy, effect.changes)
        }
        var description: String { "\(event), \(strategy)" }
    }

    @Test("the stores end as the table says, and a second run does nothing", arguments: cells)
    func cell(_ cell: Cell) async throws {
        guard let policy = MailSyncTests.policy(cell.strategy) else { throw UnknownStrategy() }
        for bits in 0..<8 {
            var features = InMemoryStore.Features()
            features.tellsUIDs = bits & 1 == 0
            features.hasModSeq = bits & 2 == 0
            features.hasObjectIDs = bits & 4 != 0
            features.hasMailboxIDs = bits & 4 != 0
            let scenario = try PairScenario(policy, BothFeatures(a: features, b: features))
            var expected = PairModel()
            for side in ["A", "B"] {
                let start = PairEvents.start.split(separator: " ").map { side + $0 }.joined(separator: " ")
                scenario.perform(start)
                expected.apply(start)
            }
            try await scenario.run()
            #expect(scenario.shown == expected, "\(cell) \(bits): pairing changed something")
            scenario.perform(cell.steps)
            expected.apply(cell.steps + " " + cell.changes)
            let planned = try await scenario.run(dry: true)
            let before = scenario.shown
            let report = try await scenario.run()
            let sentences = planned.plannedActions.map(\.description)
            #expect(scenario.shown == expected, "\(cell) \(bits): \(sentences) \(report.conflicts)")
            #expect(cell.changes.isEmpty == (before == scenario.shown))
            #expect(report.outcome == .done, "\(cell) \(bits): \(report)")
            let again = try await scenario.run(dry: true)
            #expect(again.plannedActions.filter(\.hasEffect).isEmpty, "\(cell) \(bits): \(again.plannedActions)")
        }
    }

    private struct UnknownStrategy: Error {}

    @Test("prints the table")
    func table() {
        let strategies = PairStrategy.allCases.map(\.rawValue)
        print("| event | " + strategies.joined(separator: " | ") + " |")
        for row in PairEvents.rows {
            let cells = strategies.map { strategy in
                row.effects.filter { $0.strategy == strategy || $0.strategy.hasPrefix(strategy + "+") }
                    .map { effect in
                        let options = effect.strategy.dropFirst(strategy.count)
                        let changes = effect.changes.isEmpty ? "–" : effect.changes
                        return options.isEmpty ? changes : "[\(options): \(changes)]"
                    }.joined(separator: " ")
            }
            print("| \(row.event) `\(row.steps)` | " + cells.joined(separator: " | ") + " |")
        }
    }
}
