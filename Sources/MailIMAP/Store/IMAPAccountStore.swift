public import MailCore
import MailIMAPCore
import Synchronization

/// An IMAP account as a mail store. Reading changes nothing: EXAMINE and BODY.PEEK; `Delivery/` is the write side.
///
/// Up to `maxConnections` calls run at once; more wait. A broken connection is replaced once per call.
public final class IMAPAccountStore: PipelinedStore, PartwiseStore {
    let configuration: IMAPConfiguration
    let pool: ConnectionPool
    /// Counters of large mailboxes from the last listing.
    private let announced = Mutex<[MailboxName: MailboxStatus]>([:])

    public init(configuration: IMAPConfiguration) {
        self.configuration = configuration
        pool = ConnectionPool(configuration)
    }

    /// Logs in once, so that a wrong password or certificate shows here.
    public func connect() async throws(StoreError) {
        await pool.giveBack(try await pool.lease())
    }

    /// Logs out; calls that run end with `.connectionFailed`.
    public func close() async { await pool.close() }

    public var traits: StoreTraits {
        get async throws(StoreError) {
            let server = try await withSession { (session) async throws(StoreError) in
                // The answer to ID may still be on its way.
                if !session.unattended.isEmpty { _ = try await session.run(.noop) }
                return [session.serverID["name"], session.serverID["version"]].compactMap { $0 }
            }
            return StoreTraits(
                fetchConcurrency: max(1, configuration.maxConnections),
                implementation: server.isEmpty ? nil : server.joined(separator: " "))
        }
    }

    /// One round trip where the server has LIST-STATUS.
    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let found = try await withSession { (session) async throws(StoreError) in try await session.mailboxes() }
        let large = found.listings.compactMap { listing in
            listing.status.flatMap { $0.messageCount > ListingWindows.messageCount ? (listing.name, $0) : nil }
        }
        announced.withLock { $0 = Dictionary(large, uniquingKeysWith: { $1 }) }
        return found
    }

    /// Two round trips at most for an honest server; a caller that compares ``MailboxListing/status`` first saves them.
    ///
    /// Without CONDSTORE the delta's `changed` names every message, as nobody can tell which were re-flagged.
    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        var result: Result<MailboxObservation, StoreError>?
        try await observe([ObservationRequest(mailbox: mailbox, cursor: cursor)], limit: nil) { result = $1 }
        guard let result else { throw StoreError(.protocolViolation, "No observation was made", mailbox: mailbox) }
        return try result.get()
    }

    /// A window of `requests` in one flight, each handed over in order; connection errors after a first reconnect.
    public func observe(
        _ requests: [ObservationRequest], limit: Int?,
        _ consume: (MailboxName, Result<MailboxObservation, StoreError>) -> Void
    ) async throws(StoreError) {
        var start = 0
        while start < requests.count {
            let end = min(start + configuration.observationWindow, requests.count)
            let window = announced.withLock { known in
                requests[start..<end].map {
                    (mailbox: $0.mailbox, cursor: $0.cursor, announced: known[$0.mailbox], limit: limit)
                }
            }
            let outcomes = try await withSession { (session) async throws(StoreError) in
                try await session.observe(window)
            }
            for (request, outcome) in zip(window, outcomes) { consume(request.mailbox, outcome) }
            start += window.count
        }
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.census(of: mailbox)
        }
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.describe(uids, of: mailbox, uidValidity)
        }
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        guard !messages.isEmpty else { return FetchReport() }
        let fetch = BodyFetch(messages, from: mailbox, uidValidity: uidValidity, configuration, pool)
        return try await fetch.run(consume)
    }

    /// Runs `body` on a session; once more on a new one if an old one turns out to be dead.
    func withSession<T>(
        for mailbox: MailboxName? = nil, _ body: (IMAPSession) async throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        var isRetry = false
        while true {
            let session = try await pool.lease(for: mailbox)
            do {
                let result = try await body(session)
                await pool.giveBack(session)
                return result
            } catch {
                await pool.discard(session)
                guard error.kind == .connectionLost, error.retry == .now, !isRetry else { throw error }
                isRetry = true
            }
        }
    }
}
