import MailCore
import MailSync
import MailarcTesting
import Testing

/// What cannot be seen or read in one run may be the same message: nothing is copied beside it for that.
@Suite("messages that cannot be compared") struct PairUnreadTests {
    static let strategies = ["backup", "two-way", "one-way", "copy", "bcc+no-grace"]

    /// The same message on both sides, which one of them does not give.
    private static func scenario(_ strategy: String, unreadIn side: Character) throws -> PairScenario {
        let scenario = try PairScenario(try #require(policy(strategy)))
        scenario.perform("A+F1/ B+F1/ A+INBOX/x B+INBOX/x A+F1/y")
        let uid = try #require(UID(1))
        scenario.store(side).faults.refusals[MailboxName("INBOX")] = [uid: Refusal(.refusedByServer, detail: "broken")]
        return scenario
    }

    @Test("its equal waits, is reported, and is linked once it can be read", arguments: strategies)
    func waits(_ strategy: String) async throws {
        for side: Character in ["A", "B"] {
            let scenario = try Self.scenario(strategy, unreadIn: side)
            let sides = scenario.shown
            for attempt in 1...3 {
                let report = try await scenario.run()
                #expect(report.outcome == .quarantined, "\(side): \(report)")
                #expect(report.quarantine.map(\.attempts) == [attempt], "\(side): \(report.quarantine)")
                #expect(report.quarantine.first?.message.side == (side == "A" ? .a : .b))
                #expect(report.quarantine.first?.detail == "broken")
                #expect(scenario.shown.sides["A"] == sides.sides["A"], "\(side)")
                #expect(scenario.shown.sides["B"]?["INBOX"] == ["x"], "\(side)")
            }
            scenario.store(side).faults.refusals = [:]
            let report = try await scenario.run()
            #expect(report.outcome == .done && report.total { $0.adoptedCount } == 1, "\(side): \(report)")
            try await scenario.run()
            #expect(scenario.shown.sides["A"]?["INBOX"] == ["x"] && scenario.shown.sides["B"]?["INBOX"] == ["x"])
            #expect(scenario.shown.sides["B"]?["F1"] == ["y"])
            #expect(try await scenario.run(dry: true).isUnchanged)
        }
    }

    @Test("what can never be read is told, and in the end nothing waits for it", arguments: ["one-way", "copy"])
    func bounded(_ strategy: String) async throws {
        let scenario = try Self.scenario(strategy, unreadIn: "B")
        var words: [String] = []
        for _ in 0..<8 { words += try await scenario.run().conflicts }
        #expect(scenario.shown.sides["B"]?["INBOX"] == ["x", "x"])
        #expect(words.contains { $0.contains("UID 1 of INBOX in B could not be read in 5 runs") }, "\(words)")
        #expect(try await scenario.run(dry: true).isUnchanged)
    }

    @Test("a plan that does nothing remembers nothing")
    func dry() async throws {
        let scenario = try Self.scenario("two-way", unreadIn: "B")
        for _ in 0..<9 { _ = try await scenario.run(dry: true) }
        let report = try await scenario.run()
        #expect(report.quarantine.map(\.attempts) == [1] && scenario.shown.sides["B"]?["INBOX"] == ["x"])
    }

    @Test(
        "a message that came from a mailbox the listing left out is not copied for it: it moved",
        arguments: ["backup", "two-way", "one-way", "copy+follow-moves", "bcc+no-grace"], ["hidden", "closed"])
    func hiddenMove(_ strategy: String, _ how: String) async throws {
        let scenario = try PairScenario(try #require(policy(strategy)))
        scenario.perform("A+F2/ A+F1/ B+F2/ B+F1/ A+F1/x A+F2/a1 A+INBOX/a2")
        try await scenario.run()
        scenario.perform("A>F1/x>F2 A+INBOX/y")
        if how == "hidden" {
            (scenario.a.faults.listedMailboxes, scenario.a.faults.admitsHoles) = (2, true)
        } else {
            scenario.a.faults.unopenable = [MailboxName("F1")]
        }
        try await scenario.run()
        #expect(scenario.shown.sides["B"]?.values.joined().filter { $0 == "x" } == ["x"])
        #expect(scenario.shown.sides["B"]?["INBOX"] == ["a2", "y"], "the others need not wait")
        scenario.a.faults = InMemoryStore.Faults()
        for _ in 0..<2 { try await scenario.run() }
        let place = strategy == "bcc+no-grace" ? "F1" : "F2"
        #expect(scenario.shown.sides["B"]?.filter { $0.value.contains("x") }.map(\.key) == [place])
        #expect(try await scenario.run(dry: true).isUnchanged)
    }

    @Test("one that was passed over for an equal one takes its place when that left both sides", arguments: [1, 2, 3])
    func passedOver(_ order: Int) async throws {
        let scenario = try PairScenario(try #require(policy("copy+dedupe")))
        scenario.perform("A+INBOX/a1 A+INBOX/x A+INBOX/x A+INBOX/x")
        try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x"]])
        // The first one in A is the one in B.
        scenario.perform(["A-INBOX/x B-INBOX/x", "A-INBOX/x", "B-INBOX/x"][order - 1])
        try await scenario.run()
        scenario.perform(["", "B-INBOX/x", "A-INBOX/x"][order - 1])
        for _ in 0..<2 { try await scenario.run() }
        #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x"]])
        #expect(scenario.shown.sides["A"] == ["INBOX": ["a1", "x", "x"]])
        #expect(try await scenario.run(dry: true).isUnchanged)
    }

    @Test("killed at any step, the one that was passed over is there once in the end")
    func passedOverKilled() async throws {
        let start = try PairScenario(try #require(policy("copy+dedupe")))
        start.perform("A+INBOX/a1 A+INBOX/x A+INBOX/x")
        try await start.run()
        start.perform("A-INBOX/x B-INBOX/x")
        var target = 1
        while true {
            let scenario = try PairScenario(copying: start)
            let hasStruck = try await scenario.run(until: target)
            for _ in 0..<2 { try await scenario.run() }
            #expect(scenario.shown.sides["B"] == ["INBOX": ["a1", "x"]], "killed at step \(target)")
            guard hasStruck else { break }
            target += 1
        }
    }
}
