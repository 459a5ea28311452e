import MailCore
import MailIMAP
import MailSync
import Synchronization

/// An IMAP account, or some mailboxes of it, that looks at many mailboxes in one flight.
struct PipelinedAccount: PipelinedStore, PartwiseStore {
    let base: IMAPAccountStore
    /// Names with `*` as wildcard; empty means all.
    var patterns: [String] = []
    let listed = Listed()

    /// What the account said when it was asked for its mailboxes.
    final class Listed: Sendable {
        private let state = Mutex<(isWhole: Bool, unmatched: [String])>((true, []))

        /// False when it left some out.
        var isWhole: Bool { state.withLock { $0.isWhole } }
        /// Names that no mailbox has.
        var unmatched: [String] { state.withLock { $0.unmatched } }

        fileprivate func note(_ isWhole: Bool, unmatched: [String]) { state.withLock { $0 = (isWhole, unmatched) } }
    }

    var traits: StoreTraits {
        get async throws(StoreError) { try await base.traits }
    }

    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let found = try await base.mailboxes()
        guard !patterns.isEmpty else { return found }
        let selected = patterns.map { pattern in
            found.listings.filter { MailboxGlob.matches($0.name.text, pattern) }.map(\.name)
        }
        listed.note(found.isComplete, unmatched: zip(patterns, selected).filter { $0.1.isEmpty }.map(\.0))
        let names = Set(selected.joined())
        // What was not asked for is not gone: the listing has holes.
        return (found.listings.filter { names.contains($0.name) }, false)
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
