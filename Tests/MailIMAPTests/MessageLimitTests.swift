import MailCore
import MailIMAP
import MailarcTesting
import Testing

/// RFC 9738: a server works on so many messages at once, the last ones first.
@Suite("Servers with MESSAGELIMIT")
struct MessageLimitTests {
    typealias Model = ScriptedIMAPServer.Model

    static let validity = UIDValidity(7)
    static let ten = UIDSet(ranges: [1...10])

    /// 12 messages; 3 of them at a time, said beforehand or not.
    static func model(_ isAnnounced: Bool) -> Model {
        var model = Model(
            capabilities: Model.rich + ["UIDPLUS", "MOVE"] + (isAnnounced ? ["MESSAGELIMIT=3"] : []),
            mailboxes: [.init("INBOX", bodies(12), uidValidity: 7), .init("Other", uidValidity: 8)])
        model.messageLimit = 3
        return model
    }

    static func uids(_ server: ScriptedIMAPServer, _ name: String = "INBOX") -> [UInt32] {
        server.model.mailboxes.first { $0.name == name }?.messages.map(\.uid) ?? []
    }

    @Test("what is expunged is gone, and nothing else is", arguments: [true, false])
    func expunge(_ isAnnounced: Bool) async throws {
        try await ScriptedIMAPServer.with(Self.model(isAnnounced)) { server in
            let store = scriptedStore(server)
            let gone = try await store.expunge(Self.ten, from: inbox, uidValidity: Self.validity)
            #expect(gone == Self.ten)
            #expect(Self.uids(server) == [11, 12])
            await store.close()
        }
    }

    @Test("a flag is changed where it is said to be", arguments: [true, false])
    func flags(_ isAnnounced: Bool) async throws {
        try await ScriptedIMAPServer.with(Self.model(isAnnounced)) { server in
            let store = scriptedStore(server)
            let changes = Self.ten.uids.map { FlagChange(uid: $0, adding: [.seen], removing: []) }
            let outcomes = try await store.setFlags(changes, in: inbox, uidValidity: Self.validity)
            for message in server.model.mailboxes[0].messages where message.uid <= 10 {
                let outcome = UID(message.uid).flatMap { outcomes[$0] }
                #expect((outcome == .changed) == message.flags.contains("\\Seen"))
            }
            #expect(outcomes.values.count { $0 == .changed } == (isAnnounced ? 10 : 3))
            #expect(!outcomes.values.contains(.gone))
            await store.close()
        }
    }

    @Test("a move that was cut short is not taken for one that was done", arguments: [true, false])
    func move(_ isAnnounced: Bool) async throws {
        try await ScriptedIMAPServer.with(Self.model(isAnnounced)) { server in
            let store = scriptedStore(server)
            let other = MailboxName("Other")
            if isAnnounced {
                let report = try await store.move(Self.ten, from: inbox, uidValidity: Self.validity, to: other)
                #expect(report.mapping.count == 10 && report.missing.isEmpty)
                #expect(Self.uids(server) == [11, 12] && Self.uids(server, "Other").count == 10)
            } else {
                let kind = await errorKind {
                    _ = try await store.move(Self.ten, from: inbox, uidValidity: Self.validity, to: other)
                }
                #expect(kind == .limitExceeded)
                #expect(Self.uids(server).count == 9 && Self.uids(server, "Other").count == 3)
            }
            await store.close()
        }
    }

    @Test("a census, its descriptions and a search leave nothing out", arguments: [true, false])
    func census(_ isAnnounced: Bool) async throws {
        try await ScriptedIMAPServer.with(Self.model(isAnnounced)) { server in
            let store = scriptedStore(server)
            let census = try await store.census(of: inbox)
            #expect(census.isComplete && census.uids.count == 12)
            let found = try await store.search(
                try SearchProgram(parsing: "ALL"), in: inbox, uidValidity: Self.validity)
            #expect(found.count == 12)
            let look = try await store.observe(inbox, since: nil)
            guard case .full(let messages) = look.content else {
                Issue.record("not a full look")
                return
            }
            #expect(look.isComplete && messages.count == 12)
            await store.close()
        }
    }

    @Test("a server that will not say what is there loses nothing", arguments: ["NO sorry", "NO [UNAVAILABLE] later"])
    func silent(_ refusal: String) async throws {
        try await ScriptedIMAPServer.with(Self.model(true)) { server in
            let store = scriptedStore(server)
            server.update { $0.faults.denials["UID FETCH"] = (refusal, 100) }
            let kind = await errorKind {
                _ = try await store.expunge(Self.ten, from: inbox, uidValidity: Self.validity)
            }
            #expect(kind == (refusal == "NO sorry" ? .refused : .throttled))
            await store.close()
        }
    }
}
