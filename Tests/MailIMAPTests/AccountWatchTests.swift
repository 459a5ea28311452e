import MailCore
import MailIMAP
import MailTransport
import MailarcTesting
import Synchronization
import Testing

@Suite("Waiting for changes", .timeLimit(.minutes(2)))
struct AccountWatchTests {
    typealias Model = ScriptedIMAPServer.Model

    static func model(_ extensions: String..., mailboxes: [String] = ["INBOX", "Lists"]) -> Model {
        Model(capabilities: Model.rich + extensions, mailboxes: mailboxes.map { .init($0, bodies(2)) })
    }

    /// What a watch told, and how it ended.
    private struct Outcome {
        var method: WatchMethod?
        var changes = 0
        var error: StoreError?
    }

    /// Watches until `isEnough`, asked after each thing told, or until the watch ends by itself.
    private func watch(
        _ server: ScriptedIMAPServer, _ change: (inout AccountWatch.Options) -> Void = { _ in },
        responseTimeout: Duration = .seconds(10), armed: @escaping @Sendable () -> Void = {},
        until isEnough: (Int) -> Bool
    ) async -> Outcome {
        var configuration = IMAPConfiguration(
            host: "127.0.0.1", port: server.port, security: .plaintext, user: "anna",
            password: { Array("secret".utf8) })
        configuration.server.responseTimeout = responseTimeout
        var options = AccountWatch.Options()
        options.interval = .milliseconds(50)
        change(&options)
        let watch = AccountWatch(configuration, options)
        let method = Method()
        let (changes, signal) = AsyncStream.makeStream(of: Void.self)
        return await withTaskGroup(of: StoreError?.self) { group in
            group.addTask {
                defer { signal.finish() }
                do throws(StoreError) {
                    try await watch.run(
                        armed: {
                            method.set($0)
                            armed()
                        }, changed: { signal.yield() })
                    return nil
                } catch { return error }
            }
            var outcome = Outcome()
            for await _ in changes {
                outcome.changes += 1
                if isEnough(outcome.changes) { break }
            }
            group.cancelAll()
            outcome.error = await group.next() ?? nil
            outcome.method = method.value
            return outcome
        }
    }

    private final class Method: Sendable {
        private let state = Mutex<WatchMethod?>(nil)
        var value: WatchMethod? { state.withLock { $0 } }
        func set(_ method: WatchMethod) { state.withLock { $0 = method } }
    }

    @Test("IDLE: nothing is missed before it begins, while it lasts and while it ends, and it is issued again")
    func idle() async throws {
        var model = Self.model("IDLE", mailboxes: ["INBOX"])
        model.watch.idles = [
            .init(before: ["* 3 EXISTS"]), .init(during: ["* OK still here", "* 2 EXPUNGE"]),
            .init(after: ["* 1 FETCH (FLAGS (\\Seen))"]), .init(), .init(during: ["* 4 EXISTS"]),
        ]
        try await ScriptedIMAPServer.with(model) { server in
            // One for the beginning, and one for each of the four.
            let outcome = await watch(server) { $0 == 5 }
            #expect(outcome.method == .idle && outcome.changes == 5)
            #expect(outcome.error?.kind == .cancelled, "\(String(describing: outcome.error))")
            let log = server.takeLog()
            // More of them where this machine was slow: each is issued again after a while.
            #expect(log.count { $0 == "IDLE" } >= 5, "\(log)")
            #expect(log.contains { $0.hasPrefix("EXAMINE") } && !log.contains { $0.hasPrefix("SELECT") })
        }
    }

    @Test("INBOX and what was named is idled in; the other mailboxes are looked at")
    func looks() async throws {
        try await ScriptedIMAPServer.with(Self.model("IDLE", mailboxes: ["INBOX", "Lists", "Work"])) { server in
            let outcome = await watch(server, { $0.idleMailboxes = ["Work", "Li*"] }) { count in
                // Both connections idle: now something comes where none does.
                if count == 2 { server.update { $0.change("Lists") { $0.append(bodies(1)[0]) } } }
                return count == 3
            }
            #expect(outcome.method == .idle && outcome.changes == 3)
            let log = server.takeLog()
            #expect(
                Set(log.filter { $0.hasPrefix("EXAMINE") }.compactMap { $0.split(separator: " ").last }) == [
                    "INBOX", "Work",
                ])
            #expect(!log.contains { $0.hasPrefix("UID") })
        }
    }

    @Test("a server that does not begin to idle, or refuses to, is given up", arguments: [true, false])
    func silence(neverIdles: Bool) async throws {
        var model = Self.model("IDLE", mailboxes: ["INBOX"])
        model.watch.neverIdles = neverIdles
        if !neverIdles { model.faults.denials["IDLE"] = ("NO not now", 9) }
        try await ScriptedIMAPServer.with(model) { server in
            let outcome = await watch(server, responseTimeout: .milliseconds(500)) { _ in false }
            #expect(outcome.error?.kind == (neverIdles ? .connectionLost : .refused))
        }
    }

    @Test("an IDLE that does not end is given up")
    func endless() async throws {
        var model = Self.model("IDLE", mailboxes: ["INBOX"])
        model.watch.neverEnds = true
        try await ScriptedIMAPServer.with(model) { server in
            let outcome = await watch(server, responseTimeout: .milliseconds(500)) { _ in false }
            #expect(outcome.method == .idle && outcome.error?.kind == .connectionLost && outcome.error?.retry == .later)
        }
    }

    @Test("a mailbox no further connection can idle in is looked at")
    func tooMany() async throws {
        var model = Self.model("IDLE")
        model.quirks.connectionLimit = (1, .answer("NO [LIMIT] too many connections"))
        try await ScriptedIMAPServer.with(model) { server in
            let outcome = await watch(
                server, armed: { server.update { $0.change("INBOX") { $0.append([0x41]) } } }, until: { _ in true })
            #expect(outcome.method == .idle && outcome.changes == 1 && outcome.error?.kind == .cancelled)
            #expect(server.connections.refused > 0)
        }
    }

    @Test("NOTIFY: fewer events where the server refuses some; only mailboxes that matter; asked again on overflow")
    func notify() async throws {
        var model = Self.model("NOTIFY", "IDLE")
        model.watch.notifyAnswers = ["NO [BADEVENT (MessageNew MessageExpunge FlagChange)] no such event", "OK"]
        model.watch.notified = [
            [],
            [
                "* STATUS Lists (MESSAGES 3 UIDNEXT 4)", "* STATUS INBOX (MESSAGES 3 UIDNEXT 4)", "* OK hello",
                "* OK [NOTIFICATIONOVERFLOW] too much",
            ],
            ["* STATUS \"INBOX\" (MESSAGES 4 UIDNEXT 5)"],
        ]
        try await ScriptedIMAPServer.with(model) { server in
            let outcome = await watch(server, { $0.isWanted = { $0.text == "INBOX" } }) { $0 == 3 }
            #expect(outcome.method == .notify && outcome.changes == 3)
            let log = server.takeLog().filter { $0.hasPrefix("NOTIFY") }
            #expect(log.count >= 3 && log[0].contains("MailboxName") && !log[1].contains("MailboxName"), "\(log)")
        }
    }

    @Test("a silent NOTIFY is tried by NOOP, and what comes with that counts")
    func signsOfLife() async throws {
        let model = Self.model("NOTIFY")
        try await ScriptedIMAPServer.with(model) { server in
            let outcome = await watch(server, armed: { server.update { $0.faults.flood = 1 } }) { $0 == 1 }
            #expect(outcome.method == .notify && outcome.changes == 1)
            #expect(server.takeLog().contains("NOOP"))
        }
    }

    @Test("what is refused or not there is not relied on")
    func ladder() async throws {
        var model = Self.model("NOTIFY", "IDLE")
        model.watch.notifyAnswers = ["NO no", "BAD no"]
        try await ScriptedIMAPServer.with(model) { server in
            #expect(await watch(server) { $0 == 1 }.method == .idle)
            server.update { $0.watch.notifyAnswers = ["NO no", "NO no"] }
            #expect(await watch(server, { $0.method = .notify }) { _ in false }.error?.kind == .capabilityMissing)
        }
        try await ScriptedIMAPServer.with(Self.model()) { server in
            #expect(await watch(server, { $0.method = .idle }) { _ in false }.error?.kind == .capabilityMissing)
            let outcome = await watch(server, armed: { server.update { $0.change("Lists") { $0.expunge(1) } } }) {
                $0 == 1
            }
            #expect(outcome.method == .poll && outcome.changes == 1)
        }
    }
}
