import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc sync` with an archive or mbox files as an end.
    @Suite("archives and mbox files as ends of a sync", .timeLimit(.minutes(6)))
    struct ArchiveSyncTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "an archive follows an account, keeps what left, and gives its view to a Maildir",
            .enabled(if: canRunDovecot))
        func throughAnArchive() async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let planned = try await program.run(
                        ["sync", "test", "archive:", "--strategy", "backup", "--dry-run"])
                    #expect(planned.output.contains("planned, nothing done"))
                    _ = try await program.run(["sync", "test", "archive:", "--strategy", "backup"])
                    let before = try await Dump.server(port: server.port)
                    expectEqual(try await view(program, "first"), before)

                    let moment = try await momentBetween(program)
                    let seen = try await server.doveadm(["search", "-u", "anna", "mailbox", "INBOX", "ALL"]).output
                    let first = try #require(seen.split(separator: "\n").first?.split(separator: " ").last)
                    try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", String(first)])
                    let second = try #require(seen.split(separator: "\n").last?.split(separator: " ").last)
                    try await server.doveadm([
                        "flags", "add", "-u", "anna", "\\Flagged", "mailbox", "INBOX", "uid", String(second),
                    ])
                    _ = try await program.run(["sync", "test", "archive:", "--strategy", "backup"])
                    let after = try await Dump.server(port: server.port)
                    #expect(after != before)
                    expectEqual(try await view(program, "second"), after)

                    struct Row: Decodable { let id: String }
                    let now = try await program.json([Row].self, ["list", "--account", "test", "--mailbox", "INBOX"])
                    let then = try await program.json(
                        [Row].self, ["list", "--account", "test", "--mailbox", "INBOX", "--at", moment])
                    #expect(then.count == now.count + 1 && Set(now.map(\.id)).isStrictSubset(of: then.map(\.id)))
                    let again = try await program.run(["sync", "test", "archive:", "--strategy", "backup"])
                    #expect(again.output.contains("nothing changed"))
                    _ = try await program.run(["check", "--level", "3"])
                }
            }
        }

        @Test("mbox files are copied to a Maildir and into an archive, once")
        func mbox() async throws {
            try await withArchive { program in
                let mbox = program.folder.file("old.mbox")
                let messages = (1...30).map { number in
                    "From anna@example.org Mon Jan  1 00:00:\(10 + number) 2024\nSubject: message \(number)\n"
                        + "Message-ID: <\(number % 7)@example.org>\n\nbody \(number)\n>From here\n\n"
                }
                try messages.joined().write(toFile: mbox, atomically: true, encoding: .utf8)
                let target = program.folder.file("copied")
                let line = [
                    "sync", "mbox:\(mbox)", "maildir:\(target)", "--strategy", "copy", "--state",
                    program.folder.file("state"),
                ]
                _ = try await program.run(line, opens: false)
                let copied = try await Dump.maildir(target)
                #expect(copied.count == 30 && copied.allSatisfy { $0.contains("old") })
                #expect(try await program.run(line, opens: false).output.contains("nothing to do"))
                _ = try await program.run(["sync", "mbox:\(mbox)", "archive:old", "--strategy", "backup"])
                expectEqual(
                    try await Dump.maildir(try await self.export(program, account: "old")), copied)
            }
        }

        @Test("what cannot be an end is refused in one line, before anything is done")
        func refusals() async throws {
            try await withArchive { program in
                let maildir = program.folder.file("m")
                try FileManager.default.createDirectory(
                    atPath: "\(maildir)/cur", withIntermediateDirectories: true)
                try FileManager.default.createDirectory(atPath: "\(maildir)/new", withIntermediateDirectories: true)
                try FileManager.default.createDirectory(atPath: "\(maildir)/tmp", withIntermediateDirectories: true)
                let cases: [([String], String)] = [
                    (
                        ["maildir:\(maildir)", "archive:m", "--strategy", "backup", "--allow-mass-delete"],
                        "only --mailbox"
                    ),
                    (["maildir:\(maildir)", "archive:m", "--strategy", "backup", "--larger", "5"], "only --mailbox"),
                    (["maildir:\(maildir)", "archive:", "--strategy", "backup"], "needs an account's name"),
                    (["archive:nobody", "maildir:\(maildir)", "--strategy", "copy"], "no account nobody"),
                    (["archive:", "maildir:\(maildir)", "--strategy", "copy"], "the archive is empty"),
                    (["maildir:\(maildir)", "mbox:/dev/null", "--strategy", "copy"], "a folder of them is needed"),
                    (["mbox:\(maildir).mbox", "maildir:\(maildir)", "--strategy", "two-way"], "can only be read"),
                    (
                        ["mbox:\(maildir).mbox", "maildir:\(maildir)", "--strategy", "two-way", "--dry-run"],
                        "can only be read"
                    ),
                    (
                        [
                            "mbox:\(maildir).mbox", "maildir:\(maildir)", "--strategy", "copy",
                            "--delete-source-after", "0",
                        ], "without --delete-source-after"
                    ),
                    (["maildir:\(maildir)", "tape:0", "--strategy", "copy"], "not an end of a sync"),
                ]
                let password = program.folder.file("password")
                try "secret\n".write(toFile: password, atomically: true, encoding: .utf8)
                try FileManager.default.createSymbolicLink(atPath: "\(maildir)-link", withDestinationPath: maildir)
                let files = ["--source-password-file", password, "--destination-password-file", password]
                let same = [
                    ["maildir:\(maildir)", "maildir:\(maildir)/"], ["maildir:\(maildir)-link", "maildir:\(maildir)"],
                    ["mbox:\(maildir)/../new", "mbox:\(program.folder.path)/new"],
                    ["imaps://anna@mail.invalid", "imaps://anna@MAIL.invalid"] + files,
                ]
                let all = cases + same.map { ($0 + ["--strategy", "backup"], "source and destination are one") }
                for (arguments, words) in all {
                    let result = try await program.run(
                        ["sync"] + arguments, codes: [64])
                    #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                }
            }
        }

        @Test("mbox files follow an account, by every strategy, and Dovecot reads them", .enabled(if: canRunDovecot))
        func mboxDestination() async throws {
            try await withSampleServer(messages: 40, seed: 5) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    for strategy in ["backup", "copy", "one-way", "two-way"] {
                        let tree = program.folder.file("mbox-\(strategy)")
                        let line = [
                            "sync", "test", "mbox:\(tree)", "--strategy", strategy, "--state",
                            program.folder.file("state"),
                        ]
                        _ = try await program.run(line)
                        #expect(try await program.run(line).output.contains("nothing to do"), "\(strategy)")
                        try await server.doveadm([
                            "flags", "add", "-u", "anna", "\\Flagged $Work\(strategy.prefix(3))", "mailbox", "INBOX",
                            "ALL",
                        ])
                        try await server.deliver("Subject: new\n\nFrom \(strategy)\n", to: "INBOX")
                        _ = try await program.run(line)
                        let back = program.folder.file("back-\(strategy)")
                        _ = try await program.run([
                            "sync", "mbox:\(tree)", "maildir:\(back)", "--strategy", "two-way", "--state",
                            program.folder.file("state"),
                        ])
                        expectEqual(try await Dump.maildir(back), try await Dump.server(port: server.port), strategy)
                        try await readByDovecot(tree, server)
                    }
                }
            }
        }

        /// INBOX of a tree of mbox files has the messages and flags INBOX of the server has, in the words of Dovecot.
        private func readByDovecot(_ tree: String, _ server: DovecotServer) async throws {
            let fields = ["fetch", "-u", "anna", "hdr.subject flags", "mailbox", "INBOX", "ALL"]
            func read(_ options: [String]) async throws -> [String] {
                try await server.doveadm(options + fields).output
                    .replacingOccurrences(of: "\\Recent", with: "").components(separatedBy: "\u{C}")
                    .map {
                        $0.split(whereSeparator: \.isWhitespace).sorted()
                            .joined(
                                separator: " ")
                    }.sorted()
            }
            // Of the user's own, so that Dovecot may read it.
            let copy = server.folder.file("mail/anna/copy-\(URL(fileURLWithPath: tree).lastPathComponent)")
            try await ProcessCommand("cp", ["-r", tree, copy]).runSuccessfully()
            if geteuid() == 0 { try await ProcessCommand("chown", ["-R", "5000:5000", copy]).runSuccessfully() }
            let options = ["-o", "mail_location=mbox:\(copy):INBOX=\(copy)/INBOX:INDEX=MEMORY"]
            expectEqual(try await read(options), try await read([]), "read by Dovecot")
        }

        // MARK: helpers

        /// What a copy of the archive's view holds.
        private func view(_ program: MailarcProgram, _ name: String) async throws -> [String] {
            let target = program.folder.file(name)
            _ = try await program.run([
                "sync", "archive:", "maildir:\(target)", "--strategy", "copy", "--state", program.folder.file("state"),
            ])
            return try await Dump.maildir(target)
        }

        private func export(_ program: MailarcProgram, account: String) async throws -> String {
            let target = program.folder.file("view-\(account)")
            _ = try await program.run([
                "sync", "archive:\(account)", "maildir:\(target)", "--strategy", "copy", "--state",
                program.folder.file("state"),
            ])
            return target
        }

        /// A moment after everything archived so far, and before what comes.
        private func momentBetween(_ program: MailarcProgram) async throws -> String {
            let now = Date()
            while Int(Date().timeIntervalSince1970) <= Int(now.timeIntervalSince1970) { await Task.yield() }
            let format = ISO8601DateFormatter()
            return format.string(from: Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.down)))
        }
    }
}
