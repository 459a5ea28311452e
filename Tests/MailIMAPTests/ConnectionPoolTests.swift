import MailCore
import MailIMAP
import MailarcTesting
import Synchronization
import Testing

@Suite("Connections of an account", .timeLimit(.minutes(5)))
struct ConnectionPoolTests {
    typealias Model = ScriptedIMAPServer.Model
    typealias Surplus = ScriptedIMAPServer.Quirks.Surplus

    /// What a connection too many is told, as servers tell it.
    static let surpluses: [Surplus] = [
        .answer("NO [LIMIT] Maximum number of connections from user+IP exceeded"),
        .answer("NO [ALERT] Too many simultaneous connections. (Failure)"), .answer("NO [INUSE] later"),
        .answer("NO [UNAVAILABLE] not now"), .answer("NO [AUTHENTICATIONFAILED] no"),
        .byeAtLogin("Too many connections"), .byeAtGreeting("[UNAVAILABLE] from your address"), .silence,
    ]

    static func model(_ limit: Int, _ surplus: Surplus) -> Model {
        var model = Model(mailboxes: (1...6).map { .init("m\($0)", bodies(30)) })
        model.quirks.connectionLimit = (limit, surplus)
        return model
    }

    /// Fetches all of six mailboxes at once, message by message in commands of two.
    static func fetchAtOnce(_ server: ScriptedIMAPServer, _ store: IMAPAccountStore) async throws -> Int {
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...6 {
                group.addTask { try await fetchAll(store, MailboxName("m\(number)")).report.delivered.count }
            }
            return try await group.reduce(0, +)
        }
    }

    @Test(
        "one that is refused is no error while others work",
        arguments: surpluses.indices.flatMap { [($0, 1), ($0, 3)] }
    )
    func surplus(_ place: Int, _ limit: Int) async throws {
        try await ScriptedIMAPServer.with(Self.model(limit, Self.surpluses[place])) { server in
            let store = scriptedStore(server) { ($0.maxConnections, $0.bodyBatchMessageCount) = (8, 2) }
            try await store.connect()
            let count = try await Self.fetchAtOnce(server, store)
            #expect(count == 180)
            #expect(server.connections.peak <= limit)
            // How long it is left alone then, `ConnectionWidthTests` show, by a clock of their own.
            #expect(server.connections.refused < 180 / 2)
            await store.close()
        }
    }

    @Test("one that is refused late finds the one that came back meanwhile", .timeLimit(.minutes(1)))
    func lateRefusal() async throws {
        var model = Model(mailboxes: [.init("m1", bodies(1)), .init("m2", bodies(1))])
        model.quirks.connectionLimit = (1, .answer("NO [LIMIT] too many"))
        // Longer than the one that works is at work.
        model.quirks.refusalTime = .seconds(2)
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server)
            try await store.connect()
            async let first = fetchAll(store, MailboxName("m1")).octets.count
            async let second = fetchAll(store, MailboxName("m2")).octets.count
            #expect(try await first + second == 2)
            #expect(server.connections.refused == 1)
            await store.close()
        }
    }

    @Test("the account's number is never exceeded", arguments: [1, 2, 5])
    func most(_ limit: Int) async throws {
        try await ScriptedIMAPServer.with(Self.model(100, .silence)) { server in
            let store = scriptedStore(server) { $0.maxConnections = limit }
            let count = try await Self.fetchAtOnce(server, store)
            #expect(count == 180)
            #expect(server.connections.peak <= limit)
            await store.close()
        }
    }

    @Test("none at all is an error that says why", arguments: surpluses.indices)
    func none(_ place: Int) async throws {
        try await ScriptedIMAPServer.with(Self.model(0, Self.surpluses[place])) { server in
            let store = scriptedStore(server)
            let kind = await errorKind { try await store.connect() }
            switch Self.surpluses[place] {
            case .silence: #expect(kind == .connectionLost)
            case .answer(let text) where text.contains("AUTHENTICATIONFAILED"): #expect(kind == .authenticationFailed)
            // A server that says BYE and closes may be gone before it is heard.
            case .byeAtGreeting: #expect(kind == .throttled || kind == .connectionFailed)
            default: #expect(kind == .throttled)
            }
            #expect(server.connections.refused == 1)
            await store.close()
        }
    }

    @Test("one that the server ends for there are too many leaves its work to the others")
    func ended() async throws {
        var model = Self.model(100, .silence)
        model.quirks.farewells = ["UID FETCH": ("Too many connections from this address", 1)]
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) { $0.bodyBatchMessageCount = 2 }
            try await store.connect()
            let count = try await Self.fetchAtOnce(server, store)
            #expect(count == 180)
            await store.close()
        }
    }

    @Test("the only one, ended by the server, is opened again, though the server still counts it")
    func lingering() async throws {
        var model = Self.model(1, .answer("NO [LIMIT] too many"))
        model.quirks.farewells = ["UID FETCH": ("bye", 1)]
        model.quirks.lingering = 1
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) { $0.maxConnections = 1 }
            let fetched = try await fetchAll(store, MailboxName("m1"))
            #expect(fetched.octets.count == 30)
            #expect(server.connections.refused > 0)
            await store.close()
        }
    }

    @Test("a server that asks for patience has fewer connections afterwards")
    func patience() async throws {
        var model = Self.model(100, .silence)
        model.faults.denials["UID FETCH"] = ("NO [THROTTLED] Suggested Backoff Time: 20 milliseconds", 2)
        try await ScriptedIMAPServer.with(model) { server in
            let store = scriptedStore(server) { $0.maxConnections = 4 }
            let count = try await Self.fetchAtOnce(server, store)
            #expect(count == 180)
            // One at first; by the time it pays, two again.
            #expect(server.connections.count <= 2)
            #expect(server.model.faults.denials["UID FETCH"]?.times == 0)
            await store.close()
        }
    }
}
