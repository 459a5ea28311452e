import MailarcTesting
import Testing

extension EndToEnd {
    /// A real Dovecot that allows two connections, and the real binary that would like more.
    @Suite("a limit on connections", .timeLimit(.minutes(4)))
    struct ConnectionLimitTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        private static func with(
            _ limit: Int, _ body: (DovecotServer, MailarcProgram) async throws -> Void
        ) async throws {
            var options = DovecotServer.Options()
            options.extraConfiguration = "mail_max_userip_connections = \(limit)\n"
            try await withSampleServer(messages: 400, seed: 9, options: options) { server in
                try await withArchive { program in
                    try await program.run(
                        [
                            "account", "add", "test", "--host", "127.0.0.1", "--port", String(server.port), "--user",
                            "anna", "--security", "plain", "--password-file", program.folder.file("password"),
                            "--connections", "8",
                        ], opens: false)
                    try await body(server, program)
                }
            }
        }

        @Test(
            "is no error: everything comes over those that are allowed", .enabled(if: canRunDovecot), arguments: [1, 2])
        func limit(_ count: Int) async throws {
            try await Self.with(count) { server, program in
                let mail = program.folder.file("mail")
                let sync = [
                    "sync", "test", "maildir:\(mail)", "--strategy", "backup", "--state", program.folder.file("state"),
                ]
                try await program.run(sync, opens: false)
                try await program.run(["pull"])
                // The script that lists the server needs a connection of its own.
                let expected = try await Dump.server(port: server.port)
                expectEqual(try await Dump.maildir(mail), expected)
                expectEqual(try await program.exported(), expected)
                let second = try await program.run(sync, opens: false)
                #expect(second.output.contains("nothing to do"), "\(second.output)")
            }
        }
    }
}
