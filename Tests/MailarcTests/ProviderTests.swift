import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Presets of providers: what they set, and that they are kept to.
    @Suite("providers", .timeLimit(.minutes(4)))
    struct ProviderTests {
        private func add(_ program: MailarcProgram, _ arguments: [String], codes: Set<Int32> = [0]) async throws
            -> String
        {
            let result = try await program.run(
                ["account", "add", "mine", "--user", "me"] + arguments, opens: false, codes: codes)
            return result.output + result.errors
        }

        @Test(
            "an account needs no server's name where its provider is known",
            arguments: [
                ("gmail", "imap.gmail.com"), ("m365", "outlook.office365.com"), ("icloud", "imap.mail.me.com"),
                ("yahoo", "imap.mail.yahoo.com"), ("fastmail", "imap.fastmail.com"), ("gmx", "imap.gmx.net"),
            ])
        func host(_ provider: String, _ host: String) async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            #expect(try await add(program, ["--provider", provider]).contains("me at \(host):993 (tls)"))
            let list = try await program.run(["account", "list", "--json"], opens: false)
            #expect(list.output.contains("\"provider\":\"\(provider)\""), "\(list.output)")
        }

        @Test("an unknown provider, or neither server nor provider, is one clear error")
        func unknown() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let text = try await add(program, ["--provider", "hotmail"], codes: [64])
            for name in ["hotmail", "gmail", "m365", "icloud", "yahoo", "fastmail", "gmx"] {
                #expect(text.contains(name), "\(text)")
            }
            #expect(try await add(program, [], codes: [64]).contains("--host"))
            try program.folder.write(
                "config/mailarc/config.toml", "[accounts.mine]\nhost = 'h'\nuser = 'u'\nprovider = 'hotmail'\n",
                mode: 0o600)
            let result = try await program.run(["account", "test", "mine"], opens: false, codes: [64])
            #expect(result.errors.contains("unknown provider") && result.errors.contains("fastmail"))
        }

        @Test("connections and commands in flight are kept to", arguments: [nil, "icloud", "m365"])
        func kept(_ provider: String?) async throws {
            var model = ScriptedIMAPServer.Model(
                capabilities: ServerQuirk.modern,
                mailboxes: (0..<9).map { number in
                    .init(number == 0 ? "INBOX" : "m\(number)", (1...9).map { ServerQuirk.message("\(number) \($0)") })
                })
            model.faults.refusesPipelining = true
            try await ScriptedIMAPServer.with(model) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.run(
                    [
                        "account", "add", "test", "--host", "127.0.0.1", "--port", String(server.port), "--user",
                        "anna",
                        "--security", "plain", "--password-file", program.folder.file("password"), "--connections", "8",
                    ] + (provider.map { ["--provider", $0] } ?? []), opens: false)
                let result = try await program.run(
                    [
                        "sync", "test", "maildir:\(program.folder.file("B"))", "--strategy", "backup", "--state",
                        program.folder.file("state"),
                    ], opens: false)
                #expect(result.output.contains("81 copied"), "\(result.output)")
                #expect(server.connections.peak <= 2, "two are begun with")
                #expect((server.connections.early == 0) == (provider == "m365"), "\(server.connections)")
            }
        }
    }
}
