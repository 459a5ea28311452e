internal import GRDB
public import MailCore

/// What the archive says of the UIDs of one mailbox under one UIDVALIDITY.
public struct ArchivedUIDs: Sendable, Hashable {
    /// UIDs whose message is there and held.
    public var present = UIDSet()
    /// UIDs that are there by the history, but whose message is lost.
    public var lost = UIDSet()
    /// UIDs that were there once: expunged or moved away.
    public var gone = UIDSet()
    /// Occurrences that are there under another UIDVALIDITY.
    public var elsewhereCount = 0

    /// Of a mailbox nothing is known of.
    public init() {}
}

/// One archived occurrence as far as its octets go.
public struct ArchivedSize: Sendable, Hashable {
    /// Under the UIDVALIDITY that was asked for.
    public var uid: UID
    /// The message's key id.
    public var message: RandomID
    /// Of the archived message.
    public var octetCount: UInt64
}

extension Catalog {
    /// The UIDs of a mailbox as it is now; `nil` where the archive has no such mailbox.
    ///
    /// Memory grows with the runs of UIDs, not with the messages.
    public func archivedUIDs(
        account: String, mailbox: MailboxName, uidValidity: UIDValidity
    ) throws(CatalogError) -> ArchivedUIDs? {
        try read { db in
            guard let id = try Self.mailboxID(account, mailbox, db) else { return nil }
            var result = ArchivedUIDs()
            let validity = Int64(uidValidity.value)
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT p.uid, m.id IS NULL FROM placement p LEFT JOIN message m ON m.id = p.message
                    WHERE p.mailbox = ? AND p.uidvalidity = ? AND p.gone_seq IS NULL ORDER BY p.uid
                    """,
                arguments: [id, validity])
            while let row = try rows.next() {
                guard let uid = UID(UInt32(truncatingIfNeeded: row[0] as Int64)) else { continue }
                if row[1] as Bool { result.lost.insert(uid) } else { result.present.insert(uid) }
            }
            let gone = try Int64.fetchCursor(
                db,
                sql: """
                    SELECT DISTINCT uid FROM placement
                    WHERE mailbox = ? AND gone_seq IS NOT NULL AND uidvalidity = ? ORDER BY uid
                    """,
                arguments: [id, validity])
            while let uid = try gone.next() {
                if let uid = UID(UInt32(truncatingIfNeeded: uid)) { result.gone.insert(uid) }
            }
            result.elsewhereCount =
                try Int.fetchOne(
                    db,
                    sql: "SELECT COUNT(*) FROM placement WHERE mailbox = ? AND gone_seq IS NULL AND uidvalidity <> ?",
                    arguments: [id, validity]) ?? 0
            return result
        }
    }

    /// The occurrences of a mailbox with UIDs in `uids`, by UID, where the message is held.
    public func archivedSizes(
        account: String, mailbox: MailboxName, uidValidity: UIDValidity, uids: ClosedRange<UInt32>
    ) throws(CatalogError) -> [ArchivedSize] {
        try read { db in
            guard let id = try Self.mailboxID(account, mailbox, db) else { return [] }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT p.uid, m.key_id, m.size FROM placement p JOIN message m ON m.id = p.message
                    WHERE p.mailbox = ? AND p.uidvalidity = ? AND p.gone_seq IS NULL AND p.uid BETWEEN ? AND ?
                    ORDER BY p.uid
                    """,
                arguments: [id, Int64(uidValidity.value), Int64(uids.lowerBound), Int64(uids.upperBound)])
            return rows.compactMap { row in
                guard let uid = UID(UInt32(truncatingIfNeeded: row[0] as Int64)), let key = row.randomID("key_id")
                else { return nil }
                return ArchivedSize(uid: uid, message: key, octetCount: UInt64(bitPattern: row[2] as Int64))
            }
        }
    }

    private static func mailboxID(_ account: String, _ name: MailboxName, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db, sql: "SELECT id FROM mailbox WHERE account = ? AND name = ? AND deleted IS NULL",
            arguments: [account, Row.octets(name.octets)])
    }
}
