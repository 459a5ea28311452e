import MailCore
import MailIMAP
import MailTransport
import MailarcTesting
import Testing

@Suite("IMAP as an end of a sync", .serialized)
struct SyncStoreTests {
    @Test(
        "real Dovecot keeps the contract, with all its extensions and without",
        .enabled(if: DovecotServer.reasonNotRunnable == nil),
        arguments: [nil, "IMAP4rev1 UIDPLUS LITERAL+", "IMAP4rev1 MOVE CONDSTORE ENABLE UIDPLUS", "IMAP4rev1"])
    func dovecot(_ capabilities: String?) async throws {
        let options = capabilities.map { DovecotServer.Options.withCapabilities($0) } ?? DovecotServer.Options()
        try await DovecotServer.with(options) { server in
            let violations = try await SyncStoreConformance.violations {
                DovecotTests.store(server, .plaintext)
            }
            #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
        }
    }

    @Test("real Cyrus keeps the contract")
    func cyrus() async throws {
        guard let server = try await CyrusServer.start(fixtures: Repository.fixtures) else { return }
        do {
            let violations = try await SyncStoreConformance.violations {
                let password = Array(server.password.utf8)
                let store = IMAPAccountStore(
                    configuration: IMAPConfiguration(
                        host: server.host, port: server.port, security: .plaintext, user: server.user,
                        password: { password }))
                try await store.create(MailboxName("INBOX", delimiter: 0x2E), role: nil, isSubscribed: false)
                return store
            }
            #expect(violations.isEmpty, "\(violations.joined(separator: "\n"))")
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }
}
