import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// POP3 accounts on real Dovecot: taken once, exact, over every kind of connection, by several accounts.
    @Suite("POP3", .timeLimit(.minutes(8)))
    struct POP3Tests {
        static let canRunDovecot = DovecotServer.reasonNoPOP3 == nil

        @Test("the first pull is exact, the second fetches nothing, the third what is new", .enabled(if: canRunDovecot))
        func pull() async throws {
            try await withSampleMaildrop { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    let expected = try await Maildrop.contents(of: server)
                    let first = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                    #expect(first.isBalanced && first.newMessages == expected.count && first.quarantined.isEmpty)
                    #expect(first.mailboxes.map(\.mailbox) == ["INBOX"])
                    expectEqual(try await Maildrop.archived(program), expected)

                    let again = try await program.json([FetchDocument].self, ["pull"])
                    #expect(again.first?.isUnchanged == true && again.first?.octetsFetched == 0)
                    #expect(try await program.run(["pull"]).output.contains("nothing changed"))

                    try await server.deliver("Subject: new\r\n\r\n.dot\r\n..dots\r\n", to: "INBOX")
                    try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "subject", "invoice"])
                    let planned = try await program.run(["pull", "--dry-run"])
                    #expect(planned.output.contains("planned, nothing done"), "\(planned.output)")
                    let third = try await program.json([FetchDocument].self, ["pull"])
                    #expect(third.first?.newMessages == 1 && (third.first?.octetsFetched ?? 0) < 1_000)
                    let now = try await Maildrop.contents(of: server)
                    expectEqual(Set(try await Maildrop.archived(program)).intersection(now).sorted(), now)
                    try await program.expectClean()
                    // How it came is on record.
                    struct Shown: Decodable {
                        struct Place: Decodable { let account, mailbox: String }
                        let occurrences: [Place]
                    }
                    struct Found: Decodable {
                        struct Row: Decodable { let id: String }
                        let messages: [Row]
                    }
                    let found = try await program.json(Found.self, ["search", "subject:new", "--limit", "1"])
                    let shown = try await program.json(Shown.self, ["show", try #require(found.messages.first).id])
                    #expect(shown.occurrences.first?.mailbox == "INBOX")
                }
            }
        }

        @Test("the state is lost: all is read once more, and nothing is archived twice", .enabled(if: canRunDovecot))
        func lostState() async throws {
            try await withSampleMaildrop(messages: 60) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    try await program.run(["pull"])
                    let before = try await Maildrop.archived(program)
                    try FileManager.default.removeItem(atPath: "\(program.archive)/state")
                    let again = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                    #expect(again.isBalanced && again.newMessages == 0, "\(again)")
                    expectEqual(try await Maildrop.archived(program), before)
                    #expect(try await program.run(["pull"]).output.contains("nothing changed"))
                }
            }
        }

        @Test("STLS and TLS with good and bad certificates; a wrong password", .enabled(if: canRunDovecot))
        func security() async throws {
            var options = DovecotServer.Options()
            options.requiresTLS = true
            try await withSampleMaildrop(messages: 20, options: options) { server in
                try await withArchive { program in
                    let (authority, pop3) = (server.certificates.authority, "pop3")
                    let ways = [("starttls", server.pop3Port), ("tls", server.pop3TLSPort)]
                    for (security, port) in ways {
                        try await program.addAccount(
                            security, port: port, security: security, authority: authority, host: "localhost",
                            protocol: pop3)
                        try await program.run(["pull", security])
                        let test = try await program.run(["account", "test", security], opens: false)
                        #expect(test.output.contains("SASL") && test.output.contains("PIPELINING"), "\(test.output)")
                        #expect(test.output.contains("AUTH SCRAM-SHA-256"))
                        try await program.addAccount(
                            "bad-\(security)", port: port, security: security, host: "localhost", protocol: pop3)
                        try await program.run(["pull", "bad-\(security)"], codes: [10])
                    }
                    // In the clear the server takes no password; SCRAM sends none.
                    try await program.addAccount("clear", port: server.pop3Port, protocol: pop3)
                    try await program.run(["pull", "clear"])
                    try program.folder.write("password", "wrong\n", mode: 0o600)
                    for command in [["pull", "tls"], ["account", "test", "tls"], ["watch", "tls"]] {
                        let result = try await program.run(command, opens: command[0] != "account", codes: [9])
                        #expect(!result.errors.contains("wrong\n") && result.errors.contains("→"), "\(result.errors)")
                    }
                }
            }
        }

        @Test("two accounts in one pull, beside an IMAP account of the same mailbox", .enabled(if: canRunDovecot))
        func accounts() async throws {
            var options = DovecotServer.Options()
            options.users = ["anna": "secret", "bert": "secret"]
            try await withSampleMaildrop(messages: 60, options: options) { server in
                for number in 1...5 {
                    try await server.deliver("Subject: b \(number)\r\n\r\nbody\r\n", to: "INBOX", user: "bert")
                }
                try await withArchive { program in
                    try await program.addAccount("a", port: server.pop3Port, protocol: "pop3")
                    try await program.addAccount("b", port: server.pop3Port, user: "bert", protocol: "pop3")
                    try await program.addAccount("c", port: server.port, user: "bert")
                    let list = try await program.run(["account", "list"], opens: false)
                    #expect(list.output.contains("pop3 plain"))
                    let expected = try await Maildrop.contents(of: server)
                    let reports = try await program.json([PullDocument].self, ["pull"])
                    #expect(reports.map(\.archived) == [expected.count, 5, 5])
                    #expect(reports.map(\.knownContents).last == 5, "the same octets by IMAP and by POP3")
                    let again = try await program.json([PullDocument].self, ["pull"])
                    #expect(!again.map(\.isUnchanged).contains(false))
                }
            }
        }

        @Test("killed at random instants, the next run loses and doubles nothing", .enabled(if: canRunDovecot))
        func kills() async throws {
            try await withSampleMaildrop(messages: 1_000) { server in
                let expected = try await Maildrop.contents(of: server)
                let whole = try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    return try await program.run(["pull"]).duration
                }
                let seed = EndToEnd.seed
                print("kill instants: MAILARC_SEED=\(seed), a whole run takes \(whole)")
                var generator = SeededGenerator(seed: seed)
                var (kills, rounds) = (0, 0)
                while kills < (EndToEnd.isSoak ? 50 : 8), rounds < 100 {
                    rounds += 1
                    try await withArchive { program in
                        try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                        for _ in 0..<2 {
                            var command = program.command(["pull"])
                            command.killAfter = whole * Double.random(in: 0.05...0.8, using: &generator)
                            let result = try await command.run()
                            #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                            kills += result.isKilled ? 1 : 0
                        }
                        let report = try #require(try await program.json([PullDocument].self, ["pull"]).first)
                        #expect(report.isBalanced && report.archived == expected.count)
                        expectEqual(try await Maildrop.archived(program), expected, "round \(rounds)")
                        #expect(try await program.run(["pull"]).output.contains("nothing changed"))
                        try await program.expectClean()
                    }
                }
                print("killed \(kills) times")
                #expect(kills >= 8)
                expectEqual(try await Maildrop.contents(of: server), expected, "the server keeps everything")
            }
        }

        @Test("watch pulls at an interval, and ends by a signal", .enabled(if: canRunDovecot))
        func watch() async throws {
            try await withSampleMaildrop(messages: 20) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    try await watching(program, ["--interval", "1"]) { watch in
                        try await wait("watching") { watch.outputSoFar.contains("watching") }
                        try await server.deliver("Subject: later\r\n\r\nbody\r\n", to: "INBOX")
                        try await wait("the new message") {
                            let found = try await program.run(["search", "subject:later"], codes: [0, 12])
                            return found.output.contains("1 message")
                        }
                    } ended: { events in
                        #expect(events.contains { $0.method == "poll" })
                        #expect(events.last?.event == "stopped")
                    }
                    let refused = try await program.run(["watch", "--method", "idle"], codes: [64])
                    #expect(refused.errors.contains("--method poll"))
                }
            }
        }

        @Test("what is no use of a POP3 account is refused in one sentence", .enabled(if: canRunDovecot))
        func refusals() async throws {
            try await withSampleMaildrop(messages: 20) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    try await program.run(["pull"])
                    let copy = "maildir:\(program.folder.file("copy"))"
                    let cases: [([String], String)] = [
                        (["restore", "", "--to", "test"], "nothing can be put there"),
                        (["reconcile", "test"], "IMAP server"), (["pull", "--mailbox", "Lists"], "INBOX alone"),
                        (["sync", "test", copy, "--strategy", "copy"], "no end of a sync"),
                        (["sync", copy, "test", "--strategy", "copy"], "no end of a sync"),
                        (["watch", "test", copy, "--strategy", "copy"], "no end of a sync"),
                        (
                            [
                                "account", "add", "x", "--protocol", "pop3", "--provider", "gmail", "--user", "me",
                            ], "--provider names IMAP servers"
                        ), (["account", "add", "x", "--protocol", "pop4", "--host", "h", "--user", "me"], "pop4"),
                    ]
                    for (arguments, words) in cases {
                        let opens = arguments[0] != "account" && !arguments.contains(copy)
                        let result = try await program.run(arguments, opens: opens, codes: [64])
                        #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                    }
                    // Into an archive a sync is a pull by another name.
                    let result = try await program.run(["sync", "test", "archive:", "--strategy", "backup"])
                    #expect(result.output.contains("nothing changed"), "\(result.output)")
                }
            }
        }
    }
}

/// What `pull --json` says of octets.
struct FetchDocument: Decodable {
    let newMessages, octetsFetched: Int
    let isUnchanged: Bool
}

/// A Dovecot with POP3 whose user "anna" has the sample account.
func withSampleMaildrop<R>(
    messages: Int = 150, options: DovecotServer.Options = .init(), _ body: (DovecotServer) async throws -> R
) async throws -> R {
    var options = options
    options.servesPOP3 = true
    return try await withSampleServer(messages: messages, seed: 3, options: options, body)
}

/// SHA-256 of messages, sorted: of INBOX as it lies on the server, and of what an archive gives back.
enum Maildrop {
    static func contents(of server: DovecotServer, user: String = "anna") async throws -> [String] {
        let lines = try await Dump.maildir(server.mailFolder(of: user), asCRLF: true)
        return lines.filter { $0.hasPrefix("INBOX\t") }.map { String($0.split(separator: "\t")[1]) }.sorted()
    }

    static func archived(_ program: MailarcProgram) async throws -> [String] {
        try await program.exported().map { String($0.split(separator: "\t")[1]) }.sorted()
    }
}
