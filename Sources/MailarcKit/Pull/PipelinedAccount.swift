import MailCore
import MailIMAP
import MailSync

/// An IMAP account, or some mailboxes of it, that looks at many mailboxes in one flight.
struct PipelinedAccount: PipelinedStore, PartwiseStore {
    let base: IMAPAccountStore
    /// Names with `*` as wildcard; empty means all.
    var patterns: [String] = []

    var traits: StoreTraits {
        get async throws(StoreError) { try await base.traits }
    }

    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let found = try await base.mailboxes()
        guard !patterns.isEmpty else { return found }
        // What was not asked for is not gone: the listing has holes.
        return (
            found.listings.filter { listing in patterns.contains { MailboxGlob.matches(listing.name.text, $0) } }, false
        )
    }

    func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError) -> MailboxObservation {
        try await base.observe(mailbox, since: cursor)
    }

    func observe(
        _ requests: [ObservationRequest], limit: Int?,
        _ consume: (MailboxName, Result<MailboxObservation, StoreError>) -> Void
    ) async throws(StoreError) {
        try await base.observe(requests, limit: limit, consume)
    }

    func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        try await base.census(of: mailbox)
    }

    func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        try await base.describe(uids, of: mailbox, uidValidity: uidValidity)
    }

    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try await base.fetch(messages, from: mailbox, uidValidity: uidValidity, consume)
    }
}
