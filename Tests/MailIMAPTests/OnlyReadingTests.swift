import MailCore
import MailIMAP
import MailIMAPCore
import MailarcTesting
import Testing

@Suite("An account that is only to be read", .timeLimit(.minutes(1)))
struct OnlyReadingTests {
    @Test("every call that writes is refused before a command is sent, and reading goes on")
    func refuses() async throws {
        let model = ScriptedIMAPServer.Model(
            capabilities: ScriptedIMAPServer.Model.rich, mailboxes: [.init("INBOX"), .init("Work")])
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) { $0.onlyReads = true }
            let look = try await store.observe(inbox, since: nil)
            let (uid, uidValidity) = (try #require(UID(1)), look.status.uidValidity)
            let one = UIDSet([uid])
            let work = MailboxName("Work")
            _ = server.takeLog()
            let writes: [() async throws -> Void] = [
                { try await store.create(MailboxName("New"), role: nil, isSubscribed: true) },
                { _ = try await store.deliveryTraits(of: inbox) },
                { try await store.deliver(to: inbox, DeliveryTraits(), next: { nil }, each: { _, _ in }) },
                {
                    let change = FlagChange(uid: uid, adding: [.seen], removing: [])
                    _ = try await store.setFlags([change], in: inbox, uidValidity: uidValidity)
                },
                { _ = try await store.copy(one, from: inbox, uidValidity: uidValidity, to: work) },
                { _ = try await store.move(one, from: inbox, uidValidity: uidValidity, to: work) },
                { _ = try await store.expunge(one, from: inbox, uidValidity: uidValidity) },
                { try await store.rename(work, to: MailboxName("Other")) }, { try await store.remove(work) },
            ]
            for write in writes { #expect(await errorKind(write) == .refused) }
            // A new connection takes the place of each that was refused something.
            let sent = Set(server.takeLog().map { String($0.prefix { $0 != " " }) })
            let harmless: Set<String> = [
                "LOGIN", "AUTHENTICATE", "CAPABILITY", "ID", "ENABLE", "NAMESPACE", "NOOP", "LOGOUT", "EXAMINE", "UID",
                "LIST", "STATUS",
            ]
            #expect(sent.subtracting(harmless).isEmpty, "\(sent)")
            #expect(try await store.observe(inbox, since: nil).status.uidValidity == uidValidity)
            await store.close()
            #expect(server.model.mailboxes.map(\.name) == ["INBOX", "Work"])
        }
    }

    @Test("what reads and what could write, by name", arguments: [true, false])
    func names(reads: Bool) {
        let name = WireName(inbox, isUTF8: false)
        let commands: [Command] =
            reads
            ? [.noop, .examine(name), .status(name, [.messages]), .uidFetch("1:*", [.flags]), .list(), .logout]
            : [.select(name), .create(name), .delete(name), .subscribe(name), .rename(name, to: name), .expunge]
        for command in commands { #expect(command.onlyReads == reads, "\(command)") }
    }
}
