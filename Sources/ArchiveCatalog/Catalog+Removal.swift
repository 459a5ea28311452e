internal import GRDB
public import MailCore

/// What goes from the catalog with an erasure.
public struct CatalogRemoval: Sendable {
    /// A record whose events were written anew without what was erased.
    public struct Record: Sendable {
        /// Of the record in the archive.
        public var sequence: UInt64
        /// Accounts the record still speaks of; `nil` if there is no such record any more.
        public var accounts: Set<String>?

        public init(sequence: UInt64, accounts: Set<String>?) { (self.sequence, self.accounts) = (sequence, accounts) }
    }

    /// Key ids of what was erased.
    public var messages: [RandomID]
    /// Key ids of all blobs that go: recipes, parts, event records.
    public var blobs: [RandomID]
    public var records: [Record]

    public init(messages: [RandomID], blobs: [RandomID] = [], records: [Record] = []) {
        (self.messages, self.blobs, self.records) = (messages, blobs, records)
    }
}

extension Catalog {
    /// Takes messages out with everything that was known of them, in one transaction; what is gone already is no error.
    ///
    /// Their words stay in the index's file until ``optimize()`` and a rotation of the file under a new key.
    /// - Parameter text: the words a message was indexed with, exactly; `nil` if it was not. Called once for each message
    ///   that is there; must not call the catalog's writing methods.
    /// - Throws: `.inconsistent` if a text is not the one its message was indexed with: then make the catalog anew.
    public func remove(
        _ removal: CatalogRemoval, text: (RandomID) throws -> IndexedText?
    ) throws(CatalogError) {
        try write { db in
            // Freed cells and pages are overwritten, so that no copy of the file carries them on.
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try Doomed.fill(removal.messages, db)
            try WordRemoval(db).removeDoomed(text)
            try Self.removePlacements(db)
            try db.execute(
                sql: """
                    DELETE FROM message_part WHERE message IN (SELECT id FROM temp.doomed);
                    DELETE FROM message WHERE id IN (SELECT id FROM temp.doomed);
                    """)
            for keyID in removal.blobs {
                try db.cachedStatement(sql: "DELETE FROM blob WHERE key_id = ?")
                    .execute(arguments: [Row.octets(keyID.octets)])
            }
            try Self.settle(removal.records, db)
            try Doomed.clear(db)
        }
    }

    private static func removePlacements(_ db: Database) throws {
        let mailboxes = try Doomed.mailboxes(db)
        let flags = try Int64.fetchAll(
            db,
            sql: """
                SELECT flags FROM placement WHERE message IN (SELECT id FROM temp.doomed) UNION
                SELECT f.flags FROM former_flags f JOIN placement p ON p.id = f.placement
                WHERE p.message IN (SELECT id FROM temp.doomed)
                """)
        for table in ["former_flags", "former_uid", "mention", "delivery"] {
            try db.execute(
                sql: """
                    DELETE FROM \(table) WHERE placement IN
                        (SELECT id FROM placement WHERE message IN (SELECT id FROM temp.doomed))
                    """)
        }
        try db.execute(sql: "DELETE FROM placement WHERE message IN (SELECT id FROM temp.doomed)")
        // Keywords can be as telling as subjects: those nobody else has go.
        for id in flags {
            try db.execute(
                sql: """
                    DELETE FROM flag_set WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM placement WHERE flags = ?1)
                        AND NOT EXISTS (SELECT 1 FROM former_flags WHERE flags = ?1)
                    """, arguments: [id])
        }
        for id in mailboxes {
            for table in ["former_name", "mailbox_mention", "quarantine_mention"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE mailbox = ?", arguments: [id])
            }
            try db.execute(sql: "DELETE FROM mailbox WHERE id = ?", arguments: [id])
        }
    }

    /// Sequences are as they would be had the records always been what they are now.
    private static func settle(_ records: [CatalogRemoval.Record], _ db: Database) throws {
        guard !records.isEmpty else { return }
        var touched: Set<String> = []
        for record in records {
            let sequence = Int64(bitPattern: record.sequence)
            let before = try String.fetchAll(
                db, sql: "SELECT account FROM event_account WHERE seq = ?", arguments: [sequence])
            for account in before where record.accounts?.contains(account) != true {
                touched.insert(account)
                try db.execute(
                    sql: "DELETE FROM event_account WHERE account = ? AND seq = ?", arguments: [account, sequence])
            }
            if record.accounts == nil {
                try db.execute(sql: "DELETE FROM event_record WHERE seq = ?", arguments: [sequence])
            }
        }
        for account in touched {
            let last = try Int64.fetchOne(
                db, sql: "SELECT max(seq) FROM event_account WHERE account = ?", arguments: [account])
            if let last {
                try Meta.set(Meta.eventSequenceKey(account), last, db)
            } else {
                try db.execute(sql: "DELETE FROM meta WHERE k = ?", arguments: [Meta.eventSequenceKey(account)])
            }
        }
        try Meta.set("event_sequence", try Int64.fetchOne(db, sql: "SELECT max(seq) FROM event_record") ?? 0, db)
    }

    /// Merges the full-text index into one segment: smaller, faster, and without words of removed messages.
    public func optimize() throws(CatalogError) {
        try write { db in
            try db.execute(sql: "PRAGMA secure_delete = ON")
            try db.execute(sql: "INSERT INTO fts(fts) VALUES ('optimize')")
        }
    }

    /// Hands the writing connection, a `sqlite3 *`, to `body`, outside of any transaction.
    @safe public func withWritingConnection(_ body: (OpaquePointer) throws -> Void) throws(CatalogError) {
        try wrap {
            try database.writeWithoutTransaction { db in
                if let connection = unsafe db.sqliteConnection { unsafe try body(connection) }
            }
        }
    }
}

/// Takes words out of the full-text index.
///
/// The index stores no text: `'delete'` believes what it is told, and words of another text would stay for ever. So the
/// text is indexed once more in memory, and its numbers of tokens by column are compared with those that were kept.
private struct WordRemoval {
    private static let columns = "subject, sender, recipients, copies, body, attachment, filename"
    private let db: Database

    init(_ db: Database) { self.db = db }

    func removeDoomed(_ text: (RandomID) throws -> IndexedText?) throws {
        try db.execute(
            sql: """
                CREATE VIRTUAL TABLE temp.probe USING fts5(\(Self.columns), content='',
                    tokenize='unicode61 remove_diacritics 2')
                """)
        for row in try Row.fetchAll(db, sql: "SELECT id, key_id FROM temp.doomed ORDER BY id") {
            guard let keyID = row.randomID("key_id"), let text = try text(keyID) else { continue }
            try remove(text.columns, row["id"])
        }
        try db.execute(sql: "DROP TABLE temp.probe")
    }

    private func remove(_ columns: [String], _ row: Int64) throws {
        let arguments = StatementArguments([row]) + StatementArguments(columns)
        try db.execute(
            sql: "INSERT INTO temp.probe(rowid, \(Self.columns)) VALUES (?,?,?,?,?,?,?,?)", arguments: arguments)
        let indexed = try Row.fetchOne(db, sql: "SELECT sz FROM main.fts_docsize WHERE id = ?", arguments: [row])
        let found = try Row.fetchOne(db, sql: "SELECT sz FROM temp.probe_docsize WHERE id = ?", arguments: [row])
        guard let indexed else { return }
        guard indexed.octets("sz") == found?.octets("sz") else {
            throw CatalogError(.inconsistent, "a message was indexed with other words than it has now")
        }
        try db.execute(
            sql: "INSERT INTO fts(fts, rowid, \(Self.columns)) VALUES ('delete',?,?,?,?,?,?,?,?)",
            arguments: arguments)
    }
}

extension IndexedText {
    /// As they go into the index, column by column.
    var columns: [String] {
        [subject, from, to, cc, body, attachment, fileNames].map { Bigrams.index($0) }
    }
}
