internal import GRDB
public import MailCore

/// What an erasure takes out of the state of a pair with an end in the archive.
public struct PairErasure: Sendable {
    /// That end, as ``PairEnd/identity`` names it.
    public var identity: String
    /// Where the erased messages are, or were, in the archive.
    public var addresses: [OccurrenceAddress]
    /// Mailboxes of the archive of which nothing stays.
    public var mailboxes: [MailboxName]
    /// Remember nothing: what is still on the other side is taken again.
    public var forgets: Bool

    public init(identity: String, addresses: [OccurrenceAddress], mailboxes: [MailboxName], forgets: Bool) {
        (self.identity, self.addresses, self.mailboxes) = (identity, addresses, mailboxes)
        self.forgets = forgets
    }
}

extension PairState {
    /// Takes everything known of the messages out, in one transaction, and remembers by the other side's mailbox,
    /// UIDVALIDITY and UID alone that they are not to be taken again.
    ///
    /// Nobody may be syncing. Doing it again changes nothing.
    /// - Throws: ``SyncError`` `.stateFailed`.
    public func erase(_ erasure: PairErasure) throws(SyncError) {
        do {
            try queue.write { db in
                // Freed cells and pages are overwritten, so that no copy of the file carries them on.
                try db.execute(sql: "PRAGMA secure_delete = ON")
                for side in PairSide.allCases where try Self.identity(of: side, db) == erasure.identity {
                    let removal = PairRemoval(db: db, side: side, forgets: erasure.forgets)
                    for address in erasure.addresses { try removal.remove(address) }
                    for mailbox in erasure.mailboxes { try removal.remove(mailbox) }
                }
            }
        } catch let error as SyncError { throw error } catch {
            throw SyncError(.stateFailed, "the state of the pair: \(error)", cause: error)
        }
    }

    private static func identity(of side: PairSide, _ db: Database) throws -> String? {
        try String.fetchOne(db, sql: "SELECT value FROM fact WHERE name = ?", arguments: ["identity-\(side)"])
    }

    /// Hands the connection, a `sqlite3 *`, to `body`, outside of any transaction.
    @safe public func withConnection(_ body: (OpaquePointer) throws -> Void) throws {
        try queue.writeWithoutTransaction { db in
            if let connection = unsafe db.sqliteConnection { unsafe try body(connection) }
        }
    }

    /// What is wrong with the file; empty where nothing is. Reads every page.
    public func integrityCheck() -> [String] {
        do {
            return try queue.read { db in
                try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            }
        } catch { return ["the file does not read: \(error)"] }
    }
}

/// Removes what is known of erased messages of one side inside one transaction.
private struct PairRemoval {
    let db: Database
    let side: PairSide
    let forgets: Bool

    private var own: String { side == .a ? "a" : "b" }
    private var other: String { side == .a ? "b" : "a" }

    func remove(_ address: OccurrenceAddress) throws {
        let (validity, uid) = (Int64(address.uidValidity.value), Int64(address.uid.value))
        // A UIDVALIDITY of the archive's own is one mailbox's. A run that was killed has not noted it yet.
        let links = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, \(other)_mailbox, \(other)_uid FROM link
                    WHERE \(own)_mailbox IN (SELECT id FROM mailbox WHERE side = ?1 AND uid_validity IN (?2, 0))
                      AND \(own)_uid = ?3 AND \(own)_validity = ?2
                    """), arguments: [side.rawValue, validity, uid])
        for link in links {
            let id: Int64 = link[0]
            let isThere = link[2] as Int64? != nil
            if forgets || !isThere {
                try db.execute(sql: "DELETE FROM link WHERE id = ?", arguments: [id])
            } else {
                try strip(id)
            }
            guard forgets, let mailbox = link[1] as Int64? else { continue }
            // The mailbox looks new to the next run, which so takes the message again.
            try db.execute(
                sql: """
                    UPDATE mailbox SET status_validity = NULL, uid_next = NULL, message_count = NULL,
                      highest_mod_seq = NULL WHERE id = ?
                    """, arguments: [mailbox])
        }
    }

    /// Leaves nothing but the address on the other side.
    private func strip(_ id: Int64) throws {
        let columns =
            ["mailbox", "validity", "uid", "flags", "octet_count", "date", "zone", "object"].map { "\(own)_\($0)" }
            + ["octet_count", "date", "zone", "object"].map { "\(other)_\($0)" }
            + ["raw", "canonical", "body"].flatMap { ["\($0)_high", "\($0)_low"] } + ["trace", "octet_count", "reason"]
            + ["kind", "side", "mailbox", "validity", "next"].map { "pending_\($0)" }
        try db.execute(
            sql: """
                UPDATE link SET state = ?, attempts = 0, \(other)_flags = '',
                  \(columns.map { "\($0) = NULL" }.joined(separator: ", ")) WHERE id = ?
                """, arguments: [PairLink.State.erased.rawValue, id])
    }

    /// The other side's half stays, and finds no partner.
    func remove(_ mailbox: MailboxName) throws {
        let rows = try Int64.fetchAll(
            db, sql: "SELECT id FROM mailbox WHERE side = ? AND name = ?",
            arguments: [side.rawValue, mailbox.octets.hex])
        for row in rows {
            try db.execute(sql: "UPDATE pair SET \(own) = NULL WHERE \(own) = ?", arguments: [row])
            try db.execute(sql: "DELETE FROM pair WHERE a IS NULL AND b IS NULL")
            try db.execute(sql: "DELETE FROM mailbox WHERE id = ?", arguments: [row])
        }
    }
}
