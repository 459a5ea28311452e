import GRDB
import MailCore

extension RandomID {
    /// The first and the last 8 octets, big-endian: two integers take less room and time than a BLOB.
    var halves: (Int64, Int64) {
        func integer(_ part: ArraySlice<UInt8>) -> Int64 {
            Int64(bitPattern: part.reduce(0) { $0 << 8 | UInt64($1) })
        }
        return (integer(octets.prefix(8)), integer(octets.suffix(8)))
    }

    init?(high: Int64, low: Int64) {
        var octets: [UInt8] = []
        octets.reserveCapacity(16)
        for half in [UInt64(bitPattern: high), UInt64(bitPattern: low)] {
            for shift in stride(from: 56, through: 0, by: -8) {
                octets.append(UInt8(truncatingIfNeeded: half >> UInt64(shift)))
            }
        }
        self.init(octets: octets)
    }
}

extension SyncState {
    static func mailboxRow(_ db: Database, _ side: Int64, _ name: MailboxName) throws -> Int64? {
        try db.cachedStatement(sql: "SELECT id FROM mailbox WHERE side = ? AND name = ?")
            .fetchID([side, name.octets.hex])
    }

    static func name(_ hex: String, _ delimiter: Int64?) -> MailboxName {
        MailboxName(octets: [UInt8](hex: hex) ?? [], delimiter: delimiter.map { UInt8(truncatingIfNeeded: $0) })
    }

    static func status(_ row: Row) -> MailboxStatus? {
        guard let validity = row[5] as Int64? else { return nil }
        return MailboxStatus(
            uidValidity: UIDValidity(UInt32(truncatingIfNeeded: validity)),
            uidNext: (row[6] as Int64?).flatMap { UID(UInt32(truncatingIfNeeded: $0)) },
            messageCount: row[7] ?? 0,
            highestModSeq: (row[8] as Int64?).flatMap { ModSeq(UInt64($0)) })
    }

    static func knownUIDs(_ db: Database, _ mailbox: Int64, _ validity: UIDValidity) throws -> UIDSet {
        let sql = """
            SELECT uid FROM link WHERE mailbox = ?1 AND uid_validity = ?2
            UNION SELECT uid FROM quarantine WHERE mailbox = ?1 AND uid_validity = ?2 ORDER BY uid
            """
        var result = UIDSet()
        let values = try Int64.fetchCursor(db, sql: sql, arguments: [mailbox, Int64(validity.value)])
        while let value = try values.next() {
            if let uid = UID(UInt32(truncatingIfNeeded: value)) { result.insert(uid) }
        }
        return result
    }

    static func messagesByObjectID(
        _ db: Database, _ side: Int64, _ ids: [String]
    ) throws -> [String: RandomID] {
        guard !ids.isEmpty else { return [:] }
        let statement = try db.cachedStatement(
            sql: """
                SELECT l.message_high, l.message_low FROM link l JOIN mailbox m ON m.id = l.mailbox
                WHERE l.object_id = ? AND m.side = ? LIMIT 1
                """)
        var result: [String: RandomID] = [:]
        for id in ids {
            if let row = try Row.fetchOne(statement, arguments: [id, side]) {
                result[id] = RandomID(high: row[0], low: row[1])
            }
        }
        return result
    }
}

extension Statement {
    func fetchID(_ arguments: StatementArguments) throws -> Int64? {
        try Int64.fetchOne(self, arguments: arguments)
    }
}

/// Reads links, with one shared value per distinct set of flags.
struct LinkReader {
    private static let columns =
        "uid, message_high, flags, octet_count, internal_date, zone, object_id, uid_validity, message_low"
    private var flagSets: [String: FlagSet] = [:]

    mutating func links(
        _ db: Database, _ mailbox: Int64, _ validity: UIDValidity, _ part: ClosedRange<UInt32> = 1...(.max)
    ) throws -> [Link] {
        let sql = """
            SELECT \(Self.columns) FROM link WHERE mailbox = ? AND uid_validity = ? AND uid BETWEEN ? AND ? ORDER BY uid
            """
        let rows = try Row.fetchCursor(
            db, sql: sql,
            arguments: [mailbox, Int64(validity.value), Int64(part.lowerBound), Int64(part.upperBound)])
        var result: [Link] = []
        while let row = try rows.next() {
            if let link = link(row) { result.append(link) }
        }
        return result
    }

    mutating func links(
        _ db: Database, _ mailbox: Int64, _ validity: UIDValidity, _ uids: [UID]
    ) throws -> [Link] {
        let sql = "SELECT \(Self.columns) FROM link WHERE mailbox = ? AND uid_validity = ? AND uid = ?"
        let statement = try db.cachedStatement(sql: sql)
        var result: [Link] = []
        for uid in uids.sorted() {
            let arguments: StatementArguments = [mailbox, Int64(validity.value), Int64(uid.value)]
            if let row = try Row.fetchOne(statement, arguments: arguments), let link = link(row) {
                result.append(link)
            }
        }
        return result
    }

    /// Links under another UIDVALIDITY than `validity`; under any for `nil`.
    mutating func staleLinks(_ db: Database, _ mailbox: Int64, _ validity: UIDValidity?) throws -> [StaleLink] {
        let sql = """
            SELECT \(Self.columns) FROM link WHERE mailbox = ?1 AND uid_validity < ?2
            UNION ALL SELECT \(Self.columns) FROM link WHERE mailbox = ?1 AND uid_validity > ?2
            ORDER BY uid_validity, uid
            """
        let value = validity.map { Int64($0.value) } ?? -1
        let rows = try Row.fetchCursor(db, sql: sql, arguments: [mailbox, value])
        var result: [StaleLink] = []
        while let row = try rows.next() {
            guard let link = link(row) else { continue }
            result.append(
                StaleLink(uidValidity: UIDValidity(UInt32(truncatingIfNeeded: row[7] as Int64)), link: link))
        }
        return result
    }

    mutating func quarantine(
        _ db: Database, _ mailbox: Int64, _ validity: UIDValidity
    ) throws -> [UID: QuarantineEntry] {
        let sql = """
            SELECT uid, flags, octet_count, internal_date, zone, object_id, reason, detail, attempts
            FROM quarantine WHERE mailbox = ? AND uid_validity = ?
            """
        var result: [UID: QuarantineEntry] = [:]
        for row in try Row.fetchAll(db, sql: sql, arguments: [mailbox, Int64(validity.value)]) {
            guard let uid = UID(UInt32(truncatingIfNeeded: row[0] as Int64)) else { continue }
            let summary = MessageSummary(
                uid: uid, flags: flags(row[1]), internalDate: date(row[3], row[4]), octetCount: row[2],
                objectID: row[5])
            let reason = Refusal.Reason(rawValue: row[6]) ?? .unreadable
            result[uid] = QuarantineEntry(
                summary: summary, refusal: Refusal(reason, detail: row[7]), attempts: row[8])
        }
        return result
    }

    private mutating func link(_ row: Row) -> Link? {
        guard let uid = UID(UInt32(truncatingIfNeeded: row[0] as Int64)),
            let message = RandomID(high: row[1], low: row[8])
        else { return nil }
        return Link(
            uid: uid, message: message, flags: flags(row[2]), octetCount: row[3], internalDate: date(row[4], row[5]),
            objectID: row[6])
    }

    private mutating func flags(_ text: String) -> FlagSet {
        if let known = flagSets[text] { return known }
        let set = FlagSet(text.split(separator: " ").map { Flag(String($0)) })
        flagSets[text] = set
        return set
    }

    private func date(_ seconds: Int64?, _ zone: Int64?) -> InternalDate? {
        seconds.map { InternalDate(secondsSinceEpoch: $0, zoneOffset: Int16(truncatingIfNeeded: zone ?? 0)) }
    }
}
