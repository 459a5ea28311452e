import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Accounts of an archive's own as ends of `mailarc sync`, by every strategy.
    @Suite("an archive as either end of a sync", .timeLimit(.minutes(8)))
    struct ArchiveEndTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
        static let strategies = ["copy", "one-way", "two-way", "bcc"]

        private func line(_ source: String, _ destination: String, _ strategy: String) -> [String] {
            ["sync", source, destination, "--strategy", strategy]
                + (strategy == "bcc" ? ["--bend", "no-grace"] : [])
        }

        @Test(
            "an account comes into the archive exactly, and changes follow as the strategy says, with a past",
            .enabled(if: canRunDovecot), arguments: strategies)
        func follows(_ strategy: String) async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let line = line("test", "archive:kept", strategy)
                    let before = try await Dump.server(port: server.port)
                    #expect(try await program.run(line + ["--dry-run"]).output.contains("planned, nothing done"))
                    #expect(try await messages(program, "INBOX", codes: [12]).isEmpty)
                    try await program.run(line)
                    // Of equal messages of a mailbox, bcc takes one.
                    let expected = strategy == "bcc" ? Array(Set(before.map(place))).sorted() : before
                    let first = try await view(program, "first")
                    expectEqual(strategy == "bcc" ? first.map(place).sorted() : first, expected, "first copy")
                    #expect(try await program.json(SyncDocument.self, line).isUnchanged)

                    let count = try await messages(program, "INBOX").count
                    let moment = try await nextMoment()
                    try await change(server)
                    try await program.run(line)
                    #expect(try await program.json(SyncDocument.self, line).isUnchanged)
                    let after = try await Dump.server(port: server.port)
                    let left = try #require(lost(before, after).first)
                    let second = try await view(program, "second")
                    switch strategy {
                    case "two-way": expectEqual(second, after, "changed")
                    case "bcc": #expect(Set(second.map(place)) == Set((before + after).map(place)))
                    default: expectEqual(second, (after + [left]).sorted(), "changed")
                    }
                    #expect(try await messages(program, "INBOX", ["--at", moment]).count == count)
                    try await program.run(["rebuild-catalog"])
                    #expect(try await program.json(SyncDocument.self, line).isUnchanged)
                    expectEqual(try await view(program, "rebuilt"), second, "rebuilt")
                    try await program.expectClean()
                }
            }
        }

        @Test("changes pass through an archive in both directions, by two-way syncs alone", .enabled(if: canRunDovecot))
        func throughBothWays() async throws {
            try await withSampleServer(messages: 30, seed: 6) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let tree = program.folder.file("tree")
                    let near = line("test", "archive:kept", "two-way")
                    let far = line("archive:kept", "maildir:\(tree)", "two-way")
                    try await program.run(near)
                    try await program.run(far, environment: state(program))
                    expectEqual(try await Dump.maildir(tree), try await Dump.server(port: server.port))

                    let moment = try await nextMoment()
                    let inbox = try FileManager.default.contentsOfDirectory(atPath: "\(tree)/cur").sorted()
                    try FileManager.default.removeItem(atPath: "\(tree)/cur/\(inbox[0])")
                    let flagged = inbox[1].split(separator: ":")[0] + ":2,F"
                    try FileManager.default.moveItem(
                        atPath: "\(tree)/cur/\(inbox[1])", toPath: "\(tree)/cur/\(flagged)")
                    try Data("Subject: new here\r\n\r\nnew\r\n".utf8).write(
                        to: URL(fileURLWithPath: "\(tree)/new/1700000000.new.here"))
                    let count = try await messages(program, "INBOX").count
                    try await program.run(far, environment: state(program))
                    try await program.run(near)
                    expectEqual(try await Dump.maildir(tree), try await Dump.server(port: server.port), "back")
                    let now = try await messages(program, "INBOX")
                    #expect(now.count == count && now.contains("new here"))
                    let then = try await messages(program, "INBOX", ["--at", moment])
                    #expect(then.count == count && !then.contains("new here"))

                    try await server.doveadm(["mailbox", "create", "-u", "anna", "Fresh"])
                    try await change(server)
                    for line in [near, far, far, near] {
                        try await program.run(line, environment: state(program))
                    }
                    expectEqual(try await Dump.maildir(tree), try await Dump.server(port: server.port), "forth")
                    #expect(FileManager.default.fileExists(atPath: "\(tree)/.Fresh/cur"))
                    try await program.expectClean()
                }
            }
        }

        @Test(
            "what is erased leaves for good: it stays in the source, and no strategy takes it again",
            .enabled(if: canRunDovecot), arguments: ["copy", "one-way", "two-way"])
        func erased(_ strategy: String) async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    for number in 1...4 { try await deliver(server, "letter\(number)") }
                    let line = line("test", "archive:kept", strategy)
                    try await program.run(line)
                    let all = try await Dump.server(port: server.port)
                    try await program.run(["erase", "subject:letter4", "--yes"])
                    try await deliver(server, "later")
                    for round in ["erased", "rebuilt"] {
                        try await program.run(line)
                        #expect(
                            try await messages(program, "INBOX").sorted() == [
                                "later", "letter1", "letter2", "letter3",
                            ],
                            "\(round)")
                        #expect(try await Dump.server(port: server.port).count == all.count + 1, "\(round)")
                        #expect(try await program.json(SyncDocument.self, line).isUnchanged, "\(round)")
                        try await program.expectClean()
                        try await program.run(["rebuild-catalog"])
                    }
                    // Forgotten, it is a new one.
                    try await program.run(["erase", "subject:letter2", "--yes", "--forget"])
                    try await program.run(line)
                    #expect(try await messages(program, "INBOX").contains("letter2"))
                    #expect(try await Dump.server(port: server.port).count == all.count + 1)
                    try await program.expectClean()
                }
            }
        }

        @Test(
            "killed within an erasure, the next sync takes nothing again and deletes nothing in the source",
            arguments: ["erase-pairs", "erase-catalog", "erase-state-copy", "erase-vault", "erase-unlink"])
        func killedErasure(_ step: String) async throws {
            try await withArchive { program in
                let maildir = try MaildirFiller(root: program.folder.file("source"))
                for number in 1...3 {
                    try maildir.add(Array("Subject: letter\(number)\n\nbody\n".utf8), to: "INBOX", number: number)
                }
                let line = line("maildir:\(maildir.root)", "archive:kept", "two-way")
                try await program.run(line, environment: state(program))
                var command = program.command(["erase", "subject:letter2", "--yes"])
                command.environment["MAILARC_FAULT"] = "\(step):1"
                let result = try await command.run()
                #expect(result.isKilled, "\(step): \(result.ending) \(result.errors)")
                let again = try await program.run(line, environment: state(program))
                #expect(again.output.contains("nothing to do"), "\(again.output)")
                #expect(try await messages(program, "INBOX").sorted() == ["letter1", "letter3"])
                #expect(try await Dump.maildir(maildir.root).count == 3)
                try await program.expectClean()
            }
        }

        @Test("one account of an archive is synced with another, by every strategy", arguments: strategies + ["backup"])
        func within(_ strategy: String) async throws {
            try await withArchive { program in
                let source = try await makeSampleMaildir(at: program.folder.file("source"), messages: 30)
                try await program.run(["import", "maildir:\(source)", "--account", "old"])
                if strategy == "two-way" {
                    try await program.run(line("archive:old", "archive:a", "copy"))
                } else {
                    try await program.run(["import", "maildir:\(source)", "--account", "a"])
                }
                let line = line("archive:a", "archive:b", strategy)
                try await program.run(line)
                let (a, b) = (try await view(program, "a", "a"), try await view(program, "b", "b"))
                #expect(Set(a.map(place)) == Set(b.map(place)) && !a.isEmpty)
                if strategy != "bcc" { expectEqual(b, a) }
                #expect(try await program.json(SyncDocument.self, line).isUnchanged)
                struct Statistics: Decodable { let messages: Int }
                let contents = try await program.json(Statistics.self, ["stats"]).messages
                #expect(contents == Set(a.map { $0.split(separator: "\t")[1] }).count, "no content twice")
                try await program.expectClean()
            }
        }

        @Test("an account follows a source or is the archive's own, and what asks for both is refused in one line")
        func owners() async throws {
            try await withArchive { program in
                let source = "maildir:" + (try await makeSampleMaildir(at: program.folder.file("s"), messages: 3))
                try await program.run(["import", source, "--account", "pulled"])
                try await program.run(line(source, "archive:own", "copy"), environment: state(program))
                let target = "maildir:" + program.folder.file("t")
                let cases: [([String], String)] = [
                    (line(source, "archive:pulled", "copy"), "follows its source"),
                    (line(source, "archive:pulled", "two-way") + ["--dry-run"], "follows its source"),
                    (line("archive:pulled", target, "two-way"), "follows its source"),
                    (
                        line("archive:pulled", target, "copy") + ["--delete-source-after", "0"], "follows its source"
                    ),
                    (line(source, "archive:own", "backup"), "archive's own"),
                    (["import", source, "--account", "own"], "archive's own"),
                    (line(source, "archive:", "copy"), "needs an account's name"),
                    (line("archive:own", "archive:own", "copy"), "are one"),
                    (line("archive:none", "archive:own", "copy"), "no account none"),
                ]
                for (arguments, words) in cases {
                    let result = try await program.run(arguments, codes: [64])
                    #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                    #expect(result.errors.split(separator: "\n").count <= 2, "\(result.errors)")
                }
                try await program.expectClean()
            }
        }

        // MARK: helpers

        /// Mailbox and SHA-256 of a line of a dump.
        private func place(_ line: String) -> String { line.split(separator: "\t").prefix(2).joined(separator: "\t") }

        /// Lines of `before` whose message is not in `after` any more.
        private func lost(_ before: [String], _ after: [String]) -> [String] {
            var counts = Dictionary(after.map { (place($0), 1) }, uniquingKeysWith: +)
            return before.filter { line in
                let count = counts[place(line), default: 0]
                counts[place(line)] = count - 1
                return count <= 0
            }
        }

        /// One message of INBOX leaves, another one is flagged, a third one comes.
        private func change(_ server: DovecotServer) async throws {
            let seen = try await server.doveadm(["search", "-u", "anna", "mailbox", "INBOX", "ALL"]).output
                .split(separator: "\n").compactMap { $0.split(separator: " ").last.map(String.init) }
            try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", seen[0]])
            try await server.doveadm([
                "flags", "add", "-u", "anna", "\\Flagged", "mailbox", "INBOX", "uid", seen[seen.count - 1],
            ])
            try await deliver(server, "one more")
        }

        private func deliver(_ server: DovecotServer, _ subject: String) async throws {
            try await server.deliver("Subject: \(subject)\r\nMessage-ID: <\(subject)@x>\r\n\r\nbody\r\n", to: "INBOX")
        }

        /// What a copy of an account's view holds.
        private func view(
            _ program: MailarcProgram, _ name: String, _ account: String = "kept"
        ) async throws -> [String] {
            let target = program.folder.file("view-\(name)")
            try await program.run(
                line("archive:\(account)", "maildir:\(target)", "copy") + ["--state", program.folder.file("state")])
            return try await Dump.maildir(target)
        }

        private func state(_ program: MailarcProgram) -> [String: String] {
            ["XDG_STATE_HOME": program.folder.file("home")]
        }

        /// Subjects of the messages of a mailbox of the account `kept`.
        private func messages(
            _ program: MailarcProgram, _ mailbox: String, _ moment: [String] = [], codes: Set<Int32> = [0]
        ) async throws -> [String] {
            struct Row: Decodable { let subject: String }
            let list = ["list", "--account", "kept", "--mailbox", mailbox] + moment
            if codes == [12] {
                try await program.run(list, codes: codes)
                return []
            }
            return try await program.json([Row].self, list, codes: codes).map(\.subject)
        }
    }
}
