import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// How often `mailarc sync` waits for a server, counted on the wire.
    @Suite("round trips of sync", .timeLimit(.minutes(4)))
    struct RoundTripCountTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "nothing changed in 101 mailboxes: at most 3 round trips after authentication, and 5 in all with TLS",
            .enabled(if: canRunDovecot), arguments: [false, true])
        func nothingChanged(_ isSecure: Bool) async throws {
            var options = DovecotServer.Options()
            options.mechanisms = "plain"
            try await DovecotServer.with(options) { server in
                let names = (1...100).map { "box\($0)" }
                try await server.doveadm(["mailbox", "create", "-u", "anna"] + names)
                for (number, name) in ["INBOX", "box1", "box50"].enumerated() {
                    try await server.deliver("Subject: \(number)\r\n\r\nx\r\n", to: name)
                }
                let proxy = try await RoundTripProxy(to: isSecure ? server.tlsPort : server.port)
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(
                    port: proxy.port, security: isSecure ? "tls" : "plain",
                    authority: isSecure ? server.certificates.authority : nil)
                let line = [
                    "sync", "test", "maildir:\(program.folder.file("mail"))", "--strategy", "backup", "--state",
                    program.folder.file("state"), "--json",
                ]
                try await program.run(line, opens: false)
                _ = proxy.takeBurstCount()
                let second = try await program.run(line, opens: false)
                #expect(second.output.contains("\"isUnchanged\":true"))
                let count = proxy.takeBurstCount()
                // In the clear the server greets first: all but AUTHENTICATE comes after it. With TLS there are its
                // hello, its end with the greeting, and TCP's own.
                if isSecure { #expect(1 + count <= 5) } else { #expect((0...3).contains(count - 1)) }
                await proxy.stop()
            }
        }
    }
}
