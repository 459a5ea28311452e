import MailCore
import MailSync
import MailarcTesting
import Testing

@Suite("a run between two stores") struct PairRunnerTests {
    private static func many(_ count: Int) -> String {
        (0..<count).map { "A+INBOX/m\($0)" }.joined(separator: " ")
    }

    private static func scenario(_ strategy: PairStrategy, _ count: Int) async throws -> PairScenario {
        let scenario = try PairScenario(strategy.policy)
        scenario.perform(many(count))
        try await scenario.run()
        return scenario
    }

    @Test("too many deletions at once are refused, none is done, and they can be allowed (P12)")
    func massDelete() async throws {
        let scenario = try await Self.scenario(.mirror, 40)
        scenario.perform((0..<20).map { "A-INBOX/m\($0)" }.joined(separator: " "))
        for _ in 0..<2 {
            let report = try await scenario.run()
            #expect(report.outcome == .refused)
            #expect(report.refusals.first?.deletions == 20)
            #expect(scenario.b.contents.count == 40)
        }
        scenario.allowsMassDelete = true
        #expect(try await scenario.run().outcome == .done)
        #expect(scenario.b.contents.count == 20)
    }

    @Test("an emptied account is an outage")
    func outage() async throws {
        let scenario = try await Self.scenario(.twoWay, 12)
        scenario.perform((0..<12).map { "A-INBOX/m\($0)" }.joined(separator: " "))
        await #expect(throws: SyncError.self) { try await scenario.run() }
        #expect(scenario.b.contents.count == 12)
    }

    @Test("a listing with holes deletes nothing, whether it says so or not (P11, P19)", arguments: [true, false])
    func holes(admits: Bool) async throws {
        let scenario = try await Self.scenario(.mirror, 8)
        (scenario.a.faults.listedMessages, scenario.a.faults.admitsHoles) = (5, admits)
        scenario.perform("A+INBOX/m9")
        try await scenario.run()
        #expect(scenario.b.contents.count >= 8)
        scenario.a.faults.listedMessages = nil
        try await scenario.run()
        #expect(scenario.shown.sides["A"] == scenario.shown.sides["B"])
    }

    @Test("messages said to have vanished and still listed are not deleted (P19)")
    func lies() async throws {
        let scenario = try await Self.scenario(.twoWay, 6)
        try await scenario.run()
        scenario.a.faults.falseVanished[MailboxName("INBOX")] = UIDSet(ranges: [1...3])
        scenario.perform("A+INBOX/m9")
        try await scenario.run()
        #expect(scenario.a.contents.count == 7 && scenario.b.contents.count == 7)
    }

    @Test("an adopted message that shows flags on both sides is linked once")
    func adoptedOnce() async throws {
        let scenario = try PairScenario(PairStrategy.twoWay.policy)
        scenario.perform(#"A+INBOX/a1 A~INBOX/a1=\Seen B+INBOX/a1 B~INBOX/a1=\Seen"#)
        #expect(try await scenario.run().total { $0.adoptedCount } == 1)
        #expect(try await scenario.state.doubledAddressCount() == 0)
        scenario.perform(#"A+INBOX/a2 A~INBOX/a1=\Seen,\Flagged"#)
        try await scenario.run()
        #expect(scenario.shown.sides["A"] == scenario.shown.sides["B"])
        #expect(try await scenario.run().isUnchanged)
    }

    @Test("a message that B refuses is reported at each run, and the others go on (P26)")
    func quarantine() async throws {
        let scenario = try PairScenario(PairStrategy.oneWay.policy)
        scenario.b.faults.refusedDeliveries = [PairEvents.message("m1").fingerprint]
        scenario.perform(Self.many(4))
        for attempt in 1...2 {
            let report = try await scenario.run()
            #expect(report.outcome == .quarantined)
            #expect(report.quarantine.map(\.attempts) == [attempt])
            #expect(scenario.b.contents.count == 3)
        }
        scenario.b.faults.refusedDeliveries = []
        #expect(try await scenario.run().outcome == .done)
        #expect(scenario.b.contents.count == 4)
    }

    @Test("a mailbox that cannot be opened does not stop the others, and loses nothing (P26)")
    func unopenable() async throws {
        let scenario = try PairScenario(PairStrategy.twoWay.policy)
        scenario.perform("A+F1/ A+F1/b1 A+INBOX/a1")
        try await scenario.run()
        scenario.a.faults.unopenable = [MailboxName("F1")]
        scenario.perform("A+INBOX/a2 A+F1/b2 B-F1/b1")
        let report = try await scenario.run()
        #expect(report.outcome == .partial)
        #expect(scenario.a.contents.count == 4 && scenario.b.contents.count == 2)
        scenario.a.faults.unopenable = []
        try await scenario.run()
        #expect(scenario.shown.sides["A"] == scenario.shown.sides["B"])
    }

    @Test("flags that B cannot keep are not tried again")
    func unrepresentable() async throws {
        var features = BothFeatures()
        features.b.permanentFlags = [.seen, .flagged]
        let scenario = try PairScenario(PairStrategy.twoWay.policy, features)
        scenario.perform(#"A+INBOX/a1 A~INBOX/a1=\Seen,$Work"#)
        try await scenario.run()
        scenario.perform(#"A~INBOX/a1=\Seen,\Flagged,$Work"#)
        try await scenario.run()
        #expect(scenario.shown.sides["B"]?["INBOX"] == [#"a1[\Flagged,\Seen]"#])
        #expect(scenario.a.contents.first?.summary.flags.contains(Flag("$Work")) == true)
        #expect(try await scenario.run(dry: true).isUnchanged)
    }

    @Test("a bcc message that does not come is copied after the grace; one that comes is linked (P14)")
    func grace() async throws {
        let scenario = try PairScenario(PairStrategy.bcc.policy)
        scenario.perform("A+INBOX/x A+INBOX/y")
        #expect(try await scenario.run().isUnchanged)
        scenario.perform("B+INBOX/x*")
        try await scenario.run()
        scenario.now += PairStrategy.defaultGrace
        try await scenario.run()
        #expect(scenario.shown.sides["B"]?["INBOX"] == ["x*", "y"])
        #expect(try await scenario.run(dry: true).plannedActions.isEmpty)
    }

    @Test("messages that are not selected are neither copied nor deleted")
    func selection() async throws {
        let scenario = try PairScenario(PairStrategy.mirror.policy)
        scenario.selection = PairSelection(excludedMailboxes: ["F*"], maximumOctets: 1)
        scenario.perform("A+INBOX/x A+F1/ A+F1/y B+INBOX/z")
        #expect(try await scenario.run().isUnchanged)
        #expect(scenario.shown.sides["B"] == ["INBOX": ["z"]])
    }

    /// Sizes and dates make no difference here: the flag does.
    private static func flagged() throws -> PairSelection {
        PairSelection(search: try SearchProgram(parsing: "FLAGGED"))
    }

    @Test("a message outside the selection never counts as deleted, gone or extra, whatever the strategy says")
    func outside() async throws {
        for strategy in [PairStrategy.mirror, .twoWay] {
            let scenario = try PairScenario(strategy.policy)
            scenario.perform("A+INBOX/x A+INBOX/y A+INBOX/z")
            try await scenario.run()
            scenario.selection = try Self.flagged()
            scenario.perform("A-INBOX/x B+INBOX/m1 A+INBOX/m2")
            #expect(try await scenario.run().isUnchanged, "\(strategy)")
            #expect(scenario.shown.sides["B"] == ["INBOX": ["m1", "x", "y", "z"]])
            // Without the selection all of it is seen again.
            scenario.selection = PairSelection()
            try await scenario.run()
            #expect(scenario.shown.sides["A"] == scenario.shown.sides["B"], "\(strategy)")
            #expect(try await scenario.run(dry: true).isUnchanged)
        }
    }

    @Test("a removed mailbox stays while only some messages are selected, and goes when all are")
    func sparedMailbox() async throws {
        let scenario = try PairScenario(PairStrategy.twoWay.policy)
        scenario.perform("A+INBOX/x A+W/ A+W/y A+V/")
        try await scenario.run()
        scenario.selection = try Self.flagged()
        scenario.perform("A-W/ A-V/")
        #expect(try await scenario.run().isUnchanged)
        #expect(scenario.shown.sides["B"] == ["INBOX": ["x"], "V": [], "W": ["y"]])
        scenario.selection = PairSelection()
        try await scenario.run()
        #expect(scenario.shown.sides["A"] == ["INBOX": ["x"]])
        #expect(scenario.shown.sides["B"] == ["INBOX": ["x"]])
    }

    @Test("extra messages kept once are not deleted outside the selection, and are when it is lifted")
    func keptOutside() async throws {
        let scenario = try PairScenario(PairStrategy.copy.policy)
        scenario.perform("A+INBOX/x B+INBOX/z")
        try await scenario.run()
        scenario.policy = PairStrategy.copy.policy.applying(.deleteExtra)
        scenario.selection = try Self.flagged()
        #expect(try await scenario.run().isUnchanged)
        scenario.selection = PairSelection()
        try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": ["x"]])
    }

    @Test("a program that needs a server is refused where an end is none, before anything is done")
    func localSearch() async throws {
        let scenario = try PairScenario(PairStrategy.copy.policy)
        scenario.perform("A+INBOX/x")
        scenario.selection = PairSelection(search: try SearchProgram(parsing: "FROM anna"))
        await #expect(throws: SyncError.self) { try await scenario.run() }
        #expect(scenario.b.contents.isEmpty)
    }

    @Test("taken out of A once verified, and B's stays whatever comes after")
    func leaving() async throws {
        let scenario = try PairScenario(PairStrategy.copy.policy)
        scenario.sourceDeletionAge = 0
        scenario.perform("A+INBOX/x A+W/ A+W/y B+INBOX/x")
        #expect(
            try await scenario.run(dry: true).plannedActions.contains {
                "\($0)".contains("once its copy was read back")
            })
        #expect(scenario.a.contents.count == 2)
        let report = try await scenario.run()
        #expect(report.outcome == .done && report.total(\.expungedCount) == 2)
        #expect(scenario.shown.sides["A"] == ["INBOX": [], "W": []])
        #expect(scenario.shown.sides["B"] == ["INBOX": ["x"], "W": ["y"]])
        #expect(try await scenario.run().isUnchanged)
        // Not extra, although A has it no more.
        (scenario.policy, scenario.sourceDeletionAge) = (PairStrategy.copy.policy.applying(.deleteExtra), nil)
        scenario.perform("B+INBOX/z")
        _ = try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": ["x"], "W": ["y"]])
    }

    @Test("a copy that is not octet for octet the same keeps its source, and so does one too young")
    func unequal() async throws {
        let scenario = try PairScenario(PairStrategy.copy.policy)
        scenario.sourceDeletionAge = 0
        // The same message by another way: equal but for its trace.
        scenario.perform("A+INBOX/x B+INBOX/x*")
        let report = try await scenario.run()
        #expect(scenario.a.contents.count == 1)
        #expect(report.total(\.expungedCount) == 0)
        scenario.sourceDeletionAge = 1 << 40
        scenario.perform("A+INBOX/y")
        try await scenario.run()
        #expect(scenario.a.contents.count == 2)
    }

    @Test("a strategy whose destination follows deletions, and a store without UIDPLUS, are refused")
    func leavingRefused() async throws {
        for strategy in [PairStrategy.mirror, .twoWay] {
            let scenario = try PairScenario(strategy.policy)
            scenario.sourceDeletionAge = 0
            scenario.perform("A+INBOX/x")
            await #expect(throws: SyncError.self) { try await scenario.run() }
            #expect(scenario.b.contents.isEmpty)
        }
    }

    @Test("killed at any step of taking out, the message is always in B whole, and the next runs end the same")
    func leavingKilled() async throws {
        var target = 1
        var deaths = 0
        while true {
            let scenario = try PairScenario(PairStrategy.copy.policy)
            scenario.sourceDeletionAge = 0
            scenario.perform("A+INBOX/x A+INBOX/y A+W/ A+W/z")
            let hasDied = try await scenario.run(until: target)
            let keys = Set((scenario.shown.sides["A"] ?? [:]).values.joined())
                .union((scenario.shown.sides["B"] ?? [:]).values.joined())
            #expect(keys.isSuperset(of: ["x", "y", "z"]), "lost at step \(target)")
            try await scenario.run()
            try await scenario.run()
            #expect(scenario.a.contents.isEmpty, "step \(target)")
            #expect(scenario.shown.sides["B"] == ["INBOX": ["x", "y"], "W": ["z"]], "step \(target)")
            guard hasDied else { break }
            (target, deaths) = (target + 1, deaths + 1)
        }
        #expect(deaths > 20)
        print("taking out: \(deaths) instants of death")
    }

    @Test("below a subfolder, under other names")
    func names() async throws {
        let scenario = try PairScenario(PairStrategy.mirror.policy)
        scenario.naming = PairNaming(rules: [.init(.prefix, from: "Work", to: "Job")], subfolder: "Old")
        scenario.perform("A+INBOX/x A+Work/ A+Work/y B+Other/ B+Other/z")
        try await scenario.run()
        #expect(scenario.shown.sides["B"] == ["INBOX": [], "Old/INBOX": ["x"], "Old/Job": ["y"], "Other": ["z"]])
        #expect(try await scenario.run(dry: true).isUnchanged)
    }

    @Test("the archive's own store takes one run at a time, and its file is the owner's alone")
    func lock() async throws {
        let folder = try TestFolder()
        let path = folder.path + "/pair.sqlite"
        let state = try PairState.open(path: path)
        #expect(throws: SyncError.self) { try PairState.open(path: path) }
        try state.close()
    }
}
