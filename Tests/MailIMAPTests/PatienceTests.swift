import MailCore
import MailIMAP
import MailarcTesting
import Testing

@Suite("Servers that want less")
struct PatienceTests {
    typealias Model = ScriptedIMAPServer.Model

    static func model(_ capabilities: [String] = Model.rich) -> Model {
        Model(capabilities: capabilities, mailboxes: (1...5).map { .init("m\($0)", bodies($0 * 3)) })
    }

    @Test("a server that cannot pipeline is asked one thing at a time", arguments: [Model.rich, ["IMAP4rev1"]])
    func pipelining(_ capabilities: [String]) async throws {
        var model = Self.model(capabilities)
        model.faults.refusesPipelining = true
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) {
                ($0.bodyBatchMessageCount, $0.maxConnections) = (2, 1)
            }
            let (listings, isComplete) = try await store.mailboxes()
            #expect(isComplete && listings.map { $0.status?.messageCount } == [3, 6, 9, 12, 15])
            for _ in 0..<2 {
                var counts: [Int] = []
                try await store.observe(listings.map { ObservationRequest(mailbox: $0.name, cursor: nil) }, limit: nil)
                { _, outcome in
                    guard case .success(let look) = outcome, look.isComplete else { return }
                    counts.append(membership(look, [:]).count)
                }
                #expect(counts == [3, 6, 9, 12, 15])
            }
            #expect(try await fetchAll(store, listings[4].name).octets.count == 15)
            await store.close()
        }
    }

    @Test("one BAD that is no matter of haste costs no speed")
    func haste() async throws {
        var model = Self.model()
        model.faults.denials["UID FETCH"] = ("BAD what?", 1)
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let names = try await store.mailboxes().listings.map(\.name)
            var complete = 0
            try await store.observe(names.map { ObservationRequest(mailbox: $0, cursor: nil) }, limit: nil) {
                _, outcome in
                if case .success(let look) = outcome, look.isComplete { complete += 1 }
            }
            #expect(complete == 5)
            await store.close()
        }
    }

    @Test("a day's octets that are used up end the fetch; no message is blamed")
    func overQuota() async throws {
        try await ScriptedIMAPServer.with(Self.model()) { server in
            let store = scriptedStore(server)
            let name = MailboxName("m5")
            let look = try await store.observe(name, since: nil)
            guard case .full(let messages) = look.content else {
                Issue.record("not a full look")
                return
            }
            server.update { $0.faults.denials["UID FETCH"] = ("NO [OVERQUOTA] Account exceeded bandwidth limits", 100) }
            let kind = await errorKind {
                _ = try await store.fetch(messages, from: name, uidValidity: look.status.uidValidity) { _ in }
            }
            #expect(kind == .throttled)
            #expect(server.model.faults.denials["UID FETCH"]?.times == 99)
            await store.close()
        }
    }

    @Test(
        "a server that wants to be left alone is, whatever words it uses", arguments: ["EXAMINE", "UID FETCH", "LIST"])
    func throttled(_ command: String) async throws {
        for text in [
            "NO [THROTTLED] slow down", "NO Request is throttled. Suggested Backoff Time: 900000 milliseconds",
        ] {
            var model = Self.model()
            model.faults.denials[command] = (text, 9)
            try await ScriptedIMAPServer.with(model) { server in
                let store = scriptedStore(server)
                let error = await #expect(throws: StoreError.self) {
                    _ = try await store.mailboxes()
                    _ = try await store.observe(MailboxName("m1"), since: nil)
                }
                #expect(error?.kind == .throttled && error?.retry == .later)
                await store.close()
            }
        }
    }

    @Test("a throttled fetch waits once, for as long as the server says; too long or once more ends it")
    func throttledBodies() async throws {
        for (text, times, isDelivered) in [
            ("NO [THROTTLED] Suggested Backoff Time: 20 ms", 2, true),
            ("NO Suggested Backoff Time: 20 milliseconds", 99, false), ("NO Suggested Backoff Time: 900000", 1, false),
        ] {
            try await ScriptedIMAPServer.with(Self.model()) { server in
                let store = scriptedStore(server) { $0.bodyBatchMessageCount = 4 }
                let name = MailboxName("m5")
                let look = try await store.observe(name, since: nil)
                guard case .full(let messages) = look.content else { return }
                server.update { $0.faults.denials["UID FETCH"] = (text, times) }
                var delivered = 0
                let kind = await errorKind {
                    let report = try await store.fetch(messages, from: name, uidValidity: look.status.uidValidity) {
                        _ in
                    }
                    delivered = report.delivered.count
                }
                #expect(delivered == (isDelivered ? 15 : 0))
                #expect(kind == (isDelivered ? nil : .throttled))
                await store.close()
            }
        }
    }

    @Test("a BYE that says why is believed")
    func farewell() async throws {
        for (text, kind) in [("[UNAVAILABLE] maintenance", StoreError.Kind.throttled), ("bye", .connectionLost)] {
            var model = Self.model()
            model.faults.farewell = text
            try await ScriptedIMAPServer.with(model) { server in
                let store = scriptedStore(server)
                #expect(await errorKind { _ = try await store.observe(MailboxName("m1"), since: nil) } == kind)
                await store.close()
            }
        }
    }
}
