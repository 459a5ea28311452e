import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `[capture] scanner`: the real programs, and none.
    @Suite("spam scanners", .timeLimit(.minutes(10)))
    struct SpamScannerTests {
        private struct Explanation: Decodable {
            struct Decision: Decodable { let mailbox, action: String }
            struct Scan: Decodable {
                let isSpam: Bool?
                let score: Double?
                let reason: String?
            }
            let decisions: [Decision]
            let scan: Scan?
        }
        private struct Document: Decodable { let result: Explanation }

        private func configure(_ program: MailarcProgram, scanner: String) throws {
            try program.folder.write(
                "config/mailarc/config.toml",
                """
                [[receive.route]]
                recipient = "*@*"
                account = "{1}"

                [capture]
                scanner = "\(scanner)"

                [[capture.rule]]
                address = "friend@*"
                action = "archive"
                [[capture.rule]]
                name = "refused"
                score = 12
                action = "skip"
                [[capture.rule]]
                spam = true
                action = "spam"

                """)
        }

        private func message(_ subject: String, _ body: String = "Hello, lunch at noon?", fields: String = "")
            -> [UInt8]
        {
            Array(
                ("From: a@lab.test\r\nTo: anna@lab.test\r\nSubject: \(subject)\r\nMessage-ID: <1@lab.test>\r\n"
                    + "Date: Tue, 1 Dec 2026 00:00:00 +0000\r\n\(fields)\r\n\(body)\r\n").utf8)
        }

        private func deliver(
            _ program: MailarcProgram, _ message: [UInt8], _ options: [String] = [], from: String = "x@lab.test"
        ) async throws -> String {
            var command = program.command(["deliver", "--from", from, "--to", "anna@lab.test"] + options)
            command.input = message
            return try await command.runSuccessfully().output
        }

        private func explain(_ program: MailarcProgram, _ message: [UInt8]) async throws -> Explanation {
            let json = try await deliver(program, message, ["--explain", "--json"])
            return try JSONDecoder().decode(Document.self, from: Data(json.utf8)).result
        }

        @Test(
            "spamd and Rspamd, by TCP and by socket: what they say decides, whatever the header says",
            arguments: SpamScannerServer.Program.allCases.filter(SpamScannerServer.isInstalled))
        func scans(_ scanner: SpamScannerServer.Program) async throws {
            try await withArchive { program in
                let ham = message("lunch", fields: "X-Spam-Flag: YES\r\nX-Spam-Score: 99\r\n")
                let spam = message("offer", SpamScannerServer.gtube)
                try await SpamScannerServer.with(scanner) { server in
                    for address in [server.tcp, server.unix] {
                        try configure(program, scanner: address)
                        let calm = try await explain(program, ham)
                        #expect(calm.scan?.isSpam == false && calm.scan?.reason == nil, "\(calm)")
                        #expect(calm.decisions.map(\.mailbox) == ["INBOX"])
                        let loud = try await explain(program, spam)
                        #expect(loud.scan?.isSpam == true && loud.decisions.map(\.action) == ["skip"], "\(loud)")
                        #expect(loud.scan?.score ?? 0 >= 12)
                    }
                    try await receiving(program, ["--lmtp", "127.0.0.1:0"]) { receiver in
                        let sent = try await Play.send(
                            try receiver.addresses[0],
                            [
                                "--count", "30", "--threads", "10", "--sender", "x@lab.test", "--recipient",
                                "anna@lab.test", "--lmtp",
                            ])
                        #expect(sent.count == 30)
                        let events = try receiver.events.filter { $0.event == "archived" }
                        #expect(events.count == 30 && events.allSatisfy { $0.scan?.isSpam == false })
                    }
                    #expect(try await deliver(program, spam) == "not kept in anna:INBOX: rule refused\n")
                    #expect(try await deliver(program, ham).hasPrefix("anna:INBOX UID "))
                    // A rule before the one that asks decides: nobody is asked.
                    let friendly = try await deliver(program, spam, ["--explain"], from: "friend@lab.test")
                    #expect(friendly == "anna:INBOX <friend@lab.test> → anna@lab.test: rule 1: archive\n")
                    if scanner == .rspamd {
                        let marked = try await explain(program, message("\(SpamScannerServer.word) now"))
                        #expect(marked.scan?.score == 9.5 && marked.decisions.map(\.mailbox) == ["Junk"], "\(marked)")
                    }
                }
                // Octets are archived as they came.
                let archived = try await program.messages(account: "anna", mailbox: "INBOX")
                #expect(archived.count == 31 && archived.contains(ham))
                try await program.expectClean()
            }
        }

        @Test("a scanner that is not there: everything is archived by what the header says, told once, answered 250")
        func absent() async throws {
            try await withArchive { program in
                let port = try Loopback.freePorts(1)[0]
                try configure(program, scanner: "spamd:127.0.0.1:\(port)")
                try await receiving(program, ["--lmtp", "127.0.0.1:0"]) { receiver in
                    let sent = try await Play.send(
                        try receiver.addresses[0],
                        [
                            "--count", "40", "--threads", "8", "--sender", "x@lab.test", "--recipient", "anna@lab.test",
                            "--lmtp",
                        ])
                    #expect(sent.count == 40)
                    let events = try receiver.events
                    #expect(events.count { $0.event == "problem" } == 1)
                    let archived = events.filter { $0.event == "archived" }
                    #expect(archived.count == 40 && archived.allSatisfy { $0.scan?.reason?.isEmpty == false })
                }
                let flagged = message("flagged", fields: "X-Spam-Flag: YES\r\n")
                let told = try await deliver(program, flagged)
                #expect(told.hasPrefix("anna:Junk UID 1") && told.contains("\nnot scanned: "), "\(told)")
                let large = message("large", String(repeating: "0123456789abcde\r\n", count: 40_000))
                #expect(try await explain(program, large).scan?.reason?.contains("more than") == true)
                try await program.expectClean()
                for wrong in ["spamd", "clamd:127.0.0.1:1", "rspamd:192.0.2.1:11333", "rspamd:unix:here"] {
                    try configure(program, scanner: wrong)
                    let result = try await program.run(["receive", "--lmtp", "127.0.0.1:0"], codes: [64])
                    #expect(result.errors.contains("scanner"), "\(result.errors)")
                }
            }
        }

        @Test("one that says nonsense: mail is taken without it", arguments: ["noise", "close", "refuse"])
        func nonsense(_ mode: String) async throws {
            try await withArchive { program in
                let server = try await MaliciousServer.startScanner(mode)
                for scanner in ["spamd", "rspamd"] {
                    try configure(program, scanner: "\(scanner):127.0.0.1:\(server.port)")
                    let told = try await deliver(program, message(scanner))
                    #expect(told.hasPrefix("anna:INBOX UID ") && told.contains("\nnot scanned: "), "\(told)")
                }
                await server.stop()
            }
        }
    }
}
