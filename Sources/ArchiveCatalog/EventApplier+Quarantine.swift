internal import GRDB
internal import MailCore

/// Messages that could not be taken.
extension EventApplier {
    mutating func quarantine(_ address: OccurrenceAddress, _ refusal: Refusal, _ db: Database) throws {
        let mailbox = try mailbox(address.account, address.mailbox, db)
        let place: [Int64] = [mailbox, Int64(address.uidValidity.value), Int64(address.uid.value)]
        hasQuarantined = true
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO quarantine VALUES (?,?,?,?,?,?)").execute(
            arguments: StatementArguments(place) + [refusal.reason.rawValue, refusal.detail, time])
        try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO quarantine_mention(mailbox, uidvalidity, uid, seq) VALUES (?,?,?,?)"
        ).execute(arguments: StatementArguments(place + [sequence]))
        if let placement = try current(mailbox, address, db) { try mention(placement, db) }
    }

    /// What could not be taken is placed now: the records that told so speak of this placement.
    mutating func takeOverQuarantine(
        _ placement: Int64, _ mailbox: Int64, _ address: OccurrenceAddress, _ db: Database
    ) throws {
        guard try hasQuarantined(db) else { return }
        let place: [Int64] = [mailbox, Int64(address.uidValidity.value), Int64(address.uid.value)]
        try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO mention(placement, seq) SELECT ?, seq FROM quarantine_mention
                WHERE mailbox = ? AND uidvalidity = ? AND uid = ?
                """
        ).execute(arguments: StatementArguments([placement] + place))
        try dropQuarantine(place, db)
    }

    /// Whether any message of any mailbox ever could not be taken; asked for each that is placed, so once of the tables.
    private mutating func hasQuarantined(_ db: Database) throws -> Bool {
        if let hasQuarantined { return hasQuarantined }
        let has = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM quarantine) OR EXISTS (SELECT 1 FROM quarantine_mention)")
        hasQuarantined = has ?? true
        return has ?? true
    }

    func dropQuarantine(_ place: [Int64], _ db: Database) throws {
        for table in ["quarantine", "quarantine_mention"] {
            try db.cachedStatement(sql: "DELETE FROM \(table) WHERE mailbox = ? AND uidvalidity = ? AND uid = ?")
                .execute(arguments: StatementArguments(place))
        }
    }
}
