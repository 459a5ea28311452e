import MailCore
import MailSync
import MailarcTesting
import Testing

/// Mailboxes that are looked at and copied in parts of one or two messages.
@Suite("two stores, in parts", .timeLimit(.minutes(15)))
struct PairPartsTests {
    static let strategies = ["backup", "two-way", "one-way", "copy", "bcc+no-grace", "copy+imapsync-compat"]
    static let cases = strategies.flatMap { strategy in
        (0..<12).map { PairPropertyTests.Case(strategy: strategy, seed: 40_000 + $0) }
    }

    @Test("killed at every step, the next run ends where an unbroken one does", arguments: cases)
    func killedEverywhere(_ item: PairPropertyTests.Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed, partCount: 1 + item.seed % 2)
            .expect { try await $0.everyDeath() }
    }

    @Test("the strategy's promise is kept, and a second run does nothing", arguments: cases)
    func promise(_ item: PairPropertyTests.Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 100, events: 14, partCount: 1 + item.seed % 2)
            .expect { try await $0.promise() }
    }

    @Test("parts end where one look does", arguments: cases)
    func equalToWhole(_ item: PairPropertyTests.Case) async throws {
        let whole = try await PairHistory(item.strategy, seed: item.seed + 200, events: 20)
        let parts = try await PairHistory(item.strategy, seed: item.seed + 200, events: 20, partCount: 2)
        for scenario in [whole.scenario, parts.scenario] {
            for _ in 0..<3 { try await scenario.run() }
        }
        #expect(parts.scenario.shown == whole.scenario.shown, "\(item) after \(whole.recipe)")
    }

    @Test("a first copy of a large mailbox never holds more than its parts", arguments: strategies)
    func firstCopy(_ strategy: String) async throws {
        let scenario = try PairScenario(try #require(policy(strategy)))
        (scenario.partCount, scenario.batchLimit, scenario.readAhead) = (4, 1, 3)
        scenario.now += 1_000_000
        for key in 0..<30 { scenario.a.append(PairEvents.message("m\(key)"), to: MailboxName("INBOX")) }
        scenario.b.append(PairEvents.message("m3"), to: MailboxName("INBOX"))
        let report = try await scenario.run()
        let shown = scenario.shown
        #expect(report.total { $0.copiedCount } == 29 && report.total { $0.adoptedCount } == 1)
        #expect(shown.sides["A"] == shown.sides["B"])
        #expect(report.outcome == .done)
        #expect(try await scenario.run().isUnchanged)
    }
}
