import MailSync
import MailarcTesting
import Testing

/// What comes to B by another channel, before or after it is copied (P14).
@Suite("the same message by another channel") struct PairLateTests {
    private static func mark(_ number: UInt64) -> ContentMark { ContentMark(high: number, low: 0) }

    private static func content(_ raw: UInt64, _ trace: [UInt32]) -> ContentIdentity {
        ContentIdentity(raw: mark(raw), canonical: mark(100), body: mark(101), trace: trace, octetCount: 1)
    }

    @Test(
        "strict: the Received fields end alike, but for one delivery on each side",
        arguments: [
            ([1, 2], [1, 2], true), ([9, 1, 2], [1, 2], true), ([], [1, 2], true), ([], [], true),
            ([8, 1, 2], [9, 1, 2], true), ([8, 7, 1, 2], [9, 1, 2], false), ([1], [2], false),
            ([8, 1], [9, 2], false),
            ([7, 8, 1], [1], true), ([3, 2, 1], [2, 1, 3], false),
        ] as [([UInt32], [UInt32], Bool)])
    func strict(_ a: [UInt32], _ b: [UInt32], _ isSame: Bool) {
        let (left, right) = (Self.content(1, a), Self.content(2, b))
        #expect(left.isSame(as: right, .strict) == isSame && right.isSame(as: left, .strict) == isSame)
        #expect(left.isSame(as: right, .loose))
    }

    static let strategies = ["backup", "two-way", "one-way", "copy", "bcc+no-grace"]

    private static func copied(_ strategy: String) async throws -> PairScenario {
        let scenario = try PairScenario(try #require(policy(strategy)))
        scenario.perform("A+INBOX/a1 B+INBOX/a1 A+INBOX/x")
        try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x"]])
        return scenario
    }

    @Test("what was copied and then comes by another channel is there once", arguments: strategies)
    func once(_ strategy: String) async throws {
        let scenario = try await Self.copied(strategy)
        scenario.perform("B+INBOX/x*")
        let planned = try await scenario.run(dry: true).plannedActions.filter(\.hasEffect).map(\.description)
        #expect(planned.count == 1 && planned[0].hasPrefix("expunge UID 3 of INBOX in B"), "\(planned)")
        try await scenario.run()
        #expect(scenario.shown.sides == ["A": ["INBOX": ["a1", "x"]], "B": ["INBOX": ["a1", "x"]]])
        #expect(try await scenario.run(dry: true).isUnchanged)
        #expect(try await scenario.state.doubledAddressCount() == 0)
    }

    @Test("two-way: the same for what came to A after it was copied there")
    func inSource() async throws {
        let scenario = try PairScenario(PairStrategy.twoWay.policy)
        scenario.perform("B+INBOX/x A+INBOX/a1")
        try await scenario.run()
        scenario.perform("A+INBOX/x*")
        for _ in 0..<2 { try await scenario.run() }
        #expect(scenario.shown.sides == ["A": ["INBOX": ["a1", "x"]], "B": ["INBOX": ["a1", "x"]]])
    }

    @Test("one that somebody marked, one that comes after a week, and an exact copy are messages like any other")
    func others() async throws {
        for (steps, key) in [(#"B+INBOX/x* B~INBOX/x*=\Flagged"#, #"x*[\Flagged]"#), ("B+INBOX/x", "x")] {
            let scenario = try await Self.copied("one-way")
            scenario.perform(steps)
            try await scenario.run()
            #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x", key].sorted()], "\(steps)")
        }
        let scenario = try await Self.copied("copy")
        scenario.now += 8 * 86_400
        scenario.perform("B+INBOX/x*")
        try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x", "x*"]])
    }

    @Test("it may stay where that is asked for", arguments: ["one-way+keep-late", "copy+keep-late"])
    func kept(_ strategy: String) async throws {
        let scenario = try await Self.copied(strategy)
        scenario.perform("B+INBOX/x*")
        try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x", "x*"]])
        #expect(try await scenario.run(dry: true).isUnchanged)
    }

    @Test("killed at any step, it is there once in the end", arguments: strategies)
    func killed(_ strategy: String) async throws {
        var target = 1
        while true {
            let scenario = try PairScenario(try #require(policy(strategy)))
            scenario.perform("A+INBOX/a1 B+INBOX/a1 A+INBOX/x")
            let hasStruck = try await scenario.run(until: target)
            scenario.perform("B+INBOX/x*")
            for _ in 0..<2 { try await scenario.run() }
            let found = scenario.shown.sides["B"]?["INBOX"] ?? []
            #expect(found == ["a1", "x"] || found == ["a1", "x*"], "\(target): \(found)")
            #expect(scenario.shown.sides["A"] == ["INBOX": ["a1", "x"]], "\(target)")
            guard hasStruck else { break }
            target += 1
        }
    }
}
