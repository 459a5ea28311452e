internal import GRDB
internal import MailCore

/// Turns events into intervals: what is current is changed, what was stays behind with the time it ended.
struct EventApplier {
    /// The sequence of the last record applied; those up to it are skipped.
    private(set) var last: UInt64
    private var mailboxes: [MailboxKey: Int64] = [:]
    private var flagSets: [FlagSet: Int64] = [:]
    /// Whether there is anything in the tables of those; `nil` until somebody asks.
    var hasQuarantined: Bool?
    var sequence: Int64 = 0
    var time: Int64 = 0

    private struct MailboxKey: Hashable {
        var account: String
        var mailbox: MailboxName
    }

    init(last: UInt64) { self.last = last }

    mutating func apply(_ record: EventRecord, _ db: Database) throws {
        guard let sequence = Int64(exactly: record.sequence) else {
            throw CatalogError(.inconsistent, "no archive has \(record.sequence) event records")
        }
        if let blob = record.blob { try note(blob, sequence, db) }
        guard record.sequence > last else { return }
        (self.sequence, time) = (sequence, record.time)
        for event in record.events { try apply(event, db) }
        for account in Set(record.events.map(\.account)) {
            try Meta.set(Meta.eventSequenceKey(account), sequence, db)
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO event_account(account, seq) VALUES (?,?)")
                .execute(arguments: [account, sequence])
        }
        last = record.sequence
    }

    /// A record that was written again has a higher leaf than the one it replaces.
    private func note(_ blob: EventRecord.Blob, _ sequence: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO event_record(seq, key_id, leaf) VALUES (?,?,?)
                ON CONFLICT(seq) DO UPDATE SET key_id = excluded.key_id, leaf = excluded.leaf
                    WHERE excluded.leaf > leaf
                """
        ).execute(arguments: [sequence, Row.octets(blob.keyID.octets), Int64(bitPattern: blob.leafIndex)])
    }

    func mention(_ placement: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT OR IGNORE INTO mention(placement, seq)
                SELECT id, ?1 FROM placement WHERE id = ?2 AND from_seq <> ?1
                """
        ).execute(arguments: [sequence, placement])
    }

    private func mention(mailbox: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "INSERT OR IGNORE INTO mailbox_mention(mailbox, seq) VALUES (?,?)")
            .execute(arguments: [mailbox, sequence])
    }

    private mutating func apply(_ event: OccurrenceEvent, _ db: Database) throws {
        switch event {
        case .placed(let message, let address, let flags, let date, let modSeq, let channel, let fidelity):
            try place(message, address, flags, date, modSeq, channel, fidelity, db)
        case .flagsChanged(let address, let flags, let modSeq): try change(address, flags, modSeq, db)
        case .gone(let address, let target): try end(address, movedTo: target, db)
        case .mailboxCreated(let account, let mailbox, let role, let uidValidity):
            let row = try self.mailbox(account, mailbox, db)
            try mention(mailbox: row, db)
            try db.execute(
                sql: "UPDATE mailbox SET role = coalesce(?, role), uidvalidity = ? WHERE id = ?",
                arguments: [role?.rawValue, Int64(uidValidity.value), row])
        case .mailboxRenamed(let account, let from, let to): try rename(account, from, to, db)
        case .mailboxDeleted(let account, let mailbox):
            guard let row = try existing(account, mailbox, db) else { return }
            try delete(row, db)
            mailboxes[MailboxKey(account: account, mailbox: mailbox)] = nil
        case .uidValidityChanged(let account, let mailbox, let from, let to, let mapping):
            let row = try self.mailbox(account, mailbox, db)
            try mention(mailbox: row, db)
            try renumber(row, from, to, mapping, db)
        case .quarantined(let address, let refusal):
            try quarantine(address, refusal, db)
        case .uidsGiven(let account, let mailbox, let uidValidity, let next):
            let row = try self.mailbox(account, mailbox, db)
            try mention(mailbox: row, db)
            try db.cachedStatement(
                sql: "UPDATE mailbox SET uidnext = max(coalesce(uidnext, 0), ?) WHERE id = ? AND uidvalidity = ?"
            ).execute(arguments: [Int64(next.value), row, Int64(uidValidity.value)])
        case .delivered(let address, let facts): try note(facts, of: address, db)
        }
    }

    private mutating func place(
        _ message: RandomID, _ address: OccurrenceAddress, _ flags: FlagSet, _ date: InternalDate?, _ modSeq: ModSeq?,
        _ channel: Channel, _ fidelity: Fidelity, _ db: Database
    ) throws {
        let mailbox = try mailbox(address.account, address.mailbox, db)
        let key = Row.octets(message.octets)
        let row = try Int64.fetchOne(
            db.cachedStatement(sql: "SELECT id FROM message WHERE key_id = ?"), arguments: [key])
        // Another message under the same UID: the store reused it, and the old one is gone.
        if try current(mailbox, address, db) != nil { try end(address, movedTo: nil, db) }
        try db.cachedStatement(
            sql: """
                INSERT INTO placement(mailbox, uidvalidity, uid, message, missing, flags, flags_from, date, zone, raw_date,
                    modseq, channel, fidelity, from_seq, from_time) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
                """
        ).execute(arguments: [
            mailbox, Int64(address.uidValidity.value), Int64(address.uid.value), row, row == nil ? key : nil,
            try flagSet(flags, db), time, date?.secondsSinceEpoch, date.map { Int64($0.zoneOffset) }, date?.raw,
            modSeq.map { Int64($0.value) }, Int64(channel.rawValue), Int64(fidelity.rawValue), sequence, time,
        ])
        try takeOverQuarantine(db.lastInsertedRowID, mailbox, address, db)
    }

    private mutating func change(
        _ address: OccurrenceAddress, _ flags: FlagSet, _ modSeq: ModSeq?, _ db: Database
    ) throws {
        guard let mailbox = try existing(address.account, address.mailbox, db),
            let placement = try current(mailbox, address, db)
        else { return }
        let set = try flagSet(flags, db)
        try mention(placement, db)
        try db.cachedStatement(
            sql: """
                INSERT OR REPLACE INTO former_flags(placement, until, seq, since, flags)
                SELECT id, ?, ?, flags_from, flags FROM placement WHERE id = ? AND flags <> ?
                """
        ).execute(arguments: [time, sequence, placement, set])
        try db.cachedStatement(
            sql: """
                UPDATE placement SET modseq = coalesce(?, modseq),
                    flags_from = CASE WHEN flags = ? THEN flags_from ELSE ? END, flags = ? WHERE id = ?
                """
        ).execute(arguments: [modSeq.map { Int64($0.value) }, set, time, set, placement])
    }

    private mutating func end(
        _ address: OccurrenceAddress, movedTo target: OccurrenceAddress?, _ db: Database
    ) throws {
        guard let mailbox = try existing(address.account, address.mailbox, db) else { return }
        try db.cachedStatement(
            sql: """
                UPDATE placement SET gone_seq = ?, gone_time = ?, moved_account = ?, moved_name = ?,
                    moved_uidvalidity = ?, moved_uid = ?
                WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND gone_seq IS NULL
                """
        ).execute(arguments: [
            sequence, time, target?.account, target.map { Row.octets($0.mailbox.octets) },
            target.map { Int64($0.uidValidity.value) }, target.map { Int64($0.uid.value) }, mailbox,
            Int64(address.uidValidity.value), Int64(address.uid.value),
        ])
        try dropQuarantine([mailbox, Int64(address.uidValidity.value), Int64(address.uid.value)], db)
    }

    func current(_ mailbox: Int64, _ address: OccurrenceAddress, _ db: Database) throws -> Int64? {
        try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT id FROM placement WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND gone_seq IS NULL
                    """),
            arguments: [mailbox, Int64(address.uidValidity.value), Int64(address.uid.value)])
    }

    private mutating func flagSet(_ flags: FlagSet, _ db: Database) throws -> Int64 {
        if let known = flagSets[flags] { return known }
        let text = flags.description
        try db.execute(
            sql: "INSERT OR IGNORE INTO flag_set(flags, folded) VALUES (?,?)",
            arguments: [text, " " + text.lowercased() + " "])
        guard let row = try Int64.fetchOne(db, sql: "SELECT id FROM flag_set WHERE flags = ?", arguments: [text]) else {
            throw CatalogError(.failed, "a set of flags was not stored")
        }
        flagSets[flags] = row
        return row
    }

    /// The row of a mailbox; made where no event did.
    mutating func mailbox(_ account: String, _ name: MailboxName, _ db: Database) throws -> Int64 {
        if let row = try existing(account, name, db) { return row }
        try db.execute(
            sql: """
                INSERT INTO mailbox(account, account_folded, name, delimiter, decoded, folded, created)
                VALUES (?,?,?,?,?,?,?)
                """,
            arguments: [
                account, account.lowercased(), Row.octets(name.octets), name.delimiter.map { Int($0) }, name.text,
                name.text.lowercased(), time,
            ])
        let row = db.lastInsertedRowID
        mailboxes[MailboxKey(account: account, mailbox: name)] = row
        try mention(mailbox: row, db)
        return row
    }

    mutating func existing(_ account: String, _ name: MailboxName, _ db: Database) throws -> Int64? {
        let key = MailboxKey(account: account, mailbox: name)
        if let known = mailboxes[key] { return known }
        let row = try Int64.fetchOne(
            db, sql: "SELECT id FROM mailbox WHERE account = ? AND name = ? AND deleted IS NULL",
            arguments: [account, Row.octets(name.octets)])
        if let row { mailboxes[key] = row }
        return row
    }

    private mutating func rename(_ account: String, _ from: MailboxName, _ to: MailboxName, _ db: Database) throws {
        guard from != to else { return }
        guard let row = try existing(account, from, db) else {
            _ = try mailbox(account, to, db)
            return
        }
        if let taken = try existing(account, to, db) { try delete(taken, db) }
        try mention(mailbox: row, db)
        try db.execute(
            sql: """
                INSERT OR REPLACE INTO former_name(mailbox, until, seq, name, delimiter, decoded)
                SELECT id, ?, ?, name, delimiter, decoded FROM mailbox WHERE id = ?
                """,
            arguments: [time, sequence, row])
        try db.execute(
            sql: "UPDATE mailbox SET name = ?, delimiter = ?, decoded = ?, folded = ? WHERE id = ?",
            arguments: [
                Row.octets(to.octets), to.delimiter.map { Int($0) }, to.text, to.text.lowercased(), row,
            ])
        mailboxes[MailboxKey(account: account, mailbox: from)] = nil
        mailboxes[MailboxKey(account: account, mailbox: to)] = row
    }

    private func delete(_ mailbox: Int64, _ db: Database) throws {
        try mention(mailbox: mailbox, db)
        try db.execute(
            sql: "UPDATE placement SET gone_seq = ?, gone_time = ? WHERE mailbox = ? AND gone_seq IS NULL",
            arguments: [sequence, time, mailbox])
        try db.execute(sql: "UPDATE mailbox SET deleted = ? WHERE id = ?", arguments: [time, mailbox])
        for table in ["quarantine", "quarantine_mention"] {
            try db.execute(sql: "DELETE FROM \(table) WHERE mailbox = ?", arguments: [mailbox])
        }
    }

    private func renumber(
        _ mailbox: Int64, _ from: UIDValidity, _ to: UIDValidity, _ mapping: [UID: UID], _ db: Database
    ) throws {
        // Out of the way first: with the same UIDVALIDITY before and after, old and new UIDs would meet.
        var moved: [(id: Int64, old: Int64, new: Int64)] = []
        for (old, new) in mapping.sorted(by: { $0.key < $1.key }) {
            let place = [mailbox, Int64(from.value), Int64(old.value)]
            let id = try Int64.fetchOne(
                db.cachedStatement(
                    sql:
                        "SELECT id FROM placement WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND gone_seq IS NULL"
                ),
                arguments: StatementArguments(place))
            guard let id else { continue }
            moved.append((id, Int64(old.value), Int64(new.value)))
            try db.cachedStatement(sql: "UPDATE placement SET uid = -uid WHERE id = ?").execute(arguments: [id])
        }
        for (id, old, new) in moved {
            try mention(id, db)
            try db.cachedStatement(
                sql: "INSERT OR REPLACE INTO former_uid(placement, until, seq, uidvalidity, uid) VALUES (?,?,?,?,?)"
            ).execute(arguments: [id, time, sequence, Int64(from.value), old])
            try db.cachedStatement(sql: "UPDATE OR IGNORE placement SET uidvalidity = ?, uid = ? WHERE id = ?")
                .execute(arguments: [Int64(to.value), new, id])
            // Where one was taken already, the occurrence ended.
            try db.cachedStatement(
                sql: "UPDATE placement SET uid = -uid, gone_seq = ?, gone_time = ? WHERE id = ? AND uid < 0"
            ).execute(arguments: [sequence, time, id])
        }
        try db.execute(
            sql: "UPDATE mailbox SET uidvalidity = ? WHERE id = ?", arguments: [Int64(to.value), mailbox])
        for table in ["quarantine", "quarantine_mention"] {
            try db.execute(
                sql: "DELETE FROM \(table) WHERE mailbox = ? AND uidvalidity = ?",
                arguments: [mailbox, Int64(from.value)])
        }
    }
}
