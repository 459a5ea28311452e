import GRDB
public import MailCore

/// What an erasure takes out of the sync state.
public struct StateErasure: Sendable {
    public var messages: [RandomID]
    /// Where they are, as far as the archive knows; links add what it does not.
    public var occurrences: [OccurrenceAddress]
    /// Mailboxes of which nothing may stay.
    public var mailboxes: [(account: String, name: MailboxName)]
    /// The archive's event sequence by account, before and after.
    public var sequences: [String: (before: UInt64, after: UInt64)]
    /// Leave no tombstones: what is still in the source is taken again.
    public var forgets: Bool

    public init(
        messages: [RandomID], occurrences: [OccurrenceAddress], mailboxes: [(account: String, name: MailboxName)],
        sequences: [String: (before: UInt64, after: UInt64)], forgets: Bool
    ) {
        (self.messages, self.occurrences, self.mailboxes) = (messages, occurrences, mailboxes)
        (self.sequences, self.forgets) = (sequences, forgets)
    }
}

extension SyncState {
    /// Takes everything known of the messages out, in one transaction, and remembers by mailbox, UIDVALIDITY and UID
    /// alone that they are not to be taken again. The journal of past runs goes as a whole.
    ///
    /// Nobody may be syncing.
    /// - Throws: ``SyncError`` `.stateFailed`.
    public func erase(_ erasure: StateErasure) throws(SyncError) {
        do {
            try queue.write { db in
                // Freed cells and pages are overwritten, so that no copy of the file carries them on.
                try db.execute(sql: "PRAGMA secure_delete = ON")
                var removal = try ErasureApplier(db: db, place: place, forgets: erasure.forgets)
                for message in erasure.messages { try removal.note(message) }
                try removal.removeLinks()
                for address in erasure.occurrences { try removal.remove(address) }
                try removal.settleMailboxes()
                for mailbox in erasure.mailboxes {
                    try db.execute(
                        sql: """
                            DELETE FROM mailbox WHERE name = ? AND side IN (SELECT id FROM side WHERE account = ?)
                            """, arguments: [mailbox.name.octets.hex, mailbox.account])
                }
                try db.execute(sql: "DELETE FROM operation")
                for (account, sequence) in erasure.sequences {
                    try db.execute(
                        sql: "UPDATE side SET applied_sequence = ? WHERE account = ? AND applied_sequence = ?",
                        arguments: [
                            Int64(truncatingIfNeeded: sequence.after), account,
                            Int64(truncatingIfNeeded: sequence.before),
                        ])
                }
            }
        } catch let error as SyncError { throw error } catch {
            throw SyncError(.stateFailed, "the sync state: \(error)", cause: error)
        }
    }

    /// Hands the connection, a `sqlite3 *`, to `body`, outside of any transaction.
    @safe public func withConnection(_ body: (OpaquePointer) throws -> Void) throws {
        try queue.writeWithoutTransaction { db in
            if let connection = unsafe db.sqliteConnection { unsafe try body(connection) }
        }
    }

    /// UIDs of `mailbox` that were erased here and are not to be taken again.
    func erasedUIDs(
        _ db: Database, _ side: Int64, _ mailbox: MailboxName, _ validity: UIDValidity
    ) throws -> UIDSet {
        guard try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM erased)") == true,
            let account = try String.fetchOne(db, sql: "SELECT account FROM side WHERE id = ?", arguments: [side])
        else { return UIDSet() }
        return UIDSet(
            try Int64.fetchAll(
                db, sql: "SELECT uid FROM erased WHERE place = ? AND uid_validity = ? ORDER BY uid",
                arguments: [place(account, mailbox), Int64(validity.value)]
            ).compactMap { UID(UInt32(truncatingIfNeeded: $0)) })
    }

    func erasedCount(_ side: Int64, mailbox: MailboxName, validity: UIDValidity) async throws -> Int {
        try await queue.read { db in try self.erasedUIDs(db, side, mailbox, validity).count }
    }
}

/// Removes what is known of erased messages inside one transaction.
private struct ErasureApplier {
    let db: Database
    let place: SyncState.PlaceName
    let forgets: Bool
    private var mailboxes: Set<Int64> = []

    init(db: Database, place: @escaping SyncState.PlaceName, forgets: Bool) throws {
        (self.db, self.place, self.forgets) = (db, place, forgets)
        try db.execute(
            sql: """
                CREATE TEMP TABLE IF NOT EXISTS doomed(high INTEGER, low INTEGER, PRIMARY KEY(high, low)) WITHOUT ROWID;
                DELETE FROM temp.doomed;
                """)
    }

    func note(_ message: RandomID) throws {
        try db.cachedStatement(sql: "INSERT OR IGNORE INTO temp.doomed(high, low) VALUES (?, ?)")
            .execute(arguments: [message.halves.0, message.halves.1])
    }

    mutating func removeLinks() throws {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT s.account, m.name, m.delimiter, l.uid_validity, l.uid FROM link l
                JOIN mailbox m ON m.id = l.mailbox JOIN side s ON s.id = m.side
                WHERE (l.message_high, l.message_low) IN (SELECT high, low FROM temp.doomed)
                """)
        for row in rows {
            guard let uid = UID(UInt32(truncatingIfNeeded: row[4] as Int64)) else { continue }
            try remove(
                OccurrenceAddress(
                    account: row[0], mailbox: SyncState.name(row[1], row[2]),
                    uidValidity: UIDValidity(UInt32(truncatingIfNeeded: row[3] as Int64)), uid: uid))
        }
        try db.execute(sql: "DELETE FROM temp.doomed")
    }

    mutating func remove(_ address: OccurrenceAddress) throws {
        let (validity, uid) = (Int64(address.uidValidity.value), Int64(address.uid.value))
        let mailbox = try Int64.fetchOne(
            db, sql: "SELECT m.id FROM mailbox m JOIN side s ON s.id = m.side WHERE s.account = ? AND m.name = ?",
            arguments: [address.account, address.mailbox.octets.hex])
        if let mailbox {
            for table in ["link", "quarantine"] {
                try db.execute(
                    sql: "DELETE FROM \(table) WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                    arguments: [mailbox, validity, uid])
            }
            mailboxes.insert(mailbox)
        }
        guard !forgets else { return }
        try db.cachedStatement(sql: "INSERT OR IGNORE INTO erased(place, uid_validity, uid) VALUES (?, ?, ?)")
            .execute(arguments: [place(address.account, address.mailbox), validity, uid])
    }

    func settleMailboxes() throws {
        for mailbox in mailboxes {
            try db.execute(
                sql: """
                    UPDATE mailbox SET linked =
                      (SELECT COUNT(*) FROM link l WHERE l.mailbox = ?1 AND l.uid_validity = mailbox.uid_validity)
                    WHERE id = ?1
                    """, arguments: [mailbox])
            guard forgets else { continue }
            // The mailbox looks new to the next run, which so takes the message again.
            try db.execute(
                sql: """
                    UPDATE mailbox SET status_validity = NULL, uid_next = NULL, message_count = NULL,
                      highest_mod_seq = NULL WHERE id = ?
                    """, arguments: [mailbox])
        }
    }
}

extension ChangeApplier {
    func dropErased(_ uids: [UID], _ mailbox: MailboxName, _ validity: UIDValidity) throws {
        guard let place = try placeOf(mailbox) else { return }
        for uid in uids {
            try db.cachedStatement(sql: "DELETE FROM erased WHERE place = ? AND uid_validity = ? AND uid = ?")
                .execute(arguments: [place, Int64(validity.value), Int64(uid.value)])
        }
    }

    func moveErased(from old: MailboxName, to new: MailboxName) throws {
        guard let before = try placeOf(old), let after = try placeOf(new) else { return }
        try db.execute(sql: "UPDATE OR REPLACE erased SET place = ? WHERE place = ?", arguments: [after, before])
    }

    private func placeOf(_ mailbox: MailboxName) throws -> String? {
        guard let place,
            let account = try String.fetchOne(db, sql: "SELECT account FROM side WHERE id = ?", arguments: [side])
        else { return nil }
        return place(account, mailbox)
    }
}
