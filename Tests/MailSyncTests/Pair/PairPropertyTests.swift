import Foundation
import MailCore
import MailSync
import MailarcTesting
import Testing

/// P1–P27 of the sync specification over random histories, against a model that knows nothing of links or journals.
@Suite("properties of sync", .timeLimit(.minutes(15))) struct PairPropertyTests {
    static let strategies = [
        "backup", "two-way", "one-way", "copy", "bcc+no-grace", "copy+delete-extra", "one-way+propagate-deletes",
        "copy+follow-moves",
    ]

    /// Histories per strategy: enough for 20,000 fault points where the build is fast.
    static let seeds: Int = {
        if let text = ProcessInfo.processInfo.environment["MAILARC_SYNC_SEEDS"], let count = Int(text) { return count }
        #if DEBUG
            return 2
        #else
            return 60
        #endif
    }()

    struct Case: Sendable, CustomStringConvertible {
        var strategy: String
        var seed: Int
        var description: String { "\(strategy) seed \(seed)" }
    }

    static let cases = strategies.flatMap { strategy in (0..<seeds).map { Case(strategy: strategy, seed: $0) } }
    /// For what costs many runs a history.
    static let thirds = cases.filter { $0.seed % 3 == 0 }
    /// For what is as dear as being killed at every step.
    static let ninths = cases.filter { $0.seed % 9 == 0 }

    @Test("killed at every step, the next run ends where an unbroken one does", arguments: cases)
    func killedEverywhere(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed).expect { try await $0.everyDeath() }
    }

    @Test("an unbroken run keeps the strategy's promise, and a second one does nothing", arguments: cases)
    func promise(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 10_000, events: 14).expect { try await $0.promise() }
    }

    @Test("killed and broken again and again, both sides agree in the end", arguments: cases)
    func killedAgainAndAgain(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 20_000).expect { try await $0.manyDeaths() }
    }

    @Test("a connection that breaks at any step costs nothing but the next run", arguments: ninths)
    func brokenEverywhere(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 50_000).expect { try await $0.everyBreak() }
    }

    @Test("a lie is put right in the next run, and nothing is deleted for it", arguments: thirds)
    func lies(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 60_000).expect { try await $0.everyLie() }
    }

    @Test("what users do in the middle of a run is neither lost nor undone", arguments: ninths)
    func interference(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 70_000).expect { try await $0.everyInterference() }
    }

    @Test("the order in which things end makes no difference", arguments: thirds)
    func order(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 80_000).expect { try await $0.everyOrder() }
    }

    @Test("what is not selected stays as it is, until it is selected", arguments: thirds)
    func selections(_ item: Case) async throws {
        try await PairHistory(item.strategy, seed: item.seed + 90_000).expect { try await $0.everySelection() }
    }

    /// Histories that once failed.
    /// A seed, and which of the tests above it failed in.
    static let failed: [Case] = [
        Case(strategy: "backup", seed: 10039), Case(strategy: "two-way", seed: 10025),
        Case(strategy: "backup", seed: 20070),
        Case(strategy: "two-way", seed: 63), Case(strategy: "backup", seed: 75), Case(strategy: "two-way", seed: 39),
        Case(strategy: "two-way", seed: 54),
        Case(strategy: "copy+follow-moves", seed: 8), Case(strategy: "two-way", seed: 10),
        Case(strategy: "two-way", seed: 11), Case(strategy: "copy+follow-moves", seed: 10_010),
        Case(strategy: "copy", seed: 20_006), Case(strategy: "two-way", seed: 70_027),
        Case(strategy: "two-way", seed: 60_038), Case(strategy: "copy+delete-extra", seed: 60_041),
        Case(strategy: "one-way+propagate-deletes", seed: 60_080), Case(strategy: "one-way", seed: 60_034),
    ]

    @Test("histories that failed before", arguments: failed)
    func fixtures(_ item: Case) async throws {
        switch item.seed {
        case ..<10_000: try await PairHistory(item.strategy, seed: item.seed).expect { try await $0.everyDeath() }
        case 60_000..<70_000: try await PairHistory(item.strategy, seed: item.seed).expect { try await $0.everyLie() }
        case 70_000...:
            try await PairHistory(item.strategy, seed: item.seed).expect { try await $0.everyInterference() }
        case ..<20_000:
            try await PairHistory(item.strategy, seed: item.seed, events: 14).expect { try await $0.promise() }
        default: try await PairHistory(item.strategy, seed: item.seed).expect { try await $0.manyDeaths() }
        }
    }
}
