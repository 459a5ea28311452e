/// Which messages a mailbox holds, and nothing else about them.
public struct MailboxCensus: Sendable, Hashable {
    /// From when the mailbox was opened, before its UIDs were asked for.
    public var status: MailboxStatus
    /// Of every message, as the mailbox was while they were asked for.
    public var uids: UIDSet
    /// False when the UIDs do not add up to the message count: then nothing may be taken as gone.
    public var isComplete: Bool

    /// A census as a store took it.
    public init(status: MailboxStatus, uids: UIDSet, isComplete: Bool) {
        (self.status, self.uids, self.isComplete) = (status, uids, isComplete)
    }
}

/// A store that describes a mailbox part by part, so that nobody has to hold what is known of a million messages.
public protocol PartwiseStore: MailStore {
    /// As ``MailStore/observe(_:since:)``, provided that no more than `limit` messages would have to be described.
    ///
    /// - Throws: `.limitExceeded`.
    func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?, limit: Int
    ) async throws(StoreError) -> MailboxObservation

    /// Counts `mailbox`.
    ///
    /// - Throws: `.noSuchMailbox`, connection errors.
    func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus

    /// What ``MailStore/observe(_:since:)`` would tell of `uids`; ascending, without those that are not there.
    ///
    /// - Throws: `.uidValidityChanged`, connection errors.
    func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary]
}

extension PartwiseStore {
    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?, limit: Int
    ) async throws(StoreError) -> MailboxObservation {
        guard try await census(of: mailbox).uids.count <= limit else { throw .tooMuch(in: mailbox) }
        return try await observe(mailbox, since: cursor)
    }
}

extension StoreError {
    /// A mailbox is to be looked at in parts.
    public static func tooMuch(in mailbox: MailboxName) -> StoreError {
        StoreError(.limitExceeded, "There is too much for one look", mailbox: mailbox)
    }
}
