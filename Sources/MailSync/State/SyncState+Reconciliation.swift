import GRDB
public import MailCore

extension SyncState {
    /// UIDs of a mailbox that were erased from the archive and are not to be taken again.
    public func erasedUIDs(
        account: String, mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(SyncError) -> UIDSet {
        try await reading { state, db in
            guard let side = try Self.sideID(db, account) else { return UIDSet() }
            return try state.erasedUIDs(db, side, mailbox, uidValidity)
        }
    }

    /// The counters of a mailbox at the end of the last run that took all of it; `nil` where there was none.
    public func lastStatus(account: String, mailbox: MailboxName) async throws(SyncError) -> MailboxStatus? {
        try await reading { _, db in
            guard let side = try Self.sideID(db, account) else { return nil }
            return try Row.fetchOne(
                db,
                sql: """
                    SELECT name, delimiter, role, mailbox_id, uid_validity, status_validity, uid_next, message_count,
                    highest_mod_seq FROM mailbox WHERE side = ? AND name = ?
                    """,
                arguments: [side, mailbox.octets.hex]
            ).flatMap(Self.status)
        }
    }

    private static func sideID(_ db: Database, _ account: String) throws -> Int64? {
        try Int64.fetchOne(db, sql: "SELECT id FROM side WHERE account = ?", arguments: [account])
    }

    private func reading<T: Sendable>(
        _ body: @escaping @Sendable (SyncState, Database) throws -> T
    ) async throws(SyncError) -> T {
        do { return try await queue.read { db in try body(self, db) } } catch {
            throw SyncError(.stateFailed, "the sync state cannot be read", cause: error)
        }
    }
}
