internal import GRDB
public import MailCore

extension Catalog {
    /// The key id of the event record that counts for `sequence`; `nil` if there is none.
    public func eventRecord(sequence: UInt64) throws(CatalogError) -> RandomID? {
        try read { db in
            try Row.fetchOne(
                db, sql: "SELECT key_id FROM event_record WHERE seq = ?", arguments: [Int64(bitPattern: sequence)]
            )?.randomID("key_id")
        }
    }

    /// What goes with `messages`. Takes no lock of the database: the caller holds the archive's, or only looks.
    public func erasureFacts(of messages: [RandomID]) throws(CatalogError) -> ErasureFacts {
        try wrap {
            try database.writeWithoutTransaction { db in
                var facts = ErasureFacts()
                try db.inTransaction(.deferred) {
                    try Doomed.fill(messages, db)
                    var reading = ErasureReading(db)
                    facts = try reading.facts()
                    try Doomed.clear(db)
                    return .commit
                }
                return facts
            }
        }
    }
}

/// The rows of the messages an erasure is about, as a temporary table, which is in memory.
enum Doomed {
    static func fill(_ messages: [RandomID], _ db: Database) throws {
        try db.execute(
            sql: "CREATE TEMP TABLE IF NOT EXISTS doomed(id INTEGER PRIMARY KEY, key_id BLOB NOT NULL UNIQUE)")
        try clear(db)
        for message in messages {
            try db.cachedStatement(
                sql: "INSERT OR IGNORE INTO temp.doomed(id, key_id) SELECT id, key_id FROM message WHERE key_id = ?"
            ).execute(arguments: [Row.octets(message.octets)])
        }
    }

    static func clear(_ db: Database) throws { try db.execute(sql: "DELETE FROM temp.doomed") }

    /// Mailboxes in which nothing but the doomed ever was, and nothing waits; INBOX and those with a role stay.
    ///
    /// The two conditions on `gone_seq` let each half use its index.
    static func mailboxes(_ db: Database) throws -> [Int64] {
        try Int64.fetchAll(
            db,
            sql: """
                SELECT m.id FROM mailbox m
                WHERE m.id IN (SELECT mailbox FROM placement WHERE message IN (SELECT id FROM temp.doomed))
                    AND m.role IS NULL AND m.folded <> 'inbox'
                    AND NOT EXISTS (SELECT 1 FROM quarantine q WHERE q.mailbox = m.id)
                    AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.mailbox = m.id AND p.gone_seq IS NULL
                        AND (p.message IS NULL OR p.message NOT IN (SELECT id FROM temp.doomed)))
                    AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.mailbox = m.id AND p.gone_seq IS NOT NULL
                        AND (p.message IS NULL OR p.message NOT IN (SELECT id FROM temp.doomed)))
                ORDER BY m.id
                """)
    }
}

/// Reads what is known of the doomed.
private struct ErasureReading {
    private let db: Database
    private var records: [Int64: ErasureRecordFacts] = [:]
    private var names: [Int64: MailboxHistory] = [:]

    init(_ db: Database) { self.db = db }

    mutating func facts() throws -> ErasureFacts {
        var facts = ErasureFacts()
        facts.messages = try Row.fetchAll(
            db, sql: "SELECT \(entryColumns) FROM message WHERE id IN (SELECT id FROM temp.doomed) ORDER BY id"
        ).compactMap(CatalogEntry.init)
        facts.dyingParts = try parts(areShared: false)
        facts.sharedParts = try parts(areShared: true)
        let placements = try Row.fetchAll(
            db,
            sql: """
                SELECT id, mailbox, uidvalidity, uid, from_seq, from_time, gone_seq, channel
                FROM placement
                WHERE message IN (SELECT id FROM temp.doomed) ORDER BY id
                """)
        for row in placements {
            let history = try PlacementHistory(row, db)
            let mailbox = try mailbox(history.mailbox)
            guard let address = history.address(before: .max, mailbox) else { continue }
            facts.occurrences.append(address)
            if history.end == nil {
                facts.currentOccurrences.append(address)
                let channel: UInt8 = row["channel"]
                if [Channel.imap.rawValue, Channel.pop3.rawValue].contains(channel) { facts.serverOccurrences += 1 }
            }
            try add(history, mailbox)
        }
        for id in try Doomed.mailboxes(db) {
            let mailbox = try mailbox(id)
            facts.mailboxes.append(
                ErasedMailbox(
                    account: mailbox.account, name: mailbox.name(before: .max), isCurrent: mailbox.isCurrent))
            try add(mailbox)
        }
        facts.records = records.values.sorted { $0.sequence < $1.sequence }
        return facts
    }

    private func parts(areShared: Bool) throws -> [RandomID] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT DISTINCT p.key_id FROM message_part p WHERE p.message IN (SELECT id FROM temp.doomed)
                    AND \(areShared ? "" : "NOT") EXISTS (SELECT 1 FROM message_part q WHERE q.key_id = p.key_id
                        AND q.message NOT IN (SELECT id FROM temp.doomed)) ORDER BY p.key_id
                """
        ).compactMap { $0.randomID("key_id") }
    }

    private mutating func mailbox(_ id: Int64) throws -> MailboxHistory {
        if let known = names[id] { return known }
        let history = try MailboxHistory(id, db)
        names[id] = history
        return history
    }

    private mutating func add(_ placement: PlacementHistory, _ mailbox: MailboxHistory) throws {
        for sequence in placement.sequences {
            if sequence <= placement.start {
                guard let address = placement.address(before: placement.start, mailbox) else { continue }
                try record(sequence) { record in
                    if sequence < placement.start { record.laterAddresses.insert(address) }
                }
                guard sequence == placement.start, try endsAnother(placement, address) else { continue }
                try record(sequence) { $0.endings.insert(address) }
            } else if let address = placement.address(before: sequence, mailbox) {
                try record(sequence) { $0.addresses.insert(address) }
            }
        }
    }

    /// Whether a message that stays ended where `placement` began: its UID was taken.
    private func endsAnother(_ placement: PlacementHistory, _ address: OccurrenceAddress) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM placement q WHERE q.mailbox = ? AND q.gone_seq IS NOT NULL
                        AND q.gone_time = ? AND q.gone_seq = ? AND q.uidvalidity = ? AND q.uid = ?
                        AND (q.message IS NULL OR q.message NOT IN (SELECT id FROM temp.doomed)))
                    """),
            arguments: [
                placement.mailbox, placement.startTime, placement.start, Int64(address.uidValidity.value),
                Int64(address.uid.value),
            ]) ?? false
    }

    private mutating func add(_ mailbox: MailboxHistory) throws {
        guard let first = mailbox.sequences.first else { return }
        for sequence in mailbox.sequences {
            let place = MailboxPlace(account: mailbox.account, mailbox: mailbox.name(before: sequence))
            try record(sequence) { record in
                if sequence == first { record.newMailboxes.insert(place) } else { record.mailboxes.insert(place) }
            }
        }
    }

    private mutating func record(_ sequence: Int64, _ change: (inout ErasureRecordFacts) -> Void) throws {
        if records[sequence] == nil {
            let row = try Row.fetchOne(
                db.cachedStatement(sql: "SELECT key_id FROM event_record WHERE seq = ?"), arguments: [sequence])
            guard let keyID = row?.randomID("key_id") else {
                throw CatalogError(.inconsistent, "the catalog does not know the event record \(sequence)")
            }
            records[sequence] = ErasureRecordFacts(sequence: UInt64(sequence), keyID: keyID)
        }
        if var record = records[sequence] {
            change(&record)
            records[sequence] = record
        }
    }
}

/// The names a mailbox had.
private struct MailboxHistory {
    let account: String
    let isCurrent: Bool
    /// Records that speak of the mailbox itself, ascending.
    let sequences: [Int64]
    private let last: MailboxName
    private let former: [(until: Int64, name: MailboxName)]

    init(_ id: Int64, _ db: Database) throws {
        guard
            let row = try Row.fetchOne(
                db, sql: "SELECT account, name, delimiter, deleted IS NULL AS is_current FROM mailbox WHERE id = ?",
                arguments: [id])
        else { throw CatalogError(.inconsistent, "a placement is in no mailbox") }
        (account, isCurrent, last) = (row["account"], row["is_current"], MailboxName(row))
        former = try Row.fetchAll(
            db, sql: "SELECT seq, name, delimiter FROM former_name WHERE mailbox = ? ORDER BY seq", arguments: [id]
        ).map { ($0["seq"], MailboxName($0)) }
        sequences = try Int64.fetchAll(
            db, sql: "SELECT seq FROM mailbox_mention WHERE mailbox = ? ORDER BY seq", arguments: [id])
    }

    /// The name the first event of record `sequence` finds it under.
    func name(before sequence: Int64) -> MailboxName { former.first { $0.until >= sequence }?.name ?? last }
}

/// The addresses a placement had, and the records that may speak of it.
private struct PlacementHistory {
    let mailbox: Int64
    let start: Int64
    let startTime: Int64
    let end: Int64?
    /// Ascending.
    let sequences: [Int64]
    private let last: (uidValidity: Int64, uid: Int64)
    private let former: [(until: Int64, uidValidity: Int64, uid: Int64)]

    init(_ row: Row, _ db: Database) throws {
        let id: Int64 = row["id"]
        (mailbox, start, end) = (row["mailbox"], row["from_seq"], row["gone_seq"])
        startTime = row["from_time"]
        last = (row["uidvalidity"], row["uid"])
        former = try Row.fetchAll(
            db.cachedStatement(sql: "SELECT seq, uidvalidity, uid FROM former_uid WHERE placement = ? ORDER BY seq"),
            arguments: [id]
        ).map { ($0["seq"], $0["uidvalidity"], $0["uid"]) }
        let mentions = try Int64.fetchAll(
            db.cachedStatement(sql: "SELECT seq FROM mention WHERE placement = ?"), arguments: [id])
        sequences = Set(mentions + [start] + (end.map { [$0] } ?? [])).sorted()
    }

    /// The address under which the first event of record `sequence` finds the placement.
    func address(before sequence: Int64, _ mailbox: MailboxHistory) -> OccurrenceAddress? {
        let place = former.first { $0.until >= sequence }.map { ($0.uidValidity, $0.uid) } ?? last
        // A placement that ended because its UID was taken has none.
        guard let uid = UID(UInt32(truncatingIfNeeded: abs(place.1))) else { return nil }
        return OccurrenceAddress(
            account: mailbox.account, mailbox: mailbox.name(before: sequence),
            uidValidity: UIDValidity(UInt32(truncatingIfNeeded: place.0)), uid: uid)
    }
}
