import Foundation
import MailarcTesting
import Testing

/// The launchers themselves, seen through an independent client: Python's `imaplib`.
@Suite("the test servers", .serialized)
struct LauncherTests {
    static let script = """
        import imaplib, ssl, sys
        mode, port, ca, user, password = sys.argv[1:6]
        context = ssl.create_default_context(cafile=ca)
        if mode == "tls":
            client = imaplib.IMAP4_SSL("127.0.0.1", int(port), ssl_context=context)
        else:
            client = imaplib.IMAP4("127.0.0.1", int(port))
            if mode == "starttls":
                client.starttls(context)
        client.login(user, password)
        print("mailboxes", len(client.list()[1]), "messages", int(client.select("INBOX", readonly=True)[1][0]))
        client.logout()
        """

    @Test("Dovecot serves a filled Maildir by plain IMAP, STARTTLS and TLS", .enabled(if: canRunDovecot))
    func dovecot() async throws {
        try await DovecotServer.with { server in
            let maildir = try server.makeMaildir(of: "anna")
            try maildir.add(Array("Subject: one\n\nbody\n".utf8), number: 1)
            try maildir.add(Array("Subject: two\n\nbody\n".utf8), to: "Sent", number: 2)
            try await server.adopt(user: "anna")
            for (mode, port) in [("plain", server.port), ("starttls", server.port), ("tls", server.tlsPort)] {
                let arguments = [mode, String(port), server.certificates.authority, "anna", "secret"]
                let result = try await ProcessCommand("python3", ["-c", Self.script] + arguments).runSuccessfully()
                #expect(result.output == "mailboxes 2 messages 1\n", "\(mode) \(server.log)")
            }
        }
    }

    @Test("a Dovecot certificate of another host is refused by a checking client", .enabled(if: canRunDovecot))
    func otherHost() async throws {
        var options = DovecotServer.Options()
        options.certificateNames = ["DNS:mail.example.org"]
        options.format = .mdbox
        try await DovecotServer.with(options) { server in
            let arguments = ["tls", String(server.tlsPort), server.certificates.authority, "anna", "secret"]
            let result = try await ProcessCommand("python3", ["-c", Self.script] + arguments).run()
            #expect(result.exitCode == 1)
            #expect(result.errors.contains("CERTIFICATE_VERIFY_FAILED"))
        }
    }

    @Test("Cyrus starts with an account that has no INBOX")
    func cyrus() async throws {
        guard let server = try await CyrusServer.start(fixtures: Repository.fixtures) else { return }
        let script = """
            import imaplib, sys
            client = imaplib.IMAP4("127.0.0.1", int(sys.argv[1]))
            client.login("anna", "secret")
            print(client.list()[1], client.create("INBOX")[0], client.create("INBOX.Sent")[0], len(client.list()[1]))
            """
        let result = try await ProcessCommand("python3", ["-c", script, String(server.port)]).run()
        await server.stop()
        #expect(result.output == "[None] OK OK 2\n", "\(result.errors)")
    }

    static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
}
