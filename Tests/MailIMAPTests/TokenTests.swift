import MailCore
import MailIMAP
import MailSASL
import MailarcTesting
import Synchronization
import Testing

/// Logins by access tokens on a server that tells its refusal as a challenge first.
@Suite("access tokens")
struct TokenTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var mechanism: String
        var hasInitialResponse: Bool
        /// What ends a refusal.
        var farewell: String
        var testDescription: String { "\(mechanism)\(hasInitialResponse ? " with an initial response" : "")" }
    }

    static let cases = [("OAUTHBEARER", "AQ=="), ("XOAUTH2", "")].flatMap { name, farewell in
        [true, false].map { Case(mechanism: name, hasInitialResponse: $0, farewell: farewell) }
    }

    static func model(_ item: Case) -> ScriptedIMAPServer.Model {
        let common = ["IMAP4rev1", "AUTH=\(item.mechanism)"]
        var model = ScriptedIMAPServer.Model(
            capabilities: common + (item.hasInitialResponse ? ["SASL-IR"] : []),
            mailboxes: [.init("INBOX", bodies(2))])
        model.tokens = ["good-token"]
        return model
    }

    static func store(_ server: ScriptedIMAPServer, _ tokens: [String], asked: Asked = Asked()) -> IMAPAccountStore {
        scriptedStore(server) {
            $0.mechanism = .oauth
            $0.password = { Array((tokens.first ?? "").utf8) }
            guard tokens.count > 1 else { return }
            $0.renewal = { refused in
                asked.note(refused)
                return Array(tokens[1].utf8)
            }
        }
    }

    final class Asked: Sendable {
        private let refused = Mutex<[String]>([])
        func note(_ octets: [UInt8]) { refused.withLock { $0.append(String(decoding: octets, as: UTF8.self)) } }
        var all: [String] { refused.withLock { $0 } }
    }

    @Test("one is taken", arguments: cases)
    func taken(_ item: Case) async throws {
        try await ScriptedIMAPServer.with(Self.model(item)) { server in
            let store = Self.store(server, ["good-token"])
            let fetched = try await fetchAll(store, inbox).octets
            let login = try await store.login
            #expect(fetched.count == 2)
            #expect(login.method == item.mechanism && login.mechanisms == [item.mechanism])
            await store.close()
        }
    }

    @Test("one that is refused is replaced once, and the refusal is ended as it must be", arguments: cases)
    func replaced(_ item: Case) async throws {
        try await ScriptedIMAPServer.with(Self.model(item)) { server in
            let asked = Asked()
            let store = Self.store(server, ["old-token", "good-token"], asked: asked)
            let fetched = try await fetchAll(store, inbox).octets
            #expect(fetched.count == 2)
            #expect(asked.all == ["old-token"])
            #expect(server.takeLog().filter { $0.hasPrefix("answered") } == ["answered \(item.farewell)"])
            await store.close()
        }
    }

    @Test("a second one that is refused is the end of it", arguments: cases)
    func refused(_ item: Case) async throws {
        try await ScriptedIMAPServer.with(Self.model(item)) { server in
            let asked = Asked()
            let store = Self.store(server, ["old-token", "other-token"], asked: asked)
            let error = await #expect(throws: StoreError.self) { try await store.connect() }
            #expect(error?.kind == .authenticationFailed)
            #expect(error?.message.contains("(invalid_token): that token is not known") == true, "\(error as Any)")
            #expect(asked.all == ["old-token"])
            #expect(server.takeLog().filter { $0 == "AUTHENTICATE" }.count == 2)
            await store.close()
        }
    }
}
