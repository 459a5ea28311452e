internal import GRDB

/// The tables, as steps that are only ever appended; `PRAGMA user_version` counts the steps taken.
enum Schema {
    static let steps: [String] = [version1, version2, version3, version4, version5, version6]
    static var version: Int { steps.count }

    /// Takes the steps that are missing.
    static func migrate(_ db: Database) throws {
        let taken = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard taken <= version else {
            throw CatalogError(.otherVersion, "the catalog was made by a newer version (schema \(taken))")
        }
        // What steps 3 to 6 keep of event records, an older catalog has not: it is made anew, not migrated.
        guard taken == 0 || taken == version else {
            throw CatalogError(.otherVersion, "the catalog was made by an older version (schema \(taken))")
        }
        for (index, step) in steps.enumerated().dropFirst(taken) {
            try db.inTransaction(.immediate) {
                guard try Int.fetchOne(db, sql: "PRAGMA user_version") == index else { return .rollback }
                try db.execute(sql: step)
                try db.execute(sql: "PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
    }

    private static let version1 = """
        CREATE TABLE meta(k TEXT PRIMARY KEY, v ANY NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE pack(id INTEGER PRIMARY KEY, pack_id BLOB NOT NULL UNIQUE, sha256 BLOB, size INTEGER NOT NULL) STRICT;
        CREATE TABLE blob(
            id INTEGER PRIMARY KEY, cid BLOB, key_id BLOB NOT NULL UNIQUE, pack INTEGER NOT NULL, off INTEGER NOT NULL,
            len INTEGER NOT NULL, raw INTEGER NOT NULL, kind INTEGER NOT NULL, codec INTEGER NOT NULL,
            dict INTEGER NOT NULL, chunk INTEGER NOT NULL, shard INTEGER NOT NULL, slot INTEGER NOT NULL) STRICT;
        CREATE INDEX blob_cid ON blob(cid) WHERE cid IS NOT NULL;
        CREATE INDEX blob_pack ON blob(pack);
        CREATE TABLE message(
            id INTEGER PRIMARY KEY, key_id BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, date INTEGER NOT NULL,
            message_id TEXT, subject TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL, copies TEXT NOT NULL,
            archived_at INTEGER NOT NULL, fidelity INTEGER NOT NULL, defects INTEGER NOT NULL,
            attachments INTEGER NOT NULL) STRICT;
        CREATE INDEX message_date ON message(date, id);
        CREATE INDEX message_message_id ON message(message_id) WHERE message_id IS NOT NULL;
        CREATE TABLE message_part(
            message INTEGER NOT NULL, n INTEGER NOT NULL, key_id BLOB NOT NULL, PRIMARY KEY(message, n)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE mailbox(
            id INTEGER PRIMARY KEY, account TEXT NOT NULL, account_folded TEXT NOT NULL, name BLOB NOT NULL,
            delimiter INTEGER, decoded TEXT NOT NULL, folded TEXT NOT NULL, role TEXT, uidvalidity INTEGER,
            created INTEGER NOT NULL, deleted INTEGER) STRICT;
        CREATE UNIQUE INDEX mailbox_name ON mailbox(account, name) WHERE deleted IS NULL;
        CREATE TABLE former_name(
            mailbox INTEGER NOT NULL, until INTEGER NOT NULL, seq INTEGER NOT NULL, name BLOB NOT NULL,
            delimiter INTEGER, decoded TEXT NOT NULL, PRIMARY KEY(mailbox, until, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE flag_set(id INTEGER PRIMARY KEY, flags TEXT NOT NULL UNIQUE, folded TEXT NOT NULL) STRICT;
        CREATE TABLE placement(
            id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uid INTEGER NOT NULL,
            message INTEGER, missing BLOB, flags INTEGER NOT NULL, flags_from INTEGER NOT NULL, date INTEGER,
            zone INTEGER, raw_date TEXT, modseq INTEGER, channel INTEGER NOT NULL, fidelity INTEGER NOT NULL,
            from_seq INTEGER NOT NULL, from_time INTEGER NOT NULL, gone_seq INTEGER, gone_time INTEGER,
            moved_account TEXT, moved_name BLOB, moved_uidvalidity INTEGER, moved_uid INTEGER) STRICT;
        CREATE UNIQUE INDEX placement_current ON placement(mailbox, uidvalidity, uid) WHERE gone_seq IS NULL;
        CREATE INDEX placement_gone ON placement(mailbox, gone_time) WHERE gone_seq IS NOT NULL;
        CREATE INDEX placement_message ON placement(message) WHERE message IS NOT NULL;
        CREATE INDEX placement_missing ON placement(missing) WHERE missing IS NOT NULL;
        CREATE TABLE former_flags(
            placement INTEGER NOT NULL, until INTEGER NOT NULL, seq INTEGER NOT NULL, since INTEGER NOT NULL,
            flags INTEGER NOT NULL, PRIMARY KEY(placement, until, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE former_uid(
            placement INTEGER NOT NULL, until INTEGER NOT NULL, seq INTEGER NOT NULL, uidvalidity INTEGER NOT NULL,
            uid INTEGER NOT NULL, PRIMARY KEY(placement, until, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine(
            mailbox INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uid INTEGER NOT NULL, reason TEXT NOT NULL,
            detail TEXT NOT NULL, time INTEGER NOT NULL, PRIMARY KEY(mailbox, uidvalidity, uid)) STRICT, WITHOUT ROWID;
        CREATE VIRTUAL TABLE fts USING fts5(
            subject, sender, recipients, copies, body, attachment, filename, content='',
            tokenize='unicode61 remove_diacritics 2');
        CREATE VIRTUAL TABLE words USING fts5vocab(fts, 'instance');
        INSERT INTO fts(fts, rank) VALUES ('pgsz', 3990);
        INSERT INTO fts(fts, rank) VALUES ('hashsize', 8388608);
        """

    /// Segments of the index are merged by eight, not by four: each word is written again less often.
    private static let version2 = "INSERT INTO fts(fts, rank) VALUES ('automerge', 8)"

    /// What an erasure needs to be fast: who refers to a part, and which event record speaks of which occurrence.
    ///
    /// `event_record` is the record that counts for each sequence. `mention` has the sequences at which a placement
    /// changed between its beginning and its end, which stand in `placement` itself; `quarantine_mention` those at an
    /// address that was not placed yet; `mailbox_mention` those that speak of a mailbox.
    private static let version3 = """
        CREATE TABLE event_record(seq INTEGER PRIMARY KEY, key_id BLOB NOT NULL, leaf INTEGER NOT NULL) STRICT;
        CREATE TABLE event_account(
            account TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(account, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE mention(
            placement INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(placement, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE mailbox_mention(
            mailbox INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(mailbox, seq)) STRICT, WITHOUT ROWID;
        CREATE TABLE quarantine_mention(
            mailbox INTEGER NOT NULL, uidvalidity INTEGER NOT NULL, uid INTEGER NOT NULL, seq INTEGER NOT NULL,
            PRIMARY KEY(mailbox, uidvalidity, uid, seq)) STRICT, WITHOUT ROWID;
        CREATE INDEX message_part_key ON message_part(key_id);
        """

    /// What `uidsGiven` events say of a mailbox; without one, its UIDs are those its source has.
    private static let version4 = "ALTER TABLE mailbox ADD COLUMN uidnext INTEGER"

    /// What was told of messages that were delivered to the archive itself; recipients one a line.
    private static let version5 = """
        CREATE TABLE delivery(
            placement INTEGER PRIMARY KEY, time INTEGER NOT NULL, direction INTEGER NOT NULL, sender TEXT NOT NULL,
            recipients TEXT NOT NULL, client TEXT NOT NULL, hello TEXT NOT NULL, transport TEXT NOT NULL,
            tls TEXT NOT NULL) STRICT;
        """

    /// Until when a rule keeps what was delivered.
    private static let version6 = """
        ALTER TABLE delivery ADD COLUMN kept_until INTEGER;
        CREATE INDEX delivery_end ON delivery(kept_until) WHERE kept_until IS NOT NULL;
        """
}
