import MailCore
import MailSync
import MailarcTesting
import Synchronization

/// Fails once its count is used up.
final class Counter: Sendable {
    private let rest: Mutex<Int>

    init(_ count: Int) { rest = Mutex(count) }

    func countDown() throws {
        try rest.withLock { rest in
            rest -= 1
            if rest < 0 { throw Killer.Killed() }
        }
    }
}

/// The last progress reported.
final class Last: Sendable {
    private let progress = Mutex<SyncProgress?>(nil)

    var value: SyncProgress? {
        get { progress.withLock { $0 } }
        set { progress.withLock { $0 = newValue } }
    }
}

/// Numbers noted by a test's helper.
final class Notes: Sendable {
    private let notes = Mutex<[Int]>([])

    var value: [Int] { notes.withLock { $0 } }
    func add(_ number: Int) { notes.withLock { $0.append(number) } }
}

/// A store that counts how many mailboxes it is asked for at once.
struct Pipelining: PipelinedStore {
    let store: InMemoryStore
    let calls = Notes()

    var traits: StoreTraits { get async throws(StoreError) { try await store.traits } }

    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        try await store.mailboxes()
    }

    func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        try await store.observe(mailbox, since: cursor)
    }

    func observe(
        _ requests: [ObservationRequest], limit: Int?,
        _ consume: (MailboxName, Result<MailboxObservation, StoreError>) -> Void
    ) async throws(StoreError) {
        calls.add(requests.count)
        for request in requests {
            consume(request.mailbox, .success(try await store.observe(request.mailbox, since: request.cursor)))
        }
    }

    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try await store.fetch(messages, from: mailbox, uidValidity: uidValidity, consume)
    }
}
