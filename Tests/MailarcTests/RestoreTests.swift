import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// What was archived is on the account again: octets by an independent client, flags, dates, once.
    @Suite("restore", .timeLimit(.minutes(10)))
    struct RestoreTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "the sample account is restored, read back, and not sent again", .enabled(if: canRunDovecot),
            arguments: [".", "/"], [nil, "IMAP4rev1", "IMAP4rev1 LITERAL-"])
        func sample(separator: String, capabilities: String?) async throws {
            var options = capabilities.map(DovecotServer.Options.withCapabilities) ?? .init()
            options.separator = Character(separator)
            try await DovecotServer.with(options) { server in
                try await withSample { program, expected in
                    try await program.addAccount("new", port: server.port)
                    let report = try await program.restore(["--verify"])
                    #expect(report.restored == expected.count && report.verified == expected.count)
                    #expect(report.isComplete && report.converted == expected.count)
                    let after = try await Dump.server(port: server.port)
                    expectEqual(after.map { Self.dotted($0, separator) }.sorted(), expected.sorted())
                    let second = try await program.restore()
                    #expect(second.restored == 0 && second.present == expected.count && second.octetsSent == 0)
                    // Without what was noted about the first run, too.
                    try await program.run(["rebuild-catalog"])
                    let third = try await program.restore()
                    #expect(third.restored == 0 && third.present == expected.count)
                    expectEqual(try await Dump.server(port: server.port), after)
                }
            }
        }

        @Test("what is there already is found, however it came there", .enabled(if: canRunDovecot))
        func partial() async throws {
            try await DovecotServer.with { server in
                // Half of the mail, copied by hand: two mailboxes, and INBOX with some mail of its own.
                try await withSample { program, expected in
                    let maildir = server.mailFolder(of: "anna")
                    try await ProcessCommand("cp", ["-a", program.folder.file("Maildir"), maildir]).runSuccessfully()
                    for name in try FileManager.default.contentsOfDirectory(atPath: maildir) where name.hasPrefix(".S")
                    {
                        try FileManager.default.removeItem(atPath: "\(maildir)/\(name)")
                    }
                    for (index, name) in try FileManager.default.contentsOfDirectory(atPath: "\(maildir)/cur")
                        .sorted().enumerated() where index % 2 == 0
                    {
                        try FileManager.default.removeItem(atPath: "\(maildir)/cur/\(name)")
                    }
                    try await server.adopt(user: "anna")
                    let before = try await Dump.server(port: server.port).count
                    #expect(before > 10 && before < expected.count)
                    try await program.addAccount("new", port: server.port)
                    let plan = try await program.restore(["--dry-run"])
                    #expect(plan.restored == 0 && !plan.plan.isEmpty)
                    #expect(try await Dump.server(port: server.port).count == before)
                    let report = try await program.restore(["--verify"])
                    #expect(report.present == before && report.restored == expected.count - before)
                    expectEqual(try await Dump.server(port: server.port), expected)
                }
            }
        }

        @Test("mailboxes go where they are told: by use, by --map, below a prefix", .enabled(if: canRunDovecot))
        func names() async throws {
            var options = DovecotServer.Options()
            options.extraConfiguration = """
                namespace inbox {
                  mailbox "Sent Items" {
                    special_use = \\Sent
                    auto = create
                  }
                }
                """
            try await withSampleServer(messages: 40, options: options) { source in
                try await DovecotServer.with(options) { server in
                    try await withArchive { program in
                        try await program.addAccount(port: source.port)
                        try await program.addAccount("new", port: server.port)
                        try await program.run(["pull", "test"])
                        let report = try await program.restore(["--map", "Drafts=Work.Drafts", "--map", "日本=Japan"])
                        #expect(report.isComplete && report.restored == report.wanted)
                        let names = Set(try await Dump.server(port: server.port).map(Self.mailbox))
                        #expect(names.isSuperset(of: ["Work.Drafts", "Japan.会議", "INBOX", "Проекты.Мост"]))
                        #expect(names.isDisjoint(with: ["Drafts", "日本", "日本.会議"]))
                        let more = try await program.restore(["mailbox:INBOX", "--mailbox-prefix", "Restored/2026"])
                        #expect(more.restored > 0)
                        let count = try await Dump.server(port: server.port)
                            .count { Self.mailbox($0) == "Restored.2026.INBOX" }
                        #expect(count == more.restored)
                    }
                }
            }
        }

        @Test(
            "killed at any instant and run again, there are no doubles and nothing is missing",
            .enabled(if: canRunDovecot))
        func killed() async throws {
            try await withSample(messages: 120) { program, expected in
                var generator = SeededGenerator(seed: 11)
                for capabilities in [nil, "IMAP4rev1 LITERAL+"] {
                    let options = capabilities.map(DovecotServer.Options.withCapabilities) ?? .init()
                    try await DovecotServer.with(options) { server in
                        try await program.addAccount("new", port: server.port)
                        var whole = try await program.run(["restore", "--to", "new", "--dry-run"]).duration * 2
                        for _ in 0..<(EndToEnd.isSoak ? 60 : 6) {
                            var command = program.command(["restore", "--to", "new"])
                            command.killAfter = whole * Double.random(in: 0.1...1, using: &generator)
                            let result = try await command.run()
                            #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                            try await server.finishSessions()
                            whole = whole * (result.isKilled ? 1.1 : 1)
                        }
                        let report = try await program.restore(["--verify"])
                        #expect(report.isComplete && report.verified == expected.count)
                        expectEqual(try await Dump.server(port: server.port), expected, capabilities ?? "all")
                        try await program.run(["account", "remove", "new"], opens: false)
                    }
                }
                try await program.expectClean()
            }
        }

        @Test(
            "a connection that breaks in a message or before its answer costs nothing and doubles nothing",
            arguments: [["LITERAL+"], ["LITERAL+", "UIDPLUS"], [], ["LITERAL+", "MULTIAPPEND", "UIDPLUS"]])
        func broken(names: [String]) async throws {
            try await withSample(messages: 60) { program, expected in
                var model = ScriptedIMAPServer.Model(
                    capabilities: ScriptedIMAPServer.Model.without("LITERAL+") + names, mailboxes: [.init("INBOX")])
                model.faults.breakInLiteral = (700, 2)
                model.faults.breakBehindAppends = (7, 2)
                try await ScriptedIMAPServer.with(model) { server in
                    try await program.addAccount("new", port: server.port)
                    let report = try await program.restore()
                    #expect(report.isComplete && report.restored == expected.count)
                    let stored = server.model.mailboxes.flatMap { mailbox in mailbox.messages.map(\.octets) }
                    #expect(stored.count == expected.count)
                    #expect(server.model.faults.breakInLiteral?.times == 0)
                    #expect(server.model.faults.breakBehindAppends?.times == 0)
                    let second = try await program.restore()
                    #expect(second.restored == 0 && second.isComplete)
                }
            }
        }

        @Test("what the server refuses is named with a reason, the rest is there, and the exit code says so")
        func refused() async throws {
            try await withSample(messages: 60) { program, expected in
                var model = ScriptedIMAPServer.Model(
                    capabilities: ScriptedIMAPServer.Model.rich + ["APPENDLIMIT=20000"], mailboxes: [.init("INBOX")])
                model.permanentFlags = "\\Seen"
                try await ScriptedIMAPServer.with(model) { server in
                    try await program.addAccount("new", port: server.port)
                    let report = try await program.restore(codes: [3])
                    #expect(!report.isComplete && !report.refused.isEmpty)
                    #expect(report.refused.allSatisfy { $0.reason == "too-big" && $0.id.count == 32 })
                    #expect(report.restored + report.refused.count == expected.count)
                    #expect(!report.flagsNotKept.isEmpty)
                    let text = try await program.run(["restore", "--to", "new"], codes: [3])
                    #expect(text.output.contains("REFUSED") && text.output.contains("too-big"))
                }
            }
        }

        @Test("a server that keeps another thing than it was given is found out", .enabled(if: canRunDovecot))
        func changed() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    let messages: [(String, [UInt8])] = [
                        ("plain", Array("Subject: a\n\nplain\n".utf8)),
                        ("returns", Array("Subject: b\n\none\r\r\ntwo\r\n".utf8)),
                        ("nul", Array("Subject: c\n\nNUL \0 here\n".utf8)),
                        ("header", Array("Subject: t\u{fc}k\u{f6}r\n\nbody\n".utf8)),
                    ]
                    for (name, octets) in messages { try program.folder.write("eml/\(name).eml", octets) }
                    try await program.run(["import", "eml:\(program.folder.file("eml"))", "--account", "old"])
                    try await program.addAccount("new", port: server.port)
                    let report = try await program.restore(codes: [3])
                    #expect(report.wanted == 4 && !report.differences.isEmpty)
                    #expect(report.differences.allSatisfy { $0.reason == "octets" || $0.reason == "missing" })
                    let count = try await Dump.server(port: server.port).count
                    try await program.run(["rebuild-catalog"])
                    _ = try await program.restore(codes: [0, 3])
                    #expect(try await Dump.server(port: server.port).count == count)
                }
            }
        }

        @Test("into Cyrus, whose names begin with INBOX.", .tags(.heavy))
        func cyrus() async throws {
            guard let server = try await CyrusServer.start(fixtures: Repository.fixtures) else { return }
            do {
                try await withSample(messages: 60) { program, expected in
                    try await program.addAccount("new", port: server.port)
                    let report = try await program.restore(["--verify"])
                    #expect(report.isComplete && report.verified == expected.count, "\(report)")
                    let after = try await Dump.server(port: server.port)
                    expectEqual(after.map(Self.withoutInbox).sorted(), expected)
                    let second = try await program.restore()
                    #expect(second.restored == 0 && second.present == expected.count)
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        @Test(
            "every corpus message comes back from Dovecot as far as it can hold it", .enabled(if: canRunDovecot),
            .tags(.heavy))
        func corpora() async throws {
            guard let corpora = Corpora.folder() else { return }
            try await DovecotServer.with { server in
                try await withArchive { program in
                    for name in ["stalwart-mail-parser", "ruby-mail", "deltachat"] {
                        try await program.run(
                            ["import", "eml:\(corpora)/\(name)", "--account", name], codes: [0, 3])
                    }
                    try await program.addAccount("new", port: server.port)
                    let report = try await program.restore(["--verify"], codes: [0, 3])
                    // One holds NUL in a part declared binary: Dovecot would encode it anew.
                    #expect(report.refused.map(\.reason) == ["nul-octets"])
                    print(
                        "corpora: wanted \(report.wanted), restored \(report.restored), verified \(report.verified),",
                        "refused \(report.refused.map(\.reason)), differences \(report.differences.map(\.reason))")
                    #expect(report.wanted > 200 && report.restored + report.refused.count == report.wanted)
                    let changed = Set(report.differences.map(\.id)).union(report.refused.map(\.id)).count
                    #expect(changed < report.wanted / 5)
                    let count = try await Dump.server(port: server.port).count
                    #expect(count == report.restored)
                    try await program.run(["rebuild-catalog"])
                    _ = try await program.restore(codes: [0, 3])
                    #expect(try await Dump.server(port: server.port).count == count)
                }
            }
        }

        // MARK: Helpers

        /// An archive with the sample account imported, and what a server must show afterwards.
        private func withSample<R>(
            messages: Int = 60, _ body: (MailarcProgram, [String]) async throws -> R
        ) async throws -> R {
            try await withArchive { program in
                let maildir = try await makeSampleMaildir(at: program.folder.file("Maildir"), messages: messages)
                try await program.run(["import", "maildir:\(maildir)", "--account", "old"])
                return try await body(program, try await Dump.maildir(maildir, asCRLF: true))
            }
        }

        private static func mailbox(_ line: String) -> String { String(line.prefix { $0 != "\t" }) }

        /// A line with `.` between the components of its mailbox.
        private static func dotted(_ line: String, _ separator: String) -> String {
            let name = mailbox(line)
            return name.replacing(separator, with: ".") + line.dropFirst(name.count)
        }

        private static func withoutInbox(_ line: String) -> String {
            line.hasPrefix("INBOX.") ? String(line.dropFirst(6)) : line
        }
    }
}

extension MailarcProgram {
    fileprivate func restore(_ arguments: [String] = [], codes: Set<Int32> = [0]) async throws -> RestoreDocument {
        try await json(RestoreDocument.self, ["restore", "--to", "new"] + arguments, codes: codes)
    }
}

/// What `restore --json` gives, as far as the tests look at it.
private struct RestoreDocument: Decodable {
    struct Finding: Decodable {
        let mailbox: String
        let id: String
        let reason: String
        let detail: String
    }
    struct Flag: Decodable {
        let flag: String
        let messages: Int
    }
    let wanted: Int
    let present: Int
    let restored: Int
    let converted: Int
    let verified: Int
    let octetsSent: Int
    let refused: [Finding]
    let differences: [Finding]
    let flagsNotKept: [Flag]
    let plan: [String]
    let isComplete: Bool
}
