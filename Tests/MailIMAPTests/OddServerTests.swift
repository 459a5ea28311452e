import MailCore
import MailIMAP
import MailarcTesting
import Testing

@Suite("Odd servers")
struct OddServerTests {
    typealias Model = ScriptedIMAPServer.Model

    @Test(
        "a personal namespace that LIST of everything leaves out is asked for", arguments: [Model.rich, ["IMAP4rev1"]])
    func namespaces(_ capabilities: [String]) async throws {
        let hasNamespace = capabilities.contains("NAMESPACE")
        var model = Model(
            capabilities: capabilities, mailboxes: [.init("INBOX"), .init("INBOX.a", bodies(2)), .init("x")])
        model.namespaces = "((\"INBOX.\" \".\")(\"\" \".\")) ((\"user.\" \".\")) NIL"
        model.hiddenPrefix = "INBOX."
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let (listings, isComplete) = try await store.mailboxes()
            #expect(isComplete)
            #expect(listings.map(\.name.text) == (hasNamespace ? ["INBOX", "x", "INBOX.a"] : ["INBOX", "x"]))
            #expect(!hasNamespace || listings.last?.status?.messageCount == 2)
            #expect(!server.takeLog().contains { $0.contains("user.") })
            await store.close()
        }
    }

    @Test("names are the same with UTF8=ACCEPT as without")
    func utf8() async throws {
        let names = ["INBOX", "Archiv/Gr&APYA3w-e", "a \"b\" \\c", "&ZeVnLIqe-", "R&-D"]
        let model = Model(
            capabilities: Model.rich + ["UTF8=ACCEPT"], mailboxes: names.map { .init($0, bodies(2)) })
        try await ScriptedIMAPServer.with(model) { server in
            for isUTF8 in [true, false] {
                let store = scriptedStore(server) { $0.enablesUTF8 = isUTF8 }
                let listings = try await store.mailboxes().listings
                #expect(listings.map { String(decoding: $0.name.octets, as: UTF8.self) } == names)
                #expect(listings.map { $0.status?.messageCount } == [2, 2, 2, 2, 2])
                for listing in listings {
                    #expect(try await fetchAll(store, listing.name).octets.count == 2)
                }
                let log = server.takeLog()
                #expect(log.contains("EXAMINE \(isUTF8 ? "日本語" : "&ZeVnLIqe-") (CONDSTORE)"))
                #expect(log.contains { $0.hasPrefix("ENABLE") && $0.contains("UTF8=ACCEPT") } == isUTF8)
                await store.close()
            }
        }
    }

    @Test("a large mailbox is listed in windows, in one flight")
    func windows() async throws {
        let model = Model(mailboxes: [.init("INBOX", [[UInt8]](repeating: [0x41], count: 25_000))])
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            _ = try await store.mailboxes()
            _ = server.takeLog()
            let look = try await store.observe(inbox, since: nil)
            #expect(look.isComplete && membership(look, [:]).count == 25_000)
            let sets = server.takeLog().compactMap { line in
                line.hasPrefix("UID FETCH") ? String(line.split(separator: " ")[2]) : nil
            }
            #expect(sets == ["1:8333", "8334:16666", "16667:*"])
            await store.close()
        }
    }

    @Test("a server that works on so many messages at once is asked for the rest", arguments: [1, 7, 20, 1000])
    func messageLimit(_ limit: Int) async throws {
        var model = Model(mailboxes: [.init("INBOX", bodies(50))])
        model.messageLimit = limit
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let look = try await store.observe(inbox, since: nil)
            #expect(look.isComplete && membership(look, [:]).count == 50)
            let cursor = MailboxCursor(status: look.status, knownUIDs: UIDSet((1...50).compactMap { UID($0) }))
            server.update {
                $0.change("INBOX") { mailbox in for uid in 1...30 { mailbox.setFlags(UInt32(uid), ["\\Seen"]) } }
            }
            let next = try await store.observe(inbox, since: cursor)
            let known = membership(look, [:])
            #expect(next.isComplete && membership(next, known).values.filter { $0.contains(.seen) }.count == 30)
            #expect(try await fetchAll(store, inbox).octets.count == 50)
            await store.close()
        }
    }

    @Test("a body whose UID comes behind it is downloaded once")
    func lateUID() async throws {
        var model = Model(mailboxes: [.init("INBOX", BodyFetchTests.odd + bodies(40))])
        model.faults.oddFetch = true
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let (octets, report) = try await fetchAll(store, inbox)
            #expect(report.delivered.count == 46 && octets[4]?.count == 300_000 && octets[1] == BodyFetchTests.odd[0])
            #expect(server.takeLog().filter { $0.contains("BODY.PEEK[]") }.count == 1)
            await store.close()
        }
    }

    @Test("Courier is asked with SELECT, everybody else with EXAMINE", arguments: [true, false])
    func courier(_ isCourier: Bool) async throws {
        var model = Model(capabilities: ["IMAP4rev1"], mailboxes: [.init("INBOX", bodies(3))])
        model.greeting = isCourier ? "Courier-IMAP ready. Copyright" : "ready"
        model.faults.falseExamine = isCourier
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let look = try await store.observe(inbox, since: nil)
            #expect(look.status.uidValidity == UIDValidity(1))
            #expect(try await fetchAll(store, inbox).octets.count == 3)
            let verbs = Set(server.takeLog().compactMap { $0.split(separator: " ").first }).intersection([
                "SELECT", "EXAMINE",
            ])
            #expect(verbs == [isCourier ? "SELECT" : "EXAMINE"])
            await store.close()
        }
    }
}
