import MailCore
import MailIMAP
import MailarcTesting
import Testing

@Suite("Looking at mailboxes")
struct ObservationTests {
    typealias Model = ScriptedIMAPServer.Model

    static let tiers: [[String]] = [
        Model.rich, Model.without("QRESYNC"), Model.without("QRESYNC", "CONDSTORE"),
        Model.without("QRESYNC", "CONDSTORE", "ESEARCH"), Model.without("ENABLE"), Model.without("LIST-STATUS"),
        ["IMAP4rev1"],
    ]

    static func model(_ capabilities: [String] = Model.rich) -> Model {
        var mailbox = ScriptedIMAPServer.Mailbox("INBOX", bodies(20), uidValidity: 7)
        mailbox.setFlags(3, ["\\Seen"])
        mailbox.setFlags(4, ["$Work", "\\Flagged"])
        return Model(
            capabilities: capabilities,
            mailboxes: [mailbox, .init("Archiv/Gr&APY-&AN8-e"), .init("a \"b\" \\c", bodies(2))])
    }

    /// The known flags and the cursor after a first look.
    static func first(_ store: IMAPAccountStore) async throws -> (MailboxCursor, [UInt32: FlagSet]) {
        let look = try await store.observe(inbox, since: nil)
        #expect(look.isComplete)
        let known = membership(look, [:])
        return (MailboxCursor(status: look.status, knownUIDs: UIDSet(known.keys.compactMap { UID($0) })), known)
    }

    static func change(_ model: inout Model) {
        model.change("INBOX") { mailbox in
            mailbox.expunge(2)
            mailbox.expunge(20)
            mailbox.setFlags(5, ["\\Answered", "$Work"])
            mailbox.setFlags(3, [])
            mailbox.append(Array("new".utf8), flags: ["\\Seen"])
        }
    }

    static func truth(_ model: Model) -> [UInt32: FlagSet] {
        var result: [UInt32: FlagSet] = [:]
        for message in model.mailboxes[0].messages { result[message.uid] = FlagSet(message.flags.map { Flag($0) }) }
        return result
    }

    @Test("every tier sees the same changes", arguments: tiers)
    func everyTier(_ capabilities: [String]) async throws {
        try await ScriptedIMAPServer.with(Self.model(capabilities)) { server in
            let store = scriptedStore(server)
            let (cursor, known) = try await Self.first(store)
            server.update(Self.change)
            let look = try await store.observe(inbox, since: cursor)
            #expect(look.isComplete)
            #expect(membership(look, known) == Self.truth(server.model))
            #expect(look.status.messageCount == 19 && look.status.uidNext == UID(22))
            if case .delta(let changed, let vanished) = look.content {
                #expect(vanished.description == "2,20")
                #expect(changed.last?.octetCount == 3)
            }
            await store.close()
        }
    }

    @Test("searches answered together are told apart")
    func interleaved() async throws {
        try await ScriptedIMAPServer.with(Self.model(Model.without("QRESYNC", "CONDSTORE"))) { server in
            let store = scriptedStore(server)
            let (cursor, known) = try await Self.first(store)
            server.update { model in
                Self.change(&model)
                model.faults.interleavesSearches = true
            }
            let look = try await store.observe(inbox, since: cursor)
            guard case .delta = look.content else {
                Issue.record("not a delta")
                return
            }
            #expect(membership(look, known) == Self.truth(server.model))
            await store.close()
        }
    }

    @Test(
        "a lying server is caught by its own message count",
        arguments: ["vanished", "others vanished", "modseq", "no modseq"])
    func lies(_ lie: String) async throws {
        try await ScriptedIMAPServer.with(Self.model()) { server in
            let store = scriptedStore(server)
            let (cursor, known) = try await Self.first(store)
            server.update(Self.change)
            server.update { model in
                switch lie {
                case "vanished": model.faults.falseVanished = "1:18"
                // As many as really went, so that the count adds up.
                case "others vanished": model.faults.falseVanished = "7,9"
                case "modseq": model.faults.highestModSeq = "1"
                default: model.faults.highestModSeq = ""
                }
            }
            let look = try await store.observe(inbox, since: cursor)
            #expect(membership(look, known) == Self.truth(server.model))
            guard case .full = look.content else {
                Issue.record("the delta was believed")
                return
            }
        }
    }

    @Test("another UIDVALIDITY makes everything new")
    func uidValidity() async throws {
        try await ScriptedIMAPServer.with(Self.model()) { server in
            let store = scriptedStore(server)
            let (cursor, _) = try await Self.first(store)
            server.update { $0.change("INBOX") { $0.uidValidity = 8 } }
            let look = try await store.observe(inbox, since: cursor)
            #expect(look.status.uidValidity == UIDValidity(8))
            guard case .full(let messages) = look.content else {
                Issue.record("the delta was believed")
                return
            }
            #expect(messages.count == 20 && look.isComplete)
        }
    }

    @Test("a listing has every mailbox once, with counters also where LIST left them out", arguments: tiers)
    func listing(_ capabilities: [String]) async throws {
        var model = Self.model(capabilities)
        model.mailboxes.append(.init("INBOX"))
        model.mailboxes[1].attributes = ["\\Archive"]
        var container = ScriptedIMAPServer.Mailbox("box")
        container.attributes = ["\\Noselect"]
        container.delimiter = nil
        model.mailboxes.append(container)
        model.faults.omittedStatus = ["INBOX"]
        try await ScriptedIMAPServer.with(model) { server in
            let (listings, isComplete) = try await scriptedStore(server).mailboxes()
            #expect(isComplete)
            #expect(listings.map(\.name.text) == ["INBOX", "Archiv/Größe", "a \"b\" \\c", "box"])
            #expect(listings.map { $0.status?.messageCount } == [20, 0, 2, nil])
            #expect(listings.map(\.isSelectable) == [true, true, true, false])
            #expect(listings[1].role == .archive && listings[3].name.delimiter == nil)
        }
    }

    @Test("the first listing costs one flight, and many changed mailboxes cost one more")
    func flights() async throws {
        var model = Self.model()
        model.mailboxes = (0..<50).map { .init("m\($0)", bodies(3)) }
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let listings = try await store.mailboxes().listings
            #expect(server.takeLog().filter { $0.hasPrefix("STATUS") || $0.hasPrefix("EXAMINE") }.isEmpty)
            var seen: [String] = []
            try await store.observe(listings.map { ObservationRequest(mailbox: $0.name, cursor: nil) }, limit: nil) {
                name, outcome in
                if case .success(let look) = outcome, look.isComplete { seen.append(name.text) }
            }
            #expect(seen == listings.map(\.name.text))
            #expect(server.takeLog().count == 100)
        }
    }

    @Test("a mailbox that went away does not stop the others")
    func gone() async throws {
        try await ScriptedIMAPServer.with(Self.model()) { server in
            let store = scriptedStore(server)
            var outcomes: [String] = []
            try await store.observe(
                [inbox, MailboxName("no"), inbox].map { ObservationRequest(mailbox: $0, cursor: nil) }, limit: nil
            ) { _, outcome in
                switch outcome {
                case .success(let look): outcomes.append("\(look.status.messageCount)")
                case .failure(let error): outcomes.append("\(error.kind)")
                }
            }
            #expect(outcomes == ["20", "noSuchMailbox", "20"])
            #expect(await errorKind { _ = try await store.observe(MailboxName("no"), since: nil) } == .noSuchMailbox)
        }
    }
}
