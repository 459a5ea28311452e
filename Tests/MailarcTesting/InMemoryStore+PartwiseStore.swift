public import MailCore

extension InMemoryStore: PartwiseStore {
    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        let look = try await observe(mailbox, since: nil)
        guard case .full(let summaries) = look.content else {
            throw StoreError(.protocolViolation, "a full look was no full look", mailbox: mailbox)
        }
        return MailboxCensus(
            status: look.status, uids: UIDSet(summaries.map(\.uid)), isComplete: look.isComplete)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        let look = try await observe(mailbox, since: nil)
        guard look.status.uidValidity == uidValidity else {
            throw StoreError(.uidValidityChanged, "has other UIDs now", mailbox: mailbox, retry: .later)
        }
        guard case .full(let summaries) = look.content else { return [] }
        return summaries.filter { uids.contains($0.uid) }
    }
}
