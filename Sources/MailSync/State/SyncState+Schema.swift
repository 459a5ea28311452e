extension SyncState {
    static let schemaVersion = 3

    /// Append-only: a later version adds `schema2`, never edits this.
    ///
    /// `link` is clustered by mailbox, so that a look reads one range; links of an earlier UIDVALIDITY stay until they
    /// are paired again. `is_recent` marks links to octets the archive had, placed since the last completed run: the
    /// possible targets of moves. Mailbox names are the hexadecimal of their octets (not always UTF-8); a message's
    /// handle is two 64-bit integers.
    static let schema1 = """
        CREATE TABLE side (
            id INTEGER PRIMARY KEY, account TEXT NOT NULL UNIQUE, fingerprint TEXT,
            applied_sequence INTEGER, run INTEGER NOT NULL DEFAULT 0, completed_run INTEGER NOT NULL DEFAULT 0
        );
        CREATE TABLE mailbox (
            id INTEGER PRIMARY KEY, side INTEGER NOT NULL REFERENCES side ON DELETE CASCADE,
            name TEXT NOT NULL, delimiter INTEGER, role TEXT, mailbox_id TEXT, uid_validity INTEGER NOT NULL,
            status_validity INTEGER, uid_next INTEGER, message_count INTEGER, highest_mod_seq INTEGER,
            linked INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 0,
            UNIQUE (side, name)
        );
        CREATE TABLE link (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            uid_validity INTEGER NOT NULL, uid INTEGER NOT NULL, message_high INTEGER NOT NULL,
            message_low INTEGER NOT NULL, flags TEXT NOT NULL, octet_count INTEGER,
            internal_date INTEGER, zone INTEGER, object_id TEXT, is_recent INTEGER NOT NULL DEFAULT 0,
            generation INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (mailbox, uid_validity, uid)
        ) WITHOUT ROWID;
        CREATE INDEX link_recent ON link (message_high, message_low) WHERE is_recent = 1;
        CREATE INDEX link_object ON link (object_id) WHERE object_id IS NOT NULL;
        CREATE TABLE quarantine (
            mailbox INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,
            uid_validity INTEGER NOT NULL, uid INTEGER NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
            attempts INTEGER NOT NULL, flags TEXT NOT NULL, octet_count INTEGER, internal_date INTEGER, zone INTEGER,
            object_id TEXT,
            PRIMARY KEY (mailbox, uid_validity, uid)
        ) WITHOUT ROWID;
        CREATE TABLE operation (
            side INTEGER NOT NULL REFERENCES side ON DELETE CASCADE, run INTEGER NOT NULL, seq INTEGER NOT NULL,
            kind TEXT NOT NULL, mailbox TEXT NOT NULL, uids TEXT NOT NULL, state INTEGER NOT NULL,
            PRIMARY KEY (side, run, seq)
        ) WITHOUT ROWID;
        """

    /// Messages the source may still hold and nobody shall take again. `place` tells account and mailbox only to who
    /// knows them (``SyncState/place``); nothing else is known of such a message.
    static let schema2 = """
        CREATE TABLE erased (
            place TEXT NOT NULL, uid_validity INTEGER NOT NULL, uid INTEGER NOT NULL,
            PRIMARY KEY (place, uid_validity, uid)
        ) WITHOUT ROWID;
        """

    /// UIDs of accounts that have none: what each message is known by, and when it was first seen (seconds since 1970).
    /// `next` never goes back, so that no UID is given twice under one UIDVALIDITY.
    static let schema3 = """
        CREATE TABLE numbering (
            account TEXT PRIMARY KEY, uid_validity INTEGER NOT NULL, next INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE numbered (
            account TEXT NOT NULL REFERENCES numbering ON DELETE CASCADE, known_by TEXT NOT NULL, uid INTEGER NOT NULL,
            seen INTEGER NOT NULL, PRIMARY KEY (account, known_by)
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX numbered_uid ON numbered (account, uid);
        """
}
