import MailCore
import MailIMAP
import MailarcTesting
import Testing

/// What is delivered is there once, octet for octet, or refused with a reason.
@Suite("Delivery", .timeLimit(.minutes(3)))
struct DeliveryTests {
    typealias Model = ScriptedIMAPServer.Model

    static func model(_ capabilities: [String], _ names: String...) -> Model {
        Model(capabilities: capabilities + names, mailboxes: [.init("INBOX")])
    }

    @Test(
        "every kind of literal, alone and in groups, brings the same octets, flags and dates",
        arguments: [
            ["LITERAL+"], ["LITERAL-"], [], ["LITERAL+", "MULTIAPPEND"], ["LITERAL-", "MULTIAPPEND", "UIDPLUS"],
            ["MULTIAPPEND"], ["LITERAL+", "UIDPLUS"],
        ])
    func literals(names: [String]) async throws {
        let model = Model(capabilities: Model.without("LITERAL+") + names, mailboxes: [.init("INBOX")])
        let sizes = [30, 4096, 4097, 100, 70_000, 5, 0, 2_000_000, 40]
        let messages = sizes.enumerated().map { index, size in
            TestMessage(
                Array("Subject: \(index)\r\n\r\n".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: size),
                flags: index % 2 == 0 ? [.seen, Flag("$Forwarded")] : [])
        }
        let (results, server) = try await deliver(messages, model)
        #expect(results.map(\.isDelivered) == messages.map { _ in true })
        let stored = server.mailboxes.first?.messages ?? []
        #expect(Set(stored.map(\.octets)) == Set(messages.map(\.octets)) && stored.count == messages.count)
        for message in stored {
            let sent = messages.first { $0.octets == message.octets }
            #expect(FlagSet(message.flags.map { Flag($0) }) == sent?.flags)
            #expect(InternalDate(parsing: message.internalDate) == sent?.internalDate)
            #expect(InternalDate(parsing: message.internalDate)?.zoneOffset == 90)
        }
        guard names.contains("UIDPLUS") else { return }
        for (message, result) in zip(messages, results) {
            let uid = stored.first { $0.octets == message.octets }.flatMap { UID($0.uid) }
            #expect(result == .delivered(UIDValidity(1), uid))
        }
    }

    @Test("keywords the mailbox does not keep are not sent")
    func keywords() async throws {
        var model = Self.model(Model.rich)
        model.permanentFlags = "\\Seen $Forwarded"
        let message = TestMessage(flags: [.seen, .flagged, Flag("$Forwarded"), Flag("$Other"), Flag("not an atom")])
        let (_, server) = try await deliver([message], model)
        #expect(Set(server.mailboxes[0].messages[0].flags) == ["\\Seen", "$Forwarded"])
    }

    @Test("a message beyond the limit is refused before it is sent, by the server's limit or the mailbox's")
    func limits() async throws {
        for isOfMailbox in [false, true] {
            var model = Self.model(Model.rich, isOfMailbox ? "APPENDLIMIT" : "APPENDLIMIT=100")
            if isOfMailbox { model.mailboxAppendLimit = 100 }
            let big = TestMessage([UInt8](repeating: 65, count: 101))
            let (results, server) = try await deliver([TestMessage(), big, TestMessage()], model)
            #expect(results.map(\.reason) == [nil, .tooBig, nil])
            #expect(server.mailboxes[0].messages.count == 2)
        }
    }

    @Test("a limit nobody told of shows in the answer, and the others of the group are taken")
    func untoldLimit() async throws {
        var model = Self.model(Model.rich, "MULTIAPPEND")
        model.mailboxAppendLimit = 100
        let big = TestMessage([UInt8](repeating: 65, count: 101))
        let (results, server) = try await deliver([TestMessage(), big, TestMessage(), TestMessage()], model)
        #expect(results.map(\.reason) == [nil, .tooBig, nil, nil])
        #expect(server.mailboxes[0].messages.count == 3)
    }

    @Test("one refused message costs no other", arguments: [[], ["MULTIAPPEND"]])
    func oneRefused(names: [String]) async throws {
        var model = Model(capabilities: Model.rich + names, mailboxes: [.init("INBOX")])
        model.faults.refusedText = "number 70 "
        let messages = (0..<120).map { TestMessage(Array("Subject: number \($0) \r\n\r\n".utf8)) }
        let (results, server) = try await deliver(messages, model)
        #expect(results.indices.filter { results[$0].reason == .refusedByServer } == [70])
        #expect(server.mailboxes[0].messages.count == 119)
        #expect(Set(server.mailboxes[0].messages.map(\.octets)).count == 119)
    }

    @Test("beyond the quota nothing more is sent, and each message says so", arguments: [[], ["MULTIAPPEND"]])
    func quota(names: [String]) async throws {
        var model = Model(capabilities: Model.rich + names, mailboxes: [.init("INBOX")])
        model.quota = 1000
        let messages = (0..<40).map { _ in TestMessage([UInt8](repeating: 65, count: 100)) }
        let (results, server) = try await deliver(messages, model)
        #expect(server.mailboxes[0].messages.count == 10)
        #expect(results.count { $0.isDelivered } == 10)
        #expect(results.count { $0.reason == .overQuota } == 30)
    }

    @Test("a mailbox that is not there is made, in the midst of a flight too")
    func tryCreate() async throws {
        let model = Self.model(Model.rich)
        let messages = (0..<30).map { TestMessage(Array("Subject: \($0)\r\n\r\n".utf8)) }
        let (results, server) = try await deliver(messages, model, to: MailboxName("New"))
        #expect(results.count { $0.isDelivered } == 30)
        #expect(server.mailboxes.first { $0.name == "New" }?.messages.count == 30)
    }

    @Test("NUL needs BINARY")
    func nul() async throws {
        let message = TestMessage([65, 0, 66], traits: { $0.hasNUL = true })
        let (refused, _) = try await deliver([message], Self.model(Model.rich))
        #expect(refused.map(\.reason) == [.nulOctets])
        let (taken, server) = try await deliver([message], Self.model(Model.rich, "BINARY"))
        #expect(taken.map(\.isDelivered) == [true] && server.mailboxes[0].messages[0].octets == [65, 0, 66])
    }

    @Test("UTF-8 in a header goes as UTF8 where the server speaks it, other octets as they are")
    func utf8() async throws {
        let octets = Array("Subject: tükör\r\n\r\n".utf8)
        let message = TestMessage(octets, traits: { $0.hasOctetsInHeader = true })
        let (results, server) = try await deliver(
            [message], Self.model(Model.rich, "UTF8=ACCEPT", "BINARY")
        ) { $0.enablesUTF8 = true }
        #expect(results.map(\.isDelivered) == [true] && server.mailboxes[0].messages[0].octets == octets)
    }

    @Test("a server that wants to be left alone for a moment is, and then gets everything once")
    func throttled() async throws {
        var model = Self.model(Model.rich)
        model.faults.denials["APPEND"] = ("NO [THROTTLED] Suggested Backoff Time: 1 milliseconds", 2)
        let (results, server) = try await deliver((0..<5).map { _ in TestMessage() }, model)
        #expect(results.count { $0.isDelivered } == 5 && server.mailboxes[0].messages.count == 5)
        model.faults.denials["APPEND"] = ("NO [THROTTLED] Suggested Backoff Time: 600000 milliseconds", 9)
        let slow = model
        #expect(await errorKind { _ = try await deliver([TestMessage()], slow) } == .throttled)
    }

    @Test("a server that takes one command at a time gets everything once")
    func noPipelining() async throws {
        var model = Self.model(Model.rich)
        model.faults.refusesPipelining = true
        let messages = (0..<6).map { TestMessage(Array("Subject: \($0)\r\n\r\n".utf8)) }
        let (results, server) = try await deliver(messages, model)
        #expect(results.count { $0.isDelivered } == 6)
        #expect(server.mailboxes[0].messages.count == 6)
    }

    @Test("a connection that breaks in a literal is an error to go on from, and no message is told twice")
    func broken() async throws {
        var model = Self.model(Model.rich, "UIDPLUS")
        model.faults.breakInLiteral = (500, 1)
        let messages = (0..<9).map { TestMessage([UInt8](repeating: 65, count: $0 == 6 ? 900 : 40)) }
        let broken = model
        #expect(await errorKind { _ = try await deliver(messages, broken) } == .connectionLost)
    }

    @Test("a mailbox is made with its use where the server can, and making it twice is no error")
    func creation() async throws {
        for names in [["CREATE-SPECIAL-USE"], []] {
            let model = Model(capabilities: Model.rich + names, mailboxes: [.init("INBOX")])
            try await ScriptedIMAPServer.with(model) { server in
                let store = scriptedStore(server)
                for _ in 0..<2 { try await store.create(MailboxName("Sent"), role: .sent, isSubscribed: true) }
                let made = server.model.mailboxes.filter { $0.name == "Sent" }
                #expect(made.map(\.attributes) == [names.isEmpty ? [] : ["\\Sent"]])
                await store.close()
            }
        }
    }

    // MARK: Helpers

    /// Delivers `messages`; answers the outcomes in their order and the server's state.
    private func deliver(
        _ messages: [TestMessage], _ model: Model, to mailbox: MailboxName = inbox,
        _ change: (inout IMAPConfiguration) -> Void = { _ in }
    ) async throws -> (results: [DeliveryOutcome], server: Model) {
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server, change)
            let isThere = model.mailboxes.contains { $0.name == mailbox.text }
            let traits = isThere ? try await store.deliveryTraits(of: mailbox) : DeliveryTraits()
            var rest = messages[...]
            var results: [ObjectIdentifier: DeliveryOutcome] = [:]
            try await store.deliver(
                to: mailbox, traits, next: { rest.popFirst() },
                each: { message, outcome in
                    #expect(results.updateValue(outcome, forKey: ObjectIdentifier(message)) == nil, "told twice")
                })
            await store.close()
            return (messages.compactMap { results[ObjectIdentifier($0)] }, server.model)
        }
    }
}

/// A message to deliver.
private final class TestMessage: OutgoingMessage {
    let octets: [UInt8]
    let flags: FlagSet
    let internalDate: InternalDate? = InternalDate(secondsSinceEpoch: 1_500_000_000, zoneOffset: 90)
    let traits: OctetTraits
    var octetCount: Int { octets.count }

    init(
        _ octets: [UInt8] = Array("Subject: x\r\n\r\n".utf8), flags: FlagSet = [],
        traits change: (inout OctetTraits) -> Void = { _ in }
    ) {
        var traits = OctetTraits()
        change(&traits)
        (self.octets, self.flags, self.traits) = (octets, flags, traits)
    }

    func open() throws(StoreError) -> any OctetSource { Source(octets) }

    private final class Source: OctetSource {
        private var rest: ArraySlice<UInt8>
        init(_ octets: [UInt8]) { rest = octets[...] }

        func next() throws(StoreError) -> [UInt8]? {
            let piece = rest.prefix(1000)
            rest = rest.dropFirst(piece.count)
            return piece.isEmpty ? nil : Array(piece)
        }
    }
}

extension DeliveryOutcome {
    fileprivate var isDelivered: Bool { if case .delivered = self { true } else { false } }
    fileprivate var reason: DeliveryRefusal.Reason? {
        if case .refused(let refusal) = self { refusal.reason } else { nil }
    }
}
