import Foundation
import MailCore
import MailIMAP
import MailIMAPCore
import MailTransport
import MailarcTesting
import Testing

@Suite("Hostile servers", .serialized)
struct HostileServerTests {
    typealias Model = ScriptedIMAPServer.Model
    typealias Faults = ScriptedIMAPServer.Faults

    static func observe(
        _ faults: (inout Faults) -> Void, _ configuration: (inout IMAPConfiguration) -> Void = { _ in }
    ) async throws -> StoreError.Kind? {
        var model = Model(mailboxes: [.init("INBOX", bodies(3))])
        faults(&model.faults)
        return try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server, configuration)
            let kind = await errorKind { _ = try await store.observe(inbox, since: nil) }
            await store.close()
            return kind
        }
    }

    @Test("a line without end ends at its limit, and the server was not read much further")
    func endlessLine() async throws {
        var model = Model(mailboxes: [.init("INBOX", bodies(3))])
        model.faults.endless = [UInt8](repeating: 0x2A, count: 65_536)
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) { $0.parserLimits.responseOctetCount = 8 << 20 }
            #expect(await errorKind { _ = try await store.observe(inbox, since: nil) } == .limitExceeded)
            #expect(server.sentOctetCount < 32 << 20)
            await store.close()
        }
    }

    @Test("a flood of FETCH responses nobody asked for ends at its limit")
    func flood() async throws {
        let line = (1...400).map { "* 1 FETCH (UID \($0) FLAGS ())\r\n" }.joined()
        #expect(try await Self.observe { $0.endless = Array(line.utf8) } == .limitExceeded)
    }

    @Test("4 GB announced as a mailbox name or beyond the limit as a message are refused")
    func hugeLiteral() async throws {
        for text in ["* LIST () \"/\" {4294967295}\r\n", "* 1 FETCH (UID 1 BODY[] {99999999999}\r\n"] {
            #expect(try await Self.observe { $0.fetchAnswer = Array(text.utf8) } == .limitExceeded)
        }
    }

    @Test("a wrong tag, a greeting that is none, and silence are errors")
    func violations() async throws {
        #expect(try await Self.observe { $0.wrongTag = true } == .protocolViolation)
        #expect(try await Self.observe { $0.greeting = Array("220 smtp\r\n".utf8) } == .protocolViolation)
        #expect(try await Self.observe { $0.greeting = Array("* BYE full\r\n".utf8) } == .throttled)
        let silent = try await Self.observe {
            $0.greeting = []
        } _: {
            $0.server.responseTimeout = .milliseconds(200)
        }
        #expect(silent == .connectionLost)
        #expect(try await Self.observe { $0.fetchAnswer = Array("* 1 FETCH (UID".utf8) } == .connectionLost)
    }

    @Test("octets behind the answer to STARTTLS are refused as an attack")
    func injection() async throws {
        var model = Model(mailboxes: [])
        model.faults.injectedBehindStartTLS = Array("* CAPABILITY IMAP4rev1\r\n".utf8)
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) { $0.server.security = .startTLS }
            #expect(await errorKind { try await store.connect() } == .tlsFailed)
            #expect(!server.takeLog().contains("LOGIN"))
        }
    }

    @Test("a wrong password says so, and nobody listening says so")
    func refusals() async throws {
        try await ScriptedIMAPServer.with(Model(mailboxes: [])) { server in
            let store = scriptedStore(server) { $0.password = { Array("no".utf8) } }
            #expect(await errorKind { try await store.connect() } == .authenticationFailed)
        }
        let port = try Loopback.freePorts(1)[0]
        let store = IMAPAccountStore(
            configuration: IMAPConfiguration(
                host: "127.0.0.1", port: port, security: .plaintext, user: "x", password: { [] }))
        #expect(await errorKind { try await store.connect() } == .connectionFailed)
    }
}
