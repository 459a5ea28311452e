import MailCore
import MailIMAP
import MailarcTesting
import Testing

@Suite("Fetching bodies")
struct BodyFetchTests {
    typealias Model = ScriptedIMAPServer.Model
    typealias Faults = ScriptedIMAPServer.Faults

    static let odd: [[UInt8]] = [
        Array("a\0b\rc\nd".utf8), [], Array(" )\r\nA1 OK no\r\n* 1 FETCH (".utf8),
        [UInt8](repeating: 0x41, count: 300_000),
        Array("From x\r\n\r\n".utf8), [0xFF, 0x00, 0xFE],
    ]

    static func check(
        _ bodies: [[UInt8]], _ faults: (inout Faults) -> Void = { _ in },
        configuration: (inout IMAPConfiguration) -> Void = { _ in }
    ) async throws -> FetchReport {
        var model = Model(mailboxes: [.init("INBOX", bodies)])
        faults(&model.faults)
        return try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server, configuration)
            let (octets, report) = try await fetchAll(store, inbox)
            for uid in report.delivered.uids {
                #expect(octets[uid.value] == bodies[Int(uid.value) - 1], "UID \(uid)")
            }
            await store.close()
            return report
        }
    }

    @Test("octets come through exactly, whatever they are")
    func exact() async throws {
        #expect(try await Self.check(Self.odd).delivered.count == 6)
    }

    @Test("order, case and spacing of a FETCH response do not matter, nor a UID behind the body")
    func oddFetch() async throws {
        let report = try await Self.check(Self.odd) { $0.oddFetch = true }
        #expect(report.delivered.count == 6)
        #expect(report.refused.isEmpty)
    }

    @Test("RFC822.SIZE is a hint")
    func wrongSize() async throws {
        #expect(try await Self.check(bodies(5)) { $0.sizeError = 1000 }.delivered.count == 5)
    }

    @Test("many messages go in batches of bounded size")
    func batches() async throws {
        let many = (0..<1300).map { Array("message \($0)".utf8) }
        #expect(try await Self.check(many).delivered.count == 1300)
    }

    @Test("a message the server refuses does not stop the others")
    func refused() async throws {
        let report = try await Self.check(bodies(40)) { $0.refused = [7, 8, 33] }
        #expect(report.delivered.count == 37)
        #expect(report.refused.values.allSatisfy { $0.reason == .refusedByServer && $0.detail == "not now" })
        #expect(Set(report.refused.keys.map(\.value)) == [7, 8, 33])
    }

    @Test("what is left out is asked for again, and reported if it stays away")
    func omitted() async throws {
        let again = try await Self.check(bodies(9)) { ($0.omitted, $0.omissions) = ([4, 5], 2) }
        #expect(again.delivered.count == 9)
        let never = try await Self.check(bodies(9)) { $0.omitted = [4, 5] }
        #expect(never.delivered.count == 7)
        #expect(never.refused.values.allSatisfy { $0.reason == .notDelivered })
    }

    @Test("NIL and empty bodies are not messages")
    func empty() async throws {
        let report = try await Self.check(bodies(9)) { ($0.nilBodies, $0.emptyBodies) = ([2], [3]) }
        #expect(report.delivered.count == 7)
        #expect(report.refused.values.allSatisfy { $0.reason == .emptyBody } && report.refused.count == 2)
    }

    @Test("a broken connection costs a repetition; the third time in one message costs the message")
    func broken() async throws {
        let twice = try await Self.check(bodies(9)) { $0.breakAfter = [3: (4, 2)] }
        #expect(twice.delivered.count == 9)
        let always = try await Self.check(bodies(9)) { $0.breakAfter = [3: (4, 99), 6: (0, 99)] }
        #expect(always.delivered.count == 7)
        #expect(always.refused.values.allSatisfy { $0.reason == .connectionLost } && always.refused.count == 2)
    }

    @Test("a connection that breaks where only the completion is missing costs nothing and waits for nothing")
    func brokenAtTheEnd() async throws {
        for uids in [[3], [9], [3, 6, 9]] as [[UInt32]] {
            let report = try await Self.check(bodies(9)) {
                for uid in uids { $0.breakBehind[uid] = 1 }
            } configuration: {
                $0.bodyBatchMessageCount = 3
            }
            #expect(report.delivered.count == 9 && report.refused.isEmpty, "\(uids): \(report.refused)")
        }
    }

    @Test("a literal of a false length is garbled; the others go on", arguments: [-2, 5])
    func garbled(_ error: Int) async throws {
        let report = try await Self.check(bodies(9)) { $0.literalError = [4: error] }
        #expect(report.delivered.count == 8)
        #expect(report.refused.first?.key == UID(4))
        #expect(report.refused.first?.value.reason == .garbled)
    }

    @Test("a literal of a false length at the very end is noticed without waiting")
    func garbledEnd() async throws {
        let report = try await Self.check(bodies(3)) { $0.literalError = [3: 500] }
        #expect(report.delivered.count == 2 && report.refused[.max] == nil)
        #expect(report.refused.first?.value.reason == .garbled)
    }

    @Test("a cancelled task ends its fetch")
    func cancellation() async throws {
        let model = Model(mailboxes: [.init("INBOX", [[UInt8](repeating: 0x41, count: 20_000_000)])])
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let message = MessageSummary(uid: .min, flags: [])
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                await errorKind {
                    _ = try await store.fetch([message], from: inbox, uidValidity: UIDValidity(1)) { message in
                        start.finish()
                        while try await message.next() != nil { try Task.checkCancellation() }
                    }
                }
            }
            for await _ in started {}
            task.cancel()
            #expect(await task.value == .cancelled)
        }
    }

    @Test("a large message comes in parts, and a broken connection costs one part")
    func parts() async throws {
        let large = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        for (octetCount, times) in [(0, 0), (170_000, 2), (299_999, 1)] {
            let report = try await Self.check([large] + bodies(3)) {
                if times > 0 { $0.breakAfter = [1: (octetCount, times)] }
            } configuration: {
                ($0.partialFetchThreshold, $0.partialFetchOctetCount) = (100_000, 50_000)
            }
            #expect(report.delivered.count == 4, "\(report.refused)")
        }
    }

    @Test("60 MB in one line pass in bounded memory")
    func longLine() async throws {
        let model = Model(mailboxes: [.init("INBOX", [[UInt8](repeating: 0x41, count: 60_000_000)])])
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            let look = try await store.observe(inbox, since: nil)
            guard case .full(let messages) = look.content else { return }
            let before = server.sentOctetCount
            var (count, largest, ahead) = (0, 0, 0)
            _ = try await store.fetch(messages, from: inbox, uidValidity: look.status.uidValidity) { message in
                while let piece = try await message.next() {
                    count += piece.count
                    largest = max(largest, piece.count)
                    // Gives the server every chance to run ahead: it is stopped by a full socket.
                    for _ in 0..<20 { await Task.yield() }
                    ahead = max(ahead, server.sentOctetCount - before - count)
                }
            }
            #expect(count == 60_000_000)
            #expect(largest <= 1 << 18)
            #expect(ahead < 16 << 20, "the server was \(ahead) octets ahead")
        }
    }

    @Test("UIDVALIDITY is checked before anything is delivered")
    func uidValidity() async throws {
        try await ScriptedIMAPServer.with(Model(mailboxes: [.init("INBOX", bodies(3))])) { server in
            let store = scriptedStore(server)
            let message = MessageSummary(uid: .min, flags: [])
            let kind = await errorKind {
                _ = try await store.fetch([message], from: inbox, uidValidity: UIDValidity(9)) { _ in
                    Issue.record("delivered")
                }
            }
            #expect(kind == .uidValidityChanged)
        }
    }

    @Test("more calls than connections wait for their turn")
    func concurrency() async throws {
        try await ScriptedIMAPServer.with(Model(mailboxes: [.init("INBOX", bodies(50))])) { server in
            let store = scriptedStore(server)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await fetchAll(store, inbox).report.delivered.count } }
                for try await count in group { #expect(count == 50) }
            }
            await store.close()
            #expect(await errorKind { _ = try await store.mailboxes() } == .connectionFailed)
        }
    }

    @Test("the scripted server's store keeps the contract of mail stores")
    func conformance() async throws {
        let servers = Servers()
        let broken = try await MailStoreConformance.violations { seeds in
            var model = Model(
                mailboxes: seeds.map { seed in
                    var mailbox = ScriptedIMAPServer.Mailbox(String(decoding: seed.name.octets, as: UTF8.self))
                    for message in seed.messages {
                        mailbox.append(
                            message.octets, flags: message.flags.flags.map(\.name),
                            internalDate: message.internalDate?.description ?? "")
                    }
                    return mailbox
                })
            model.capabilities = Model.rich
            return scriptedStore(try await servers.start(model))
        }
        #expect(broken.isEmpty, "\(broken)")
        await servers.stop()
    }

    actor Servers {
        private var servers: [ScriptedIMAPServer] = []
        func start(_ model: Model) throws -> ScriptedIMAPServer {
            let server = try ScriptedIMAPServer(model)
            servers.append(server)
            return server
        }
        func stop() { for server in servers { server.stop() } }
    }
}
