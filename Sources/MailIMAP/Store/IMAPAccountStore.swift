public import MailCore
public import MailIMAPCore
import Synchronization

/// An IMAP account as a mail store. Reading changes nothing: EXAMINE and BODY.PEEK; `Delivery/` is the write side.
///
/// Up to `maxConnections` calls run at once; more wait. A broken connection is replaced up to three times per call.
public final class IMAPAccountStore: PipelinedStore, PartwiseStore {
    let configuration: IMAPConfiguration
    let pool: ConnectionPool
    /// Counters of large mailboxes from the last listing.
    private let announced = Mutex<[MailboxName: MailboxStatus]>([:])
    /// From the last listing of a server with labels: the mailbox of all mail, and the bin.
    private let labelled = Mutex<(all: MailboxName?, bin: MailboxName?)>((nil, nil))
    /// UIDVALIDITY of every mailbox from the last listing.
    private let validities = Mutex<[MailboxName: UIDValidity]>([:])

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
                fetchConcurrency: configuration.lanes,
                implementation: server.isEmpty ? nil : server.joined(separator: " "))
        }
    }

    /// What the server offers after the login.
    public var capabilities: CapabilitySet {
        get async throws(StoreError) {
            try await withSession { (session) async throws(StoreError) in session.capabilities }
        }
    }

    /// How its sessions are logged in.
    public var login: IMAPLogin {
        get async throws(StoreError) { try await withSession { (session) async throws(StoreError) in session.login } }
    }

    /// One round trip where the server has LIST-STATUS.
    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let found = try await withSession { (session) async throws(StoreError) in try await session.mailboxes() }
        let large = found.listings.compactMap { listing in
            listing.status.flatMap { $0.messageCount > ListingWindows.messageCount ? (listing.name, $0) : nil }
        }
        announced.withLock { $0 = Dictionary(large, uniquingKeysWith: { $1 }) }
        func system(_ role: MailboxRole) -> MailboxName? {
            found.listings.first { $0.isSystem && $0.role == role }?.name
        }
        labelled.withLock { $0 = (system(.all), system(.trash)) }
        let told = found.listings.compactMap { listing in listing.status.map { (listing.name, $0.uidValidity) } }
        validities.withLock { $0 = Dictionary(told, uniquingKeysWith: { $1 }) }
        return found
    }

    /// Where a message of `mailbox` goes to be deleted, if an expunge there does not delete it.
    ///
    /// QUIRK: Gmail: an expunge takes a label away; among all mail, it does nothing at all.
    func bin(for mailbox: MailboxName) -> MailboxName? {
        labelled.withLock { $0.all == mailbox ? $0.bin : nil }
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

    /// A window of `requests` in one flight, each handed over in order; connection errors once replacing it did not help.
    public func observe(
        _ requests: [ObservationRequest], limit: Int?,
        _ consume: (MailboxName, Result<MailboxObservation, StoreError>) -> Void
    ) async throws(StoreError) {
        var start = 0
        while start < requests.count {
            let end = min(start + configuration.observationWindow, requests.count)
            let (large, told) = (announced.withLock { $0 }, validities.withLock { $0 })
            let window = requests[start..<end].map { request -> IMAPSession.Glance in
                (request.mailbox, request.cursor, large[request.mailbox], told[request.mailbox], limit)
            }
            let outcomes = try await observe(window)
            for (request, outcome) in zip(window, outcomes) { consume(request.mailbox, outcome) }
            start += window.count
        }
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        let expected = validities.withLock { $0[mailbox] }
        return try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.census(of: mailbox, expecting: expected)
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

    /// Looks at `window`, and once more at what the server put off.
    private func observe(
        _ window: [IMAPSession.Glance]
    ) async throws(StoreError) -> [Result<MailboxObservation, StoreError>] {
        var outcomes = try await withSession { (session) async throws(StoreError) in try await session.observe(window) }
        var patience = Patience()
        while true {
            let putOff = outcomes.indices.filter { outcomes[$0].failure?.kind == .throttled }
            guard let first = putOff.first, let error = outcomes[first].failure else { return outcomes }
            await pool.strain()
            guard try await patience.wait(error) else { return outcomes }
            let again = try await withSession { (session) async throws(StoreError) in
                try await session.observe(putOff.map { window[$0] })
            }
            for (index, outcome) in zip(putOff, again) { outcomes[index] = outcome }
        }
    }

    /// Mailboxes were made, renamed or removed: what a listing said is over.
    func forgetListing() { validities.withLock { $0 = [:] } }

    /// LIMIT: connections that may break one after the other in one call.
    private static let replacementLimit = 3

    /// Runs `body`, which can be repeated, on a session: again on a new one if one breaks, and where the server asks for
    /// patience; a few times each.
    func withSession<T>(
        for mailbox: MailboxName? = nil, _ body: (IMAPSession) async throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        var replaced = 0
        var patience = Patience()
        while true {
            let session = try await pool.lease(for: mailbox)
            do {
                let result = try await body(session)
                await pool.giveBack(session)
                return result
            } catch {
                await pool.discard(session)
                if error.kind == .throttled {
                    await pool.strain()
                    guard try await patience.wait(error) else { throw error }
                    continue
                }
                guard error.kind == .connectionLost, error.retry == .now, replaced < Self.replacementLimit else {
                    throw error
                }
                replaced += 1
            }
        }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let error) = self { error } else { nil }
    }
}
