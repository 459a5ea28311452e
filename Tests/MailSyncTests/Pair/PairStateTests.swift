import Foundation
import MailCore
import MailSync
import MailarcTesting
import Synchronization
import Testing

@Suite("the state of a pair") struct PairStateTests {
    /// The transactions of runs between two stores in memory.
    private final class Journal: Sendable {
        private let steps = Mutex<[String]>([])
        func note(_ step: String) { steps.withLock { $0.append(step) } }
        func take() -> [String] {
            steps.withLock { steps in
                defer { steps = [] }
                return steps.filter { $0.hasPrefix("before ") }.map { String($0.dropFirst(7)) }
            }
        }
    }

    private static func run(_ a: InMemoryStore, _ b: InMemoryStore, _ state: PairState) async throws -> PairReport {
        let options = PairOptions(policy: PairStrategy.mirror.policy, hashing: TestHashing()) { 1_700_000_000 }
        return try await PairRunner(
            a: PairEnd(store: a, name: "A", identity: "a"), b: PairEnd(store: b, name: "B", identity: "b"),
            state: state, options: options
        ).run()
    }

    private static func fill(_ store: InMemoryStore, _ count: Int, _ mailboxes: [String]) {
        for mailbox in mailboxes {
            let name = MailboxName(mailbox)
            if !name.isInbox { store.create(name) }
            for number in 0..<count { store.append(Array("Subject: \(mailbox) \(number)\r\n\r\nx\r\n".utf8), to: name) }
        }
    }

    @Test("what is to be copied is journalled at once, and a run that finds nothing new writes nothing")
    func transactions() async throws {
        let journal = Journal()
        let state = try PairState.inMemory { journal.note($0) }
        let (a, b) = (InMemoryStore(), InMemoryStore())
        Self.fill(a, 3, ["INBOX", "Work", "Lists"])
        #expect(try await Self.run(a, b, state).total { $0.copiedCount } == 9)
        let steps = journal.take()
        #expect(steps.filter { $0 == "sent" }.count == 1)
        #expect(steps.filter { $0 == "delivered" }.count == 3)
        // The counters of what was delivered to.
        _ = try await Self.run(a, b, state)
        _ = journal.take()
        #expect(try await Self.run(a, b, state).isUnchanged)
        #expect(journal.take() == [])
    }

    /// A run with the state at `path`, which is opened for it and closed behind it.
    private static func run(_ a: InMemoryStore, _ b: InMemoryStore, path: String) async throws -> PairReport {
        let state = try PairState.open(path: path)
        let report = try await run(a, b, state)
        #expect(try await state.doubledAddressCount() == 0)
        try state.close()
        return report
    }

    @Test(
        "closing leaves a short log to be gone on with, and a long one empty", arguments: [(10, true), (2_000, false)])
    func log(count: Int, isKept: Bool) async throws {
        let folder = try TestFolder()
        let path = folder.path + "/pair.db"
        let (a, b) = (InMemoryStore(), InMemoryStore())
        Self.fill(a, count, ["INBOX"])
        #expect(try await Self.run(a, b, path: path).total { $0.copiedCount } == count)
        #expect(FileManager.default.fileExists(atPath: path + "-wal") == isKept)
        _ = try await Self.run(a, b, path: path)
        #expect(b.contents.count == count)
        #expect(try await Self.run(a, b, path: path).isUnchanged)
    }

    @Test("a copy of a link is a value of its own")
    func value() {
        let first = PairLink(id: 1, a: nil, b: nil, content: nil, state: .linked)
        var second = first
        (second.id, second.state) = (2, .kept)
        #expect(first.id == 1 && first.state == .linked && second.id == 2 && second.state == .kept && first != second)
        (second.id, second.state) = (1, .linked)
        #expect(first == second && first.hashValue == second.hashValue)
    }

    @Test("two policies have one mark only where they are equal")
    func marks() {
        var policies: [PairPolicy] = []
        for strategy in PairStrategy.allCases {
            policies.append(strategy.policy)
            policies += strategy.options.map { strategy.policy.applying($0) }
        }
        for (place, policy) in policies.enumerated() {
            for other in policies[place...] { #expect((policy.mark == other.mark) == (policy == other)) }
        }
        #expect(Set(policies.map(\.mark)).count > 10)
    }
}
