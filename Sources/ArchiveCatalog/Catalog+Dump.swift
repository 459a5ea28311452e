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
        ("event record", "SELECT * FROM event_record ORDER BY seq"),
        ("event account", "SELECT * FROM event_account ORDER BY account, seq"),
        (
            "mailbox",
            """
            SELECT row_number() OVER (ORDER BY id), account, account_folded, name, delimiter, decoded, folded, role,
                uidvalidity, uidnext, created, deleted FROM mailbox ORDER BY id
            """
        ),
        ("former name", named("SELECT b.n, until, seq, name, delimiter, decoded FROM former_name f", "1, 2, 3")),
        ("mailbox mention", named("SELECT b.n, f.seq FROM mailbox_mention f", "1, 2")),
        (
            "placement",
            placed(
                """
                SELECT p.n, b.n, o.uidvalidity, o.uid, message, missing, s.flags, flags_from, date, zone, raw_date,
                    modseq, channel, fidelity, from_seq, from_time, gone_seq, gone_time, moved_account, moved_name,
                    moved_uidvalidity, moved_uid
                FROM placement o JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM mailbox) b
                    ON b.id = o.mailbox JOIN flag_set s ON s.id = o.flags
                """, "p.id = o.id", "1")
        ),
        (
            "former flags",
            placed(
                "SELECT p.n, until, seq, since, s.flags FROM former_flags o JOIN flag_set s ON s.id = o.flags",
                "p.id = o.placement", "1, 2, 3")
        ),
        (
            "former uid",
            placed("SELECT p.n, until, seq, o.uidvalidity, o.uid FROM former_uid o", "p.id = o.placement", "1, 2, 3")
        ),
        (
            "delivery",
            placed(
                """
                SELECT p.n, o.time, direction, sender, recipients, client, hello, transport, tls, kept_until
                FROM delivery o
                """, "p.id = o.placement", "1")
        ),
        ("mention", placed("SELECT p.n, o.seq FROM mention o", "p.id = o.placement", "1, 2")),
        (
            "quarantine",
            named("SELECT b.n, f.uidvalidity, uid, reason, detail, time FROM quarantine f", "1, 2, 3")
        ),
        (
            "quarantine mention",
            named("SELECT b.n, f.uidvalidity, uid, f.seq FROM quarantine_mention f", "1, 2, 3, 4")
        ),
        ("words", "SELECT term, doc, col, offset FROM words"),
    ]

    private static func named(_ select: String, _ order: String) -> String {
        select + " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM mailbox) b ON b.id = f.mailbox ORDER BY "
            + order
    }

    private static func placed(_ select: String, _ condition: String, _ order: String) -> String {
        select + " JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n FROM placement) p ON \(condition) ORDER BY "
            + order
    }
}
