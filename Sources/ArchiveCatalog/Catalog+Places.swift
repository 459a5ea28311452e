internal import GRDB
public import MailCore

/// A mailbox as it is, or was at a moment.
public struct MailboxRow: Sendable, Hashable {
    /// As it is configured; `import:…` for imports.
    public var account: String
    /// What it was called then.
    public var name: MailboxName
    /// The octets of the name it was made with: with ``created`` what it is known by through renames.
    public var firstName: [UInt8]
    /// What it is for, where the source said.
    public var role: MailboxRole?
    /// Of the UIDs it has now; `nil` where the archive does not know one.
    public var uidValidity: UIDValidity?
    /// The UID the archive gives next, and gave none from; `nil` where the UIDs are those of a source.
    public var uidNext: UID?
    /// When the archive first recorded it, in seconds since 1970.
    public var created: Int64
    /// When it left the source, in seconds since 1970; `nil` for one that is there.
    public var deleted: Int64?
    /// Messages that were in it; 0 where nothing was counted.
    public var messageCount: Int
    /// Octets of these messages as they are archived, uncompressed; 0 where nothing was counted.
    public var octetCount: UInt64
}

/// One occurrence of a message, as it is, or was at a moment.
public struct PlacementRow: Sendable, Hashable {
    /// Where it was, under the UID it had then.
    public var address: OccurrenceAddress
    /// The message's key id, also where the message itself is not (or no longer) known.
    public var message: RandomID
    /// What it was marked with then.
    public var flags: FlagSet
    /// When it arrived in the source, with its time zone, where the source said.
    public var internalDate: InternalDate?
    /// Of its last recorded change, where the source has modification sequences.
    public var modSeq: ModSeq?
    /// By which way it came.
    public var channel: Channel
    /// How true the archived octets are to those of the source.
    public var fidelity: Fidelity
    /// When the archive recorded that it was there, in seconds since 1970.
    public var since: Int64
    /// When the archive recorded that it had left, in seconds since 1970; `nil` for one that is there.
    public var until: Int64?
    /// `nil` where the message is not known.
    public var entry: CatalogEntry?
}

/// A message that could not be taken.
public struct QuarantineRow: Sendable, Hashable {
    /// Where it is in the source.
    public var address: OccurrenceAddress
    /// Why it could not be taken.
    public var refusal: Refusal
    /// When that was recorded, in seconds since 1970.
    public var time: Int64
}

extension Catalog {
    /// All mailboxes with what is in them: now, or at the moment `at` (seconds since 1970); by account and name.
    ///
    /// - Parameter counts: without, no message is looked at, and both counts are 0.
    public func mailboxes(
        account: String? = nil, at moment: Int64? = nil, counts: Bool = true
    ) throws(CatalogError) -> [MailboxRow] {
        try read { db in try Self.mailboxes(account: account, at: moment, counts: counts, db).map(\.row) }
    }

    /// The mailbox that has this name now; nothing is counted.
    public func mailbox(account: String, name: MailboxName) throws(CatalogError) -> MailboxRow? {
        try read { db in
            try Self.mailboxes(account: account, name: name, at: nil, counts: false, db)
                .first { $0.row.name == name }?.row
        }
    }

    /// - Parameters:
    ///   - name: only the mailbox that has this name now.
    ///   - counts: without, nothing is counted and both counts are 0.
    static func mailboxes(
        account: String?, name: MailboxName? = nil, at moment: Int64?, counts: Bool = true, _ db: Database
    ) throws -> [(id: Int64, row: MailboxRow)] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT m.id, m.account, m.role, m.uidvalidity, m.uidnext, m.created, m.deleted, m.name, m.delimiter,
                    count(p.id) AS messages, coalesce(sum(message.size), 0) AS octets, f.name AS old_name,
                    f.delimiter AS old_delimiter,
                    coalesce((SELECT g.name FROM former_name g WHERE g.mailbox = m.id ORDER BY g.until, g.seq LIMIT 1),
                        m.name) AS first_name
                FROM mailbox m
                LEFT JOIN placement p ON \(counts ? "p.mailbox = m.id AND " + present(at: moment) : "0")
                LEFT JOIN message ON message.id = p.message
                LEFT JOIN former_name f ON f.mailbox = m.id AND (f.until, f.seq) =
                    (SELECT g.until, g.seq FROM former_name g WHERE g.mailbox = m.id AND g.until > :at
                     ORDER BY g.until, g.seq LIMIT 1)
                WHERE \(account == nil ? ":account IS NULL" : "m.account = :account")
                    AND \(name == nil ? ":name IS NULL" : "m.name = :name AND m.deleted IS NULL") AND CASE WHEN :at IS NULL THEN m.deleted IS NULL
                    ELSE m.created <= :at AND (m.deleted IS NULL OR m.deleted > :at) END
                GROUP BY m.id ORDER BY m.account, coalesce(f.name, m.name), m.id
                """,
            arguments: ["at": moment, "account": account, "name": name.map { Row.octets($0.octets) }])
        return rows.map { row in
            let former = row.octets("old_name")
            let delimiter: Int? = former == nil ? row["delimiter"] : row["old_delimiter"]
            let name = MailboxName(
                octets: former ?? row.octets("name") ?? [], delimiter: delimiter.flatMap(UInt8.init(exactly:)))
            let role: String? = row["role"]
            let (uidValidity, uidNext): (Int64?, Int64?) = (row["uidvalidity"], row["uidnext"])
            return (
                row["id"],
                MailboxRow(
                    account: row["account"], name: name, firstName: row.octets("first_name") ?? name.octets,
                    role: role.flatMap(MailboxRole.init(rawValue:)),
                    uidValidity: uidValidity.map { UIDValidity(UInt32(truncatingIfNeeded: $0)) },
                    uidNext: uidNext.flatMap { UID(UInt32(truncatingIfNeeded: $0)) }, created: row["created"],
                    deleted: row["deleted"], messageCount: row["messages"],
                    octetCount: UInt64(bitPattern: row["octets"] as Int64))
            )
        }
    }

    /// Calls `body` with each occurrence in a mailbox, now or at `moment`, by UID, until it returns false.
    ///
    /// Several accounts may have a mailbox of that name. `body` must not call the catalog's writing methods.
    public func placements(
        account: String? = nil, mailbox: MailboxName, at moment: Int64? = nil, _ body: (PlacementRow) throws -> Bool
    ) throws(CatalogError) {
        try read { db in
            for found in try Self.mailboxes(account: account, at: moment, counts: false, db)
            where found.row.name == mailbox {
                let cursor = try Row.fetchCursor(
                    db,
                    sql: Self.placementColumns + """
                         WHERE p.mailbox = :mailbox AND \(Self.present(at: moment))
                        ORDER BY \(moment == nil ? "p.uidvalidity, p.uid" : "at_uidvalidity, at_uid, p.id")
                        """,
                    arguments: ["at": moment, "mailbox": found.id])
                while let row = try cursor.next() {
                    let place = PlacementRow(row, account: found.row.account, mailbox: found.row.name)
                    if let place, try !body(place) { return }
                }
            }
        }
    }

    /// Calls `body` with each occurrence that has one of `uids` in a mailbox now, ascending.
    ///
    /// What it costs depends on `uids` alone, however many other messages the mailbox has.
    public func placements(
        account: String, mailbox: MailboxName, uidValidity: UIDValidity, uids: UIDSet,
        _ body: (PlacementRow) throws -> Void
    ) throws(CatalogError) {
        try read { db in
            let found = try Self.mailboxes(account: account, name: mailbox, at: nil, counts: false, db)
                .first { $0.row.name == mailbox }
            guard let found else { return }
            let statement = try db.makeStatement(sql: Self.placementsByUID)
            for range in uids.ranges {
                let cursor = try Row.fetchCursor(
                    statement,
                    arguments: [
                        "at": nil as Int64?, "mailbox": found.id, "validity": Int64(uidValidity.value),
                        "low": Int64(range.lowerBound), "high": Int64(range.upperBound),
                    ])
                while let row = try cursor.next() {
                    if let place = PlacementRow(row, account: account, mailbox: mailbox) { try body(place) }
                }
            }
        }
    }

    /// How SQLite finds occurrences by UID, one sentence for each step.
    package func planOfPlacementsByUID() throws(CatalogError) -> [String] {
        try read { db in
            try Row.fetchAll(
                db, sql: "EXPLAIN QUERY PLAN " + Self.placementsByUID,
                arguments: ["at": nil as Int64?, "mailbox": 1, "validity": 1, "low": 1, "high": 1]
            ).map { $0["detail"] }
        }
    }

    private static let placementsByUID =
        placementColumns + """
             WHERE p.mailbox = :mailbox AND p.gone_seq IS NULL AND p.uidvalidity = :validity
                AND p.uid BETWEEN :low AND :high ORDER BY p.uid
            """

    /// The occurrences ``placements(account:mailbox:at:_:)`` gives, at most `limit`.
    public func messages(
        account: String? = nil, in mailbox: MailboxName, at moment: Int64? = nil, limit: Int = .max
    ) throws(CatalogError) -> [PlacementRow] {
        var result: [PlacementRow] = []
        guard limit > 0 else { return [] }
        try placements(account: account, mailbox: mailbox, at: moment) { place in
            result.append(place)
            return result.count < limit
        }
        return result
    }

    /// Every occurrence a message has or had, in the order it was seen; flags are the last ones.
    public func occurrences(of message: RandomID) throws(CatalogError) -> [PlacementRow] {
        try read { db in
            let key = Row.octets(message.octets)
            let rows = try Row.fetchAll(
                db,
                sql: Self.placementColumns + """
                     WHERE p.message = (SELECT id FROM message WHERE key_id = :key) OR p.missing = :key ORDER BY p.id
                    """,
                arguments: ["at": nil as Int64?, "key": key])
            return try rows.compactMap { row in
                let mailbox = try Row.fetchOne(
                    db, sql: "SELECT account, name, delimiter FROM mailbox WHERE id = ?",
                    arguments: [row["mailbox"] as Int64])
                guard let mailbox else { return nil }
                return PlacementRow(row, account: mailbox["account"], mailbox: MailboxName(mailbox))
            }
        }
    }

    /// Messages that could not be taken, by mailbox and UID.
    public func quarantine(account: String? = nil) throws(CatalogError) -> [QuarantineRow] {
        try read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT account, name, delimiter, q.uidvalidity, uid, reason, detail, time FROM quarantine q
                    JOIN mailbox ON mailbox.id = q.mailbox WHERE ?1 IS NULL OR account = ?1
                    ORDER BY account, name, q.uidvalidity, uid
                    """,
                arguments: [account])
            return rows.compactMap { row in
                let uidValidity: Int64 = row["uidvalidity"]
                guard let uid = UID(UInt32(truncatingIfNeeded: row["uid"] as Int64)),
                    let reason = Refusal.Reason(rawValue: row["reason"])
                else { return nil }
                let address = OccurrenceAddress(
                    account: row["account"], mailbox: MailboxName(row),
                    uidValidity: UIDValidity(UInt32(truncatingIfNeeded: uidValidity)), uid: uid)
                return QuarantineRow(
                    address: address, refusal: Refusal(reason, detail: row["detail"]), time: row["time"])
            }
        }
    }

    /// Whether the placement `p` is there at `:at`; two conditions, so that each can use its index.
    private static func present(at moment: Int64?) -> String {
        moment == nil
            ? "p.gone_seq IS NULL" : "p.from_time <= :at AND (p.gone_time IS NULL OR p.gone_time > :at)"
    }

    private static let placementColumns = """
        SELECT p.*, message.key_id, \(entryColumns), flag_set.flags AS flag_text,
            coalesce(u.uidvalidity, p.uidvalidity) AS at_uidvalidity, coalesce(u.uid, p.uid) AS at_uid
        FROM placement p LEFT JOIN message ON message.id = p.message
        LEFT JOIN former_uid u ON u.placement = p.id AND (u.until, u.seq) =
            (SELECT g.until, g.seq FROM former_uid g WHERE g.placement = p.id AND g.until > :at
             ORDER BY g.until, g.seq LIMIT 1)
        JOIN flag_set ON flag_set.id = coalesce(
            (SELECT h.flags FROM former_flags h WHERE h.placement = p.id AND h.until > :at
             ORDER BY h.until, h.seq LIMIT 1), p.flags)
        """
}

extension MailboxName {
    init(_ row: Row) {
        let delimiter: Int? = row["delimiter"]
        self.init(octets: row.octets("name") ?? [], delimiter: delimiter.flatMap(UInt8.init(exactly:)))
    }
}

extension PlacementRow {
    init?(_ row: Row, account: String, mailbox: MailboxName) {
        let (uidValidity, uid): (Int64, Int64) = (row["at_uidvalidity"], row["at_uid"])
        guard let message = row.randomID("key_id") ?? row.randomID("missing"),
            let uid = UID(UInt32(truncatingIfNeeded: uid)),
            let channel = Channel(rawValue: UInt8(truncatingIfNeeded: row["channel"] as Int64)),
            let fidelity = Fidelity(rawValue: UInt8(truncatingIfNeeded: row["fidelity"] as Int64))
        else { return nil }
        let (seconds, zone, modSeq): (Int64?, Int64?, Int64?) = (row["date"], row["zone"], row["modseq"])
        let text: String = row["flag_text"]
        self.init(
            address: OccurrenceAddress(
                account: account, mailbox: mailbox,
                uidValidity: UIDValidity(UInt32(truncatingIfNeeded: uidValidity)), uid: uid),
            message: message, flags: FlagSet(text.split(separator: " ").map { Flag(String($0)) }),
            internalDate: seconds.map {
                InternalDate(
                    secondsSinceEpoch: $0, zoneOffset: Int16(truncatingIfNeeded: zone ?? 0), raw: row["raw_date"])
            },
            modSeq: modSeq.flatMap { ModSeq(UInt64(bitPattern: $0)) }, channel: channel, fidelity: fidelity,
            since: row["from_time"], until: row["gone_time"], entry: CatalogEntry(row))
    }
}
