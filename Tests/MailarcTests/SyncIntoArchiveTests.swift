import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc sync … archive:`: what it ends with, what a kill leaves, and the past it keeps.
    @Suite("sync into an archive", .timeLimit(.minutes(8)))
    struct SyncIntoArchiveTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
        private static let line = ["sync", "test", "archive:", "--strategy", "backup"]

        // MARK: The past

        @Test(
            "list --at shows mailboxes by the names, and messages with the flags, they had then",
            .enabled(if: canRunDovecot))
        func past() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await server.doveadm(["mailbox", "create", "-u", "anna", "Lists"])
                    for number in 1...3 { try await deliver(server, "number \(number)", to: "INBOX") }
                    try await deliver(server, "of a list", to: "Lists")
                    let before = try await syncAndWait(program)

                    try await flags("add", "\\Flagged $Work", "1", server)
                    try await flags("add", "\\Seen", "3", server)
                    try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "2"])
                    try await server.doveadm(["mailbox", "rename", "-u", "anna", "Lists", "Letters"])
                    try await server.doveadm(["mailbox", "create", "-u", "anna", "Fresh"])
                    try await deliver(server, "fresh", to: "Fresh")
                    let between = try await syncAndWait(program)

                    try await flags("remove", "\\Flagged", "1", server)
                    try await server.doveadm(["mailbox", "delete", "-u", "anna", "Letters"])
                    _ = try await syncAndWait(program)

                    for round in ["as it was written", "from a catalog made anew"] {
                        try await expect(program, ["--at", "2001-01-01"], [:], round)
                        try await expect(program, ["--at", before], ["INBOX": 3, "Lists": 1], round)
                        try await expect(program, ["--at", between], ["INBOX": 2, "Letters": 1, "Fresh": 1], round)
                        try await expect(program, [], ["INBOX": 2, "Fresh": 1], round)
                        let inbox: [([String], [String: [String]])] = [
                            (["--at", before], ["number 1": [], "number 2": [], "number 3": []]),
                            (["--at", between], ["number 1": ["$Work", "\\Flagged"], "number 3": ["\\Seen"]]),
                            ([], ["number 1": ["$Work"], "number 3": ["\\Seen"]]),
                        ]
                        for (moment, expected) in inbox {
                            let found = try await messages(program, "INBOX", moment)
                            #expect(found == expected, "\(round) \(moment)")
                        }
                        #expect(try await messages(program, "Lists", ["--at", before]).keys.sorted() == ["of a list"])
                        #expect(
                            try await messages(program, "Letters", ["--at", between]).keys.sorted() == ["of a list"])
                        for (name, moment) in [("Letters", ["--at", before]), ("Lists", ["--at", between])] {
                            try await program.run(["list", "--mailbox", name] + moment, codes: [12])
                        }
                        try await program.run(["rebuild-catalog"])
                    }
                    let text = try await program.run(["list", "--mailbox", "INBOX", "--at", between])
                    #expect(text.output.contains("\\Flagged"), "\(text.output)")
                    try await program.run(["list", "--at", "yesterday"], codes: [64])
                }
            }
        }

        /// Syncs, and returns a moment after everything archived so far and before what comes.
        private func syncAndWait(_ program: MailarcProgram) async throws -> String {
            try await program.run(Self.line)
            return try await nextMoment()
        }

        private func flags(_ verb: String, _ flags: String, _ uid: String, _ server: DovecotServer) async throws {
            try await server.doveadm(["flags", verb, "-u", "anna", flags, "mailbox", "INBOX", "uid", uid])
        }

        private func expect(
            _ program: MailarcProgram, _ moment: [String], _ expected: [String: Int], _ label: String
        ) async throws {
            struct Row: Decodable {
                let mailbox: String
                let messages: Int
            }
            let rows = try await program.json([Row].self, ["list"] + moment)
            #expect(Dictionary(uniqueKeysWithValues: rows.map { ($0.mailbox, $0.messages) }) == expected, "\(label)")
        }

        /// Flags by subject.
        private func messages(
            _ program: MailarcProgram, _ mailbox: String, _ moment: [String]
        ) async throws -> [String: [String]] {
            struct Row: Decodable {
                let subject: String
                let flags: [String]
            }
            let rows = try await program.json([Row].self, ["list", "--mailbox", mailbox] + moment)
            return Dictionary(uniqueKeysWithValues: rows.map { ($0.subject, $0.flags.sorted()) })
        }

        // MARK: What it ends with

        @Test("a server that goes away in mid-run is partial, and the next run goes on", .enabled(if: canRunDovecot))
        func interrupted() async throws {
            var server = try await DovecotServer.start(.init())
            do {
                try await ProcessCommand(
                    "python3",
                    [
                        Repository.script("make-demo-account"), "--out", server.mailFolder(of: "anna"), "--messages",
                        "150", "--seed", "4",
                    ]
                ).runSuccessfully()
                try await server.adopt(user: "anna")
                let expected = try await Dump.server(port: server.port)
                try await withArchive { program in
                    let proxy = try await RoundTripProxy(to: server.port, delay: .milliseconds(400))
                    try await program.addAccount(port: proxy.port)
                    let run = try program.command(Self.line).start()
                    let packs = program.archive + "/open"
                    try await wait("the first message") {
                        TestFolder.files(below: packs).contains { $0.hasSuffix(".pk") }
                    }
                    try await server.doveadm(["kick", "anna"])
                    await server.stop(keepsFolder: true)
                    let result = try await run.waitAsync()
                    #expect(result.exitCode == 18, "\(result.ending) \(result.output) \(result.errors)")
                    #expect(result.output.contains("interrupted"), "\(result.output)")
                    try await program.expectClean()
                    server = try await server.restarted()
                    try await program.run(Self.line)
                    await proxy.stop()
                    expectEqual(try await program.exported(), expected)
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        @Test("Ctrl-C ends it in one line with a code of its own", .enabled(if: canRunDovecot))
        func stopped() async throws {
            try await withSampleServer(messages: 150, seed: 4) { server in
                try await withArchive { program in
                    let proxy = try await RoundTripProxy(to: server.port, delay: .milliseconds(400))
                    try await program.addAccount(port: proxy.port)
                    let run = try program.command(Self.line).start()
                    try await wait("the first message") {
                        TestFolder.files(below: program.archive + "/open").contains { $0.hasSuffix(".pk") }
                    }
                    run.signal(SIGINT)
                    let result = try await run.waitAsync()
                    #expect(result.exitCode == 130, "\(result.ending) \(result.output) \(result.errors)")
                    try await program.expectClean()
                    try await program.run(Self.line)
                    await proxy.stop()
                    expectEqual(try await program.exported(), try await Dump.server(port: server.port))
                }
            }
        }

        @Test("a message that cannot be taken is in quarantine (3); no server is no connection (8)")
        func quarantined() async throws {
            let server = try await MaliciousServer.start("refuses-one", offersTLS: false)
            do {
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    // A dry run says what would be done, and that is no failure.
                    try await program.run(Self.line + ["--dry-run"])
                    let result = try await program.run(Self.line, codes: [3])
                    #expect(result.output.contains("QUARANTINED"), "\(result.output)")
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
            try await withArchive { program in
                try await program.addAccount(port: try Loopback.freePorts(1)[0])
                try await program.run(Self.line, codes: [8])
            }
        }

        @Test("killed at a step, the next run goes on", .enabled(if: canRunDovecot), arguments: FaultTests.steps)
        func kills(_ step: String) async throws {
            try await withSampleServer(messages: 30, seed: 11) { server in
                let expected = try await Dump.server(port: server.port)
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    var command = program.command(Self.line)
                    command.environment["MAILARC_FAULT"] = "\(step):1"
                    let result = try await command.run()
                    let isRare = step == "journal-rewrite"
                    #expect(result.isKilled || isRare && result.isSuccess, "\(step): \(result.ending)")
                    try await program.expectClean()
                    try await program.run(Self.line)
                    expectEqual(try await program.exported(), expected, step)
                    #expect(try await program.run(Self.line).output.contains("nothing changed"))
                }
            }
        }

        private func deliver(_ server: DovecotServer, _ subject: String, to mailbox: String) async throws {
            try await server.deliver("Subject: \(subject)\r\nMessage-ID: <\(subject)@x>\r\n\r\nbody\r\n", to: mailbox)
        }
    }
}
