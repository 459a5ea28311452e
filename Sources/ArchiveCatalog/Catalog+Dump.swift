internal import GRDB

extension Catalog {
    /// Calls `line` with every field of every row, in an order that does not depend on how the rows came.
    ///
    /// Two catalogs with the same dump answer every question alike; for "delete, rebuild, compare". The index's words
    /// are there with every place they stand at, in the index's own order: by word, message, column, place.
    public func dump(_ line: (String) throws -> Void) throws(CatalogError) {
        try read { db in
            for (title, sql) in Self.sections {
                try line("# \(title)")
                let rows = try Row.fetchCursor(db, sql: sql)
                while let row = try rows.next() {
                    try line(row.databaseValues.map(\.description).joined(separator: " | "))
                }
            }
        }
    }

    /// Row numbers that depend on the order of arrival are replaced by what they stand for.
    private static let sections: [(String, String)] = [
        ("meta", "SELECT k, v FROM meta ORDER BY k"),
        ("pack", "SELECT pack_id, sha256, size FROM pack ORDER BY pack_id"),
        (
            "blob",
            """
            SELECT cid, key_id, pack_id, off, len, raw, kind, codec, dict, chunk, shard, slot
            FROM blob JOIN pack ON pack.id = pack ORDER BY key_id
            """
        ),
        ("message", "SELECT * FROM message ORDER BY id"),
        ("message part", "SELECT * FROM message_part ORDER BY message, n"),
        ("mailbox", "SELECT * FROM mailbox ORDER BY id"),
        ("former name", "SELECT * FROM former_name ORDER BY mailbox, until, seq"),
        (
            "placement",
            """
            SELECT p.id, mailbox, uidvalidity, uid, message, missing, f.flags, flags_from, date, zone, raw_date, modseq,
                channel, fidelity, from_seq, from_time, gone_seq, gone_time, moved_account, moved_name,
                moved_uidvalidity, moved_uid
            FROM placement p JOIN flag_set f ON f.id = p.flags ORDER BY p.id
            """
        ),
        (
            "former flags",
            """
            SELECT placement, until, seq, since, s.flags FROM former_flags f JOIN flag_set s ON s.id = f.flags
            ORDER BY placement, until, seq
            """
        ),
        ("former uid", "SELECT * FROM former_uid ORDER BY placement, until, seq"),
        ("quarantine", "SELECT * FROM quarantine ORDER BY mailbox, uidvalidity, uid"),
        ("words", "SELECT term, doc, col, offset FROM words"),
    ]
}
