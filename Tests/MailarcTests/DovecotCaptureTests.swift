import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Dovecot hands mail on to `mailarc receive`: as a proxy, and by a Sieve script beside its own delivery.
    @Suite("mail from Dovecot", .timeLimit(.minutes(4)))
    struct DovecotCaptureTests {
        static let reason = DovecotServer.reasonNoLMTP
        static let reasonNoSieve =
            findExecutable("/usr/lib/dovecot/modules/lib90_sieve_plugin.so") == nil
            ? reason ?? "dovecot-sieve is not installed" : reason

        static let count = 60

        /// Hands numbered messages to Dovecot; every one was acknowledged.
        private static func send(_ server: DovecotServer, to recipient: String) async throws {
            let numbers = try await Play.send(
                "127.0.0.1:\(server.lmtpPort)",
                [
                    "--lmtp", "--count", String(count), "--threads", "6", "--sender", "a@b.test", "--recipient",
                    recipient,
                ])
            #expect(numbers.sorted() == Array(1...count))
        }

        private static func port(_ address: String) throws -> String {
            String(try #require(address.split(separator: ":").last))
        }

        @Test(
            "its LMTP proxy: what it acknowledged is archived, once, for the recipient it named",
            .enabled(if: reason == nil, "\(reason ?? "")"))
        func proxy() async throws {
            try await withArchive { program in
                try await receiving(program, ReceiveTests.everything) { receiver in
                    let port = try Self.port(receiver.addresses[0])
                    var options = DovecotServer.Options()
                    options.takesLMTP = true
                    options.extraConfiguration = """
                        # The recipient with its domain, as mail servers that proxy have it.
                        auth_username_format = %Lu
                        lmtp_proxy = yes
                        passdb {
                          driver = static
                          args = proxy=y proto=lmtp host=127.0.0.1 port=\(port) nopassword=y
                        }

                        """
                    try await DovecotServer.with(options) { server in
                        try await Self.send(server, to: "journal@archive.test")
                    }
                    let archived = try receiver.events.filter { $0.event == "archived" }
                    #expect(archived.count == Self.count)
                    #expect(archived.allSatisfy { $0.recipients == ["journal@archive.test"] })
                    #expect(archived.allSatisfy { $0.sender == "a@b.test" })
                }
                #expect(try await program.numbers(account: "all", mailbox: "INBOX") == Array(1...Self.count))
                try await program.expectClean()
            }
        }

        @Test(
            "redirect :copy in Sieve: the user has each message, and so has the archive",
            .enabled(if: reasonNoSieve == nil, "\(reasonNoSieve ?? "")"))
        func sieve() async throws {
            try await withArchive { program in
                let folder = try TestFolder("sieve", in: "/tmp")
                defer { folder.remove() }
                try folder.write(
                    "copy.sieve", "require [\"copy\"];\nredirect :copy \"anna_rcv@archive.test\";\n", mode: 0o644)
                try await ProcessCommand("chmod", ["-R", "a+rwX", folder.path]).runSuccessfully()
                try await receiving(program, ReceiveTests.everything) { receiver in
                    var options = DovecotServer.Options()
                    options.takesLMTP = true
                    options.extraConfiguration = """
                        submission_host = 127.0.0.1:\(try Self.port(receiver.addresses[1]))
                        protocol lmtp {
                          mail_plugins = sieve
                        }
                        plugin {
                          sieve = file:\(folder.path)/scripts;active=\(folder.path)/copy.sieve
                        }

                        """
                    try await DovecotServer.with(options) { server in
                        try await Self.send(server, to: "anna@mail.test")
                        let here = try await Dump.server(port: server.port).filter { $0.hasPrefix("INBOX\t") }
                        #expect(here.count == Self.count)
                    }
                    let archived = try receiver.events.filter { $0.event == "archived" }
                    #expect(archived.allSatisfy { $0.recipients == ["anna_rcv@archive.test"] })
                }
                #expect(try await program.numbers(account: "all", mailbox: "INBOX") == Array(1...Self.count))
                try await program.expectClean()
            }
        }
    }
}
