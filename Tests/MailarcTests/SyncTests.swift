import Foundation
import MailarcTesting
import Testing

/// A line of `--log-file`.
struct SyncLogLine: Decodable {
    let time, event: String
    let side, mailbox, reason: String?
    let uid: Int?
    var place: String { "\(mailbox ?? "") \(uid ?? 0)" }

    static func all(_ path: String) throws -> [SyncLogLine] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(SyncLogLine.self, from: Data($0.utf8))
        }
    }
}

struct SyncDocument: Decodable {
    struct Mailbox: Decodable {
        let side, mailbox: String
        let copied, moved, flagChanges, expunged, linked: Int
        let failure: String?
    }
    let outcome: String
    let interruption: String?
    let mailboxes: [Mailbox]
    let plan: [String]
    let refusals: [String]
    let isUnchanged: Bool

    func total(_ count: (Mailbox) -> Int) -> Int { mailboxes.reduce(0) { $0 + count($1) } }
}

extension EndToEnd {
    /// `mailarc sync` between a real Dovecot and a Maildir.
    @Suite("sync between stores", .timeLimit(.minutes(8)))
    struct SyncTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "a first copy is exact, a second run does nothing, whatever the strategy", .enabled(if: canRunDovecot),
            arguments: ["backup", "two-way", "one-way", "copy"])
        func firstCopy(_ strategy: String) async throws {
            try await withSampleServer(messages: 60, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let expected = try await Dump.server(port: server.port)
                let plan = try await sync(program, strategy, ["--dry-run"])
                #expect(!plan.plan.isEmpty && !plan.isUnchanged)
                let first = try await sync(program, strategy)
                #expect(first.outcome == "done" && first.total(\.copied) == expected.count, "\(first)")
                expectEqual(try await Dump.maildir(program.folder.file("mail")), expected)
                let second = try await sync(program, strategy)
                #expect(second.isUnchanged, "\(second)")
                expectEqual(try await Dump.server(port: server.port), expected)
            }
        }

        @Test("two-way: what happens on either side happens on the other, once", .enabled(if: canRunDovecot))
        func twoWay() async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                _ = try await sync(program, "two-way")
                let before = try await Dump.server(port: server.port)
                let inbox = program.folder.file("mail/cur")
                let files = try FileManager.default.contentsOfDirectory(atPath: inbox).sorted()
                try FileManager.default.removeItem(atPath: "\(inbox)/\(files[0])")
                try Data("Subject: new here\r\n\r\nbody\r\n".utf8).write(
                    to: URL(fileURLWithPath: program.folder.file("mail/new/1.new.host")))
                let flagged = files[1].contains("F") ? files[2] : files[1]
                try FileManager.default.moveItem(
                    atPath: "\(inbox)/\(flagged)", toPath: "\(inbox)/\(flagged)F")
                let report = try await sync(program, "two-way")
                #expect(
                    report.outcome == "done" && report.total(\.expunged) >= 1 && report.total(\.copied) >= 1,
                    "\(report)")
                let (there, here) = (
                    try await Dump.server(port: server.port), try await Dump.maildir(program.folder.file("mail"))
                )
                expectEqual(here, there)
                #expect(there != before)
                #expect(try await sync(program, "two-way").isUnchanged)
            }
        }

        @Test("the log tells each message, and what became of it", .enabled(if: canRunDovecot))
        func log() async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let path = program.folder.file("sync.jsonl")
                let first = try await program.run(
                    line(program, "two-way") + ["--log-file", path, "--verbose"], opens: false)
                let copied = try await Dump.server(port: server.port).count
                var entries = try SyncLogLine.all(path)
                #expect(entries.map(\.event).first == "began" && entries.last?.reason == "done")
                #expect(entries.count { $0.event == "copied" } == copied)
                let sentences = first.output.split(separator: "\n").filter { $0.hasPrefix("copied UID ") }
                #expect(sentences.count == copied, "\(first.output)")
                // Known by place: nothing is told twice, and everything lies where it is said to be.
                let places = Set(entries.filter { $0.event == "copied" }.map(\.place))
                #expect(places.count == copied)

                let steps = [
                    PlayedStep(
                        .append, "INBOX", octets: Array("Subject: new\r\n\r\nnew\r\n".utf8), flags: [],
                        date: 1_600_000_000),
                    PlayedStep(.create, "Made"),
                ]
                try await MailPlayer.play([PlayedJob(port: server.port, user: "anna", steps: steps)])
                let inbox = program.folder.file("mail/cur")
                let gone = try #require(try FileManager.default.contentsOfDirectory(atPath: inbox).sorted().first)
                try FileManager.default.removeItem(atPath: "\(inbox)/\(gone)")
                try await program.run(line(program, "two-way") + ["--log-file", path, "--quiet"], opens: false)
                entries = Array(try SyncLogLine.all(path).dropFirst(entries.count))
                let events = entries.map { [$0.event, $0.side, $0.mailbox].compactMap { $0 }.joined(separator: " ") }
                #expect(events.first == "began" && events.last == "ended", "\(events)")
                #expect(events.contains("created destination Made"), "\(events)")
                #expect(events.contains("copied destination INBOX"), "\(events)")
                #expect(events.contains("expunged source INBOX"), "\(events)")
                #expect(entries.count == 5, "\(events)")

                // A log that cannot be written stops nothing that was to be done, and is an error.
                try await program.run(
                    line(program, "two-way") + ["--log-file", "/dev/full"], opens: false, codes: [11])
                for (words, code) in [
                    (["--verbose", "--json"], Int32(64)), (["--log-file", "/no/such/folder/x"], 11),
                ] {
                    let refused = try await program.run(line(program, "two-way") + words, opens: false, codes: [code])
                    #expect(refused.errors.contains("log"), "\(refused.errors)")
                }
            }
        }

        @Test("many deletions at once are refused until they are allowed", .enabled(if: canRunDovecot))
        func massDelete() async throws {
            try await withSampleServer(messages: 60, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                _ = try await sync(program, "two-way")
                let before = try await Dump.server(port: server.port)
                for file in TestFolder.files(below: program.folder.file("mail")) where file.contains("cur/") {
                    try FileManager.default.removeItem(atPath: program.folder.file("mail/\(file)"))
                }
                let refused = try await sync(program, "two-way", codes: [8, 17, 18])
                #expect(refused.map(\.refusals.isEmpty) != true)
                expectEqual(try await Dump.server(port: server.port), before)
            }
        }

        @Test("Ctrl-C ends a run in one line with a code of its own, and the next goes on", .enabled(if: canRunDovecot))
        func interrupted() async throws {
            try await withSampleServer(messages: 200, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                let expected = try await Dump.server(port: server.port)
                // In the middle of the messages' octets.
                let trap = OctetTrap()
                let proxy = try await CuttingProxy(to: server.port, trap)
                trap.arm(at: 200_000, .signal(SIGINT))
                try await program.addAccount(port: proxy.port)
                let words = [
                    "sync", "test", "maildir:\(program.folder.file("mail"))", "--state", program.folder.file("state"),
                ]
                let run = try program.command(words + ["--strategy", "copy"], opens: false).start()
                trap.attach(run)
                let result = try await run.waitAsync()
                #expect(result.exitCode == 130, "\(result.output)\(result.errors)")
                #expect(result.errors.split(separator: "\n").contains { $0.contains("stopped") }, "\(result.errors)")
                #expect(trap.take().isSprung)
                try await program.run(words + ["--strategy", "copy"], opens: false)
                await proxy.stop()
                expectEqual(try await Dump.maildir(program.folder.file("mail")), expected)
            }
        }

        @Test("killed at any instant and run again: nothing lost, nothing doubled", .enabled(if: canRunDovecot))
        func kills() async throws {
            try await withSampleServer(messages: 80, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let expected = try await Dump.server(port: server.port)
                let seed = EndToEnd.seed
                print("kill instants: MAILARC_SEED=\(seed)")
                var generator = SeededGenerator(seed: seed)
                for _ in 0..<(isSoak ? 200 : 20) {
                    var command = program.command(line(program, "two-way"), opens: false)
                    command.killAfter = .milliseconds(Int.random(in: 40...700, using: &generator))
                    let result = try await command.run()
                    #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                }
                _ = try await sync(program, "two-way")
                expectEqual(try await Dump.server(port: server.port), expected)
                expectEqual(try await Dump.maildir(program.folder.file("mail")), expected)
                #expect(try await sync(program, "two-way").isUnchanged)
            }
        }

        @Test("bad input is one line with what to do")
        func badInput() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let cases: [([String], Set<Int32>, String)] = [
                (["nobody", "maildir:\(program.folder.file("x"))", "--strategy", "copy"], [12], "nobody"),
                (
                    [
                        "maildir:\(program.folder.file("x"))", "maildir:\(program.folder.file("x"))", "--strategy",
                        "copy",
                    ], [64], "are one"
                ),
                (
                    ["imaps://a:b@host", "maildir:\(program.folder.file("x"))", "--strategy", "copy"], [64],
                    "not an account"
                ),
                (["tape:x", "maildir:\(program.folder.file("x"))", "--strategy", "copy"], [64], "not an end"),
                (
                    [
                        "maildir:\(program.folder.file("x"))", "maildir:\(program.folder.file("y"))", "--strategy",
                        "mirror",
                    ], [64], "strategy"
                ),
                (
                    [
                        "maildir:\(program.folder.file("x"))", "maildir:\(program.folder.file("y"))", "--strategy",
                        "two-way", "--bend", "delete-extra",
                    ], [64], "means nothing"
                ),
                (
                    [
                        "maildir:\(program.folder.file("x"))", "maildir:\(program.folder.file("no/where"))",
                        "--strategy", "copy",
                    ], [11], "parent must exist"
                ),
            ]
            for (arguments, codes, words) in cases {
                let result = try await program.run(
                    ["sync"] + arguments + ["--state", program.folder.file("state")], opens: false, codes: codes)
                #expect(words.isEmpty || result.errors.contains(words), "\(arguments): \(result.errors)")
            }
            try program.folder.write("things/notes.txt", "mine")
            try await program.run(
                [
                    "sync", "maildir:\(program.folder.file("m"))", "maildir:\(program.folder.file("things"))",
                    "--strategy",
                    "backup", "--state", program.folder.file("state"),
                ], opens: false, codes: [64])
        }

        // MARK: helpers

        private func sync(
            _ program: MailarcProgram, _ strategy: String, _ more: [String] = []
        ) async throws -> SyncDocument {
            let document = try await sync(program, strategy, more, codes: [0])
            return try #require(document)
        }

        private func sync(
            _ program: MailarcProgram, _ strategy: String, _ more: [String] = [], codes: Set<Int32>
        ) async throws -> SyncDocument? {
            struct Document: Decodable { let result: SyncDocument }
            let result = try await program.run(
                line(program, strategy) + more + ["--json"], opens: false, codes: codes)
            return try? JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        private func line(_ program: MailarcProgram, _ strategy: String) -> [String] {
            [
                "sync", "test", "maildir:\(program.folder.file("mail"))", "--strategy", strategy, "--state",
                program.folder.file("state"),
            ]
        }
    }
}
