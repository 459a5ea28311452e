import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// What an independent client fetches is what export gives: octets, flags, internal dates, counts.
    @Suite("round trips")
    struct RoundTripTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "the sample account comes back from Dovecot", .enabled(if: canRunDovecot),
            arguments: ["plain", "starttls", "tls"])
        func sample(security: String) async throws {
            try await withSampleServer { server in
                try await withArchive { program in
                    let port = security == "tls" ? server.tlsPort : server.port
                    let authority = security == "plain" ? nil : server.certificates.authority
                    try await program.addAccount(port: port, security: security, authority: authority)
                    let first = try await program.json([PullDocument].self, ["pull"])
                    #expect(first.allSatisfy { $0.isBalanced && !$0.isUnchanged && $0.quarantined.isEmpty })
                    expectEqual(try await program.exported(), try await Dump.server(port: server.port))
                    let second = try await program.json([PullDocument].self, ["pull"])
                    #expect(second.allSatisfy { $0.isBalanced && $0.isUnchanged })
                    try await program.expectClean()
                }
            }
        }

        @Test("a server without any extension gives the same", .enabled(if: canRunDovecot))
        func bareServer() async throws {
            try await withSampleServer(options: .withCapabilities("IMAP4rev1")) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await program.run(["pull"])
                    expectEqual(try await program.exported(), try await Dump.server(port: server.port))
                    let second = try await program.json([PullDocument].self, ["pull"])
                    #expect(second.allSatisfy { $0.isUnchanged })
                }
            }
        }

        @Test("every corpus message Dovecot accepts comes back", .enabled(if: canRunDovecot), .tags(.heavy))
        func corpora() async throws {
            guard let corpora = Corpora.folder() else { return }
            try await DovecotServer.with { server in
                try await append(corpora, to: server.port)
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let report = try await program.json([PullDocument].self, ["pull"])
                    #expect(report.allSatisfy { $0.isBalanced && $0.quarantined.isEmpty })
                    let expected = try await Dump.server(port: server.port)
                    #expect(expected.count > 3_000)
                    expectEqual(try await program.exported(), expected)
                    try await program.expectClean()
                }
            }
        }

        @Test("an account on Cyrus without an INBOX, then with corpus messages in it", .tags(.heavy))
        func cyrus() async throws {
            guard let server = try await CyrusServer.start(fixtures: Repository.fixtures) else { return }
            do {
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let empty = try await program.json([PullDocument].self, ["pull"])
                    #expect(empty.allSatisfy { $0.isBalanced && $0.archived == 0 })
                    try await append(try await someMessages(program.folder), to: server.port)
                    try await program.run(["pull"])
                    expectEqual(try await program.exported(), try await Dump.server(port: server.port))
                    try await program.expectClean()
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        /// A folder of message files: one corpus, or the sample account where there are no corpora.
        private func someMessages(_ folder: TestFolder) async throws -> String {
            if let corpora = Corpora.folder() { return "\(corpora)/mimekit" }
            let maildir = folder.file("sample")
            let maker = ProcessCommand("python3", [Repository.script("make-demo-account"), "--out", maildir])
            try await maker.runSuccessfully()
            return "\(maildir)/cur"
        }

        private func append(_ folder: String, to port: Int) async throws {
            var command = ProcessCommand(
                "python3",
                [
                    Repository.script("imap-dump.py"), "--port", String(port), "--user", "anna", "--password", "secret",
                    "--append", folder, "--mailbox", "INBOX",
                ])
            command.timeout = .seconds(300)
            let result = try await command.runSuccessfully()
            print(result.errors.split(separator: "\n").last ?? "")
        }
    }
}
