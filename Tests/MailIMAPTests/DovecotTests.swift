import Foundation
import MailCore
import MailIMAP
import MailIMAPCore
import MailSASL
import MailTransport
import MailarcTesting
import Testing

@Suite("Real Dovecot", .serialized, .enabled(if: DovecotServer.reasonNotRunnable == nil))
struct DovecotTests {
    static func store(
        _ server: DovecotServer, _ security: ServerConfiguration.Security, host: String = "localhost",
        _ change: (inout IMAPConfiguration) -> Void = { _ in }
    ) -> IMAPAccountStore {
        var configuration = IMAPConfiguration(
            host: host, port: security == .implicitTLS ? server.tlsPort : server.port, security: security,
            user: "anna", password: { Array("secret".utf8) })
        configuration.server.caFile = server.certificates.authority
        change(&configuration)
        return IMAPAccountStore(configuration: configuration)
    }

    @Test("plain, STARTTLS and implicit TLS show and deliver the same; bad certificates are refused")
    func security() async throws {
        try await DovecotServer.with { server in
            let maildir = try server.makeMaildir(of: "anna")
            _ = try maildir.add(Array("Subject: x\n\nbody\n".utf8), number: 1)
            try await server.adopt(user: "anna")
            for security in [ServerConfiguration.Security.plaintext, .startTLS, .implicitTLS] {
                let store = Self.store(server, security)
                let (octets, report) = try await fetchAll(store, inbox)
                #expect(report.delivered.count == 1)
                #expect(octets.values.first == Array("Subject: x\r\n\r\nbody\r\n".utf8))
                #expect(try await store.traits.implementation == "Dovecot")
                await store.close()
            }
            for security in [ServerConfiguration.Security.startTLS, .implicitTLS] {
                let untrusted = Self.store(server, security) { $0.server.caFile = nil }
                #expect(await errorKind { try await untrusted.connect() } == .tlsFailed)
                let unchecked = Self.store(server, security) {
                    ($0.server.caFile, $0.server.verification) = (nil, .none)
                }
                #expect(await errorKind { try await unchecked.connect() } == nil)
                #expect(await errorKind { try await Self.store(server, security, host: "127.0.0.1").connect() } == nil)
            }
        }
    }

    @Test("a certificate for another host is refused, by name and by address")
    func wrongHost() async throws {
        var options = DovecotServer.Options()
        options.certificateNames = ["DNS:mail.example.org"]
        try await DovecotServer.with(options) { server in
            for host in ["localhost", "127.0.0.1"] {
                #expect(
                    await errorKind { try await Self.store(server, .implicitTLS, host: host).connect() } == .tlsFailed)
                #expect(await errorKind { try await Self.store(server, .startTLS, host: host).connect() } == .tlsFailed)
            }
        }
    }

    @Test("no password goes out in the clear where the server wants TLS")
    func requiresTLS() async throws {
        var options = DovecotServer.Options()
        options.requiresTLS = true
        try await DovecotServer.with(options) { server in
            #expect(await errorKind { try await Self.store(server, .startTLS).connect() } == nil)
        }
    }

    static let scram = SCRAMPrimitives(
        sha256: { TestSHA256.hash($0) }, hmacSHA256: { TestSHA256.hmac($0, $1) },
        pbkdf2SHA256: { TestSHA256.pbkdf2($0, $1, $2) },
        nonce: { TestSHA256.base64((0..<18).map { _ in UInt8.random(in: 0...255) }) })

    @Test("SCRAM-SHA-256 logs in, also where nothing else is offered, and a wrong password says so")
    func scram() async throws {
        for mechanisms in ["scram-sha-256", "scram-sha-256 plain login"] {
            var options = DovecotServer.Options()
            options.users = ["anna": "pässword, with = signs"]
            options.mechanisms = mechanisms
            try await DovecotServer.with(options) { server in
                func kind(
                    _ mechanism: SASLMechanism, _ password: String = "pässword, with = signs"
                ) async -> StoreError.Kind? {
                    let store = Self.store(server, .implicitTLS) {
                        ($0.mechanism, $0.scram, $0.password) = (mechanism, Self.scram, { Array(password.utf8) })
                    }
                    let kind = await errorKind { try await store.connect() }
                    await store.close()
                    return kind
                }
                #expect(await kind(.scramSHA256) == nil)
                #expect(await kind(.automatic) == nil)
                if mechanisms.contains("plain") {
                    #expect(await kind(.scramSHA256, "secret") == .authenticationFailed)
                } else {
                    #expect(await kind(.plain) == .capabilityMissing)
                }
            }
        }
    }

    @Test("changes are seen as a delta")
    func delta() async throws {
        try await DovecotServer.with { server in
            let maildir = try server.makeMaildir(of: "anna")
            for number in 1...10 { _ = try maildir.add(Array("Subject: \(number)\n\nx\n".utf8), number: number) }
            try await server.adopt(user: "anna")
            let store = Self.store(server, .plaintext)
            let first = try await store.observe(inbox, since: nil)
            let known = membership(first, [:])
            let cursor = MailboxCursor(
                status: first.status, knownUIDs: UIDSet(known.keys.compactMap { UID($0) }))
            try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "2"])
            try await server.doveadm(["flags", "add", "-u", "anna", "\\Flagged $Work", "mailbox", "INBOX", "uid", "5"])
            let look = try await store.observe(inbox, since: cursor)
            guard case .delta(let changed, let vanished) = look.content else {
                Issue.record("not a delta")
                return
            }
            #expect(vanished.description == "2" && changed.map(\.uid.value) == [5])
            #expect(changed.first?.flags.contains(Flag("$Work")) == true)
            let listed = try await store.mailboxes().listings.first { $0.name.isInbox }?.status
            #expect(listed == look.status)
            await store.close()
        }
    }

    @Test("the store on Dovecot keeps the contract of mail stores")
    func conformance() async throws {
        var options = DovecotServer.Options()
        options.separator = "/"
        try await DovecotServer.with(options) { server in
            var abilities = MailStoreConformance.Abilities()
            // Maildir keeps lines as LF and gives them as CRLF.
            abilities.keepsAnyOctets = false
            let broken = try await MailStoreConformance.violations(abilities: abilities) { seeds in
                let maildir = try server.makeMaildir(of: "anna")
                for seed in seeds {
                    let name = String(decoding: seed.name.octets, as: UTF8.self).replacing("/", with: ".")
                    _ = try maildir.mailbox(name)
                    for (number, message) in seed.messages.enumerated() {
                        let letters: [(Flag, String)] = [
                            (.draft, "D"), (.flagged, "F"), (.answered, "R"), (.seen, "S"), (.deleted, "T"),
                        ]
                        let info = letters.filter { message.flags.contains($0.0) }.map(\.1).joined()
                        let seconds = Double(message.internalDate?.secondsSinceEpoch ?? 0)
                        _ = try maildir.add(
                            message.octets, to: name, number: number + 1, info: info,
                            date: Date(timeIntervalSince1970: seconds))
                    }
                }
                try await server.adopt(user: "anna")
                return Self.store(server, .plaintext)
            }
            #expect(broken.isEmpty, "\(broken)")
        }
    }

    @Test(
        "a poorer Dovecot shows the same changes",
        arguments: [
            "IMAP4rev1 SASL-IR LITERAL+ ENABLE CONDSTORE", "IMAP4rev1 ESEARCH UIDPLUS", "IMAP4rev1",
        ])
    func poorer(_ capabilities: String) async throws {
        try await DovecotServer.with(.withCapabilities(capabilities)) { server in
            let maildir = try server.makeMaildir(of: "anna")
            for number in 1...10 { _ = try maildir.add(Array("Subject: \(number)\n\nx\n".utf8), number: number) }
            try await server.adopt(user: "anna")
            let store = Self.store(server, .plaintext)
            let first = try await store.observe(inbox, since: nil)
            let known = membership(first, [:])
            let cursor = MailboxCursor(
                status: first.status, knownUIDs: UIDSet(known.keys.compactMap { UID($0) }))
            try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "2,10"])
            try await server.doveadm(["flags", "add", "-u", "anna", "\\Flagged $Work", "mailbox", "INBOX", "uid", "5"])
            let look = try await store.observe(inbox, since: cursor)
            var expected = known
            (expected[2], expected[10]) = (nil, nil)
            expected[5] = known[5]?.inserting(.flagged).inserting(Flag("$Work"))
            #expect(look.isComplete)
            #expect(membership(look, known) == expected)
            #expect(try await store.mailboxes().listings.first { $0.name.isInbox }?.status?.messageCount == 8)
            await store.close()
        }
    }
}
