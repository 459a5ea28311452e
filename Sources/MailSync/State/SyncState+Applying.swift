import GRDB
import MailCore

extension SyncState {
    /// The account's row, made when there is none.
    func makeSide(_ account: String, fingerprint: String?) async throws -> SideRow {
        try await queue.write { db in
            try db.execute(
                sql: """
                    INSERT INTO side (account, fingerprint) VALUES (?1, ?2)
                    ON CONFLICT (account) DO UPDATE SET fingerprint = ?2
                    """, arguments: [account, fingerprint])
        }
        guard let row = try await side(account) else {
            throw SyncError(.stateFailed, "the sync state lost the account it just wrote")
        }
        return row
    }

    /// Opens a run: voids what an earlier one left planned. The number of the new run.
    func beginRun(_ side: Int64) async throws -> Int {
        try await write("begin") { db in
            try db.execute(
                sql: "UPDATE operation SET state = ? WHERE side = ? AND state < ? AND kind NOT LIKE ?",
                arguments: [
                    OperationState.void.rawValue, side, OperationState.done.rawValue, Self.leavingPrefix + "%",
                ])
            // LIMIT: the journals of 20 runs are enough to see what happened, and small.
            try db.execute(
                sql: "DELETE FROM operation WHERE side = ?1 AND run < (SELECT run FROM side WHERE id = ?1) - 20",
                arguments: [side])
            try db.execute(sql: "UPDATE side SET run = run + 1 WHERE id = ?", arguments: [side])
            return try Int.fetchOne(db, sql: "SELECT run FROM side WHERE id = ?", arguments: [side]) ?? 0
        }
    }

    /// Writes `operations` as planned, in one transaction.
    func journal(_ side: Int64, run: Int, _ operations: [Operation]) async throws {
        guard !operations.isEmpty else { return }
        try await write("journal") { db in
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO operation (side, run, seq, kind, mailbox, uids, state) VALUES (?, ?, ?, ?, ?, ?, 0)
                    """)
            for operation in operations {
                try statement.execute(arguments: [
                    side, run, operation.seq, operation.kind, operation.mailbox.octets.hex,
                    operation.uids.description,
                ])
            }
        }
    }

    /// Applies `changes` in order, in one transaction, together with the destination's sequence they equal.
    func apply(_ side: Int64, run: Int, _ changes: [StateChange], sequence: UInt64?) async throws {
        guard !changes.isEmpty || sequence != nil else { return }
        try await write("apply") { [place] db in
            var applier = ChangeApplier(db: db, side: side, run: run, place: place)
            for change in changes { try applier.apply(change.kind) }
            if let sequence {
                try db.execute(
                    sql: "UPDATE side SET applied_sequence = ? WHERE id = ?",
                    arguments: [Int64(truncatingIfNeeded: sequence), side])
            }
        }
    }

    /// Closes a run in which every mailbox was compared.
    func completeRun(_ side: Int64, run: Int) async throws {
        try await write("complete") { db in
            try db.execute(sql: "UPDATE link SET is_recent = 0 WHERE is_recent = 1")
            try db.execute(
                sql: "UPDATE operation SET state = ? WHERE side = ? AND run = ? AND kind = 'departures'",
                arguments: [OperationState.done.rawValue, side, run])
            try db.execute(sql: "UPDATE side SET completed_run = ? WHERE id = ?", arguments: [run, side])
        }
    }

    func write<T: Sendable>(_ step: String, _ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        try probe("before " + step)
        // A cancelled task still finishes its transaction: the destination is ahead of it already.
        let result = try await withCheckedThrowingContinuation { continuation in
            queue.asyncWrite(body) { _, result in
                continuation.resume(
                    with: result.mapError {
                        $0 is SyncError ? $0 : SyncError(.stateFailed, "the sync state: \($0)", cause: $0)
                    })
            }
        }
        try probe("after " + step)
        return result
    }
}

/// A row of the journal: what one step does to which UIDs of one mailbox.
struct Operation: Sendable {
    var seq: Int
    var kind: String
    var mailbox: MailboxName
    var uids: UIDSet
}

/// Writes state changes inside one transaction.
struct ChangeApplier {
    let db: Database
    let side: Int64
    let run: Int
    let place: SyncState.PlaceName?
    private var rows: [MailboxName: Int64] = [:]

    /// - Parameter place: wanted where mailboxes are renamed or erased messages dropped.
    init(db: Database, side: Int64, run: Int, place: SyncState.PlaceName? = nil) {
        (self.db, self.side, self.run, self.place) = (db, side, run, place)
    }

    mutating func apply(_ change: StateChange.Kind) throws {
        switch change {
        case .create(let mailbox, let mailboxID): _ = try create(mailbox, mailboxID: mailboxID)
        case .rename(let old, let new):
            try execute(
                "UPDATE mailbox SET name = ?, delimiter = ? WHERE side = ? AND name = ?",
                [new.octets.hex, new.delimiter.map { Int64($0) }, side, old.octets.hex])
            try moveErased(from: old, to: new)
            rows = [:]
        case .delete(let name):
            try execute("DELETE FROM mailbox WHERE side = ? AND name = ?", [side, name.octets.hex])
            rows = [:]
        case .cursor(let listing, let validity, let status): try advance(listing, validity, status)
        case .recount(let name):
            try execute(
                """
                UPDATE mailbox SET linked =
                  (SELECT COUNT(*) FROM link l WHERE l.mailbox = ?1 AND l.uid_validity = mailbox.uid_validity)
                WHERE id = ?1
                """, [try row(name)])
        case .operation(let seq, let state):
            try execute(
                "UPDATE operation SET state = ? WHERE side = ? AND run = ? AND seq = ?",
                [state.rawValue, side, run, seq])
        default: try applyToMessages(change)
        }
    }

    private mutating func applyToMessages(_ change: StateChange.Kind) throws {
        switch change {
        case .link(let link, let mailbox, let validity, let isKnown):
            let id = try row(mailbox)
            try insert(link, id, validity, isRecent: isKnown)
            try execute(
                "DELETE FROM quarantine WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [id, validity.value, link.uid.value])
        case .flags(let uid, let mailbox, let validity, let flags):
            try execute(
                "UPDATE link SET flags = ? WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [flags.description, try row(mailbox), validity.value, uid.value])
        case .unlink(let uid, let mailbox, let validity):
            try execute(
                "DELETE FROM link WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [try row(mailbox), validity.value, uid.value])
        case .remap(let mailbox, let old, let new, let mapping): try remap(mailbox, old, new, mapping)
        case .quarantine(let entry, let mailbox, let validity): try quarantine(entry, mailbox, validity)
        case .dropQuarantine(let uid, let mailbox, let validity):
            try execute(
                "DELETE FROM quarantine WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [try row(mailbox), validity.value, uid.value])
        case .dropErased(let uids, let mailbox, let validity): try dropErased(uids, mailbox, validity)
        case .consumeMove(let uid, let mailbox, let validity):
            try execute(
                "UPDATE link SET is_recent = 0 WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [try row(mailbox), validity.value, uid.value])
        default: break
        }
    }

    private func execute(_ sql: String, _ arguments: StatementArguments) throws {
        try db.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    private mutating func row(_ name: MailboxName) throws -> Int64 {
        if let known = rows[name] { return known }
        guard let id = try SyncState.mailboxRow(db, side, name) else {
            throw SyncError(.stateFailed, "the sync state has no mailbox \(name)")
        }
        rows[name] = id
        return id
    }

    mutating func create(_ mailbox: RecordedMailbox, mailboxID: String?, generation: Int64 = 0) throws -> Int64 {
        try execute(
            """
            INSERT INTO mailbox (side, name, delimiter, role, mailbox_id, uid_validity, generation)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (side, name) DO UPDATE SET generation = excluded.generation
            """,
            [
                side, mailbox.name.octets.hex, mailbox.name.delimiter.map { Int64($0) }, mailbox.role?.rawValue,
                mailboxID, mailbox.uidValidity.value, generation,
            ])
        rows[mailbox.name] = nil
        return try row(mailbox.name)
    }

    private func insert(_ link: Link, _ mailbox: Int64, _ validity: UIDValidity, isRecent: Bool) throws {
        try execute(
            """
            INSERT OR REPLACE INTO link (mailbox, uid_validity, uid, message_high, message_low, flags, octet_count,
              internal_date, zone, object_id, is_recent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                mailbox, validity.value, link.uid.value, link.message.halves.0, link.message.halves.1,
                link.flags.description,
                link.octetCount, link.internalDate?.secondsSinceEpoch,
                (link.internalDate?.zoneOffset).map { Int64($0) }, link.objectID, isRecent,
            ])
    }

    /// All at once: in a mailbox without persistent UIDs an old UID of one message is the new one of another.
    private mutating func remap(
        _ mailbox: MailboxName, _ old: UIDValidity, _ new: UIDValidity, _ mapping: [UID: UID]
    ) throws {
        let id = try row(mailbox)
        var reader = LinkReader()
        let links = try reader.links(db, id, old, Array(mapping.keys))
        for link in links {
            try execute(
                "DELETE FROM link WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [id, old.value, link.uid.value])
        }
        for var link in links {
            guard let uid = mapping[link.uid] else { continue }
            link.uid = uid
            try insert(link, id, new, isRecent: false)
            try execute(
                "DELETE FROM quarantine WHERE mailbox = ? AND uid_validity = ? AND uid = ?",
                [id, new.value, uid.value])
        }
    }

    private mutating func quarantine(
        _ entry: QuarantineEntry, _ mailbox: MailboxName, _ validity: UIDValidity
    ) throws {
        let summary = entry.summary
        try execute(
            """
            INSERT OR REPLACE INTO quarantine (mailbox, uid_validity, uid, reason, detail, attempts, flags,
              octet_count, internal_date, zone, object_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                try row(mailbox), validity.value, summary.uid.value, entry.refusal.reason.rawValue,
                entry.refusal.detail, entry.attempts, summary.flags.description, summary.octetCount,
                summary.internalDate?.secondsSinceEpoch, (summary.internalDate?.zoneOffset).map { Int64($0) },
                summary.objectID,
            ])
    }

    private mutating func advance(
        _ listing: MailboxListing, _ validity: UIDValidity, _ status: MailboxStatus?
    ) throws {
        let id = try row(listing.name)
        try execute(
            """
            UPDATE mailbox SET role = ?1, mailbox_id = ?2, uid_validity = ?3, status_validity = ?4, uid_next = ?5,
              message_count = ?6, highest_mod_seq = ?7, delimiter = ?8,
              linked = (SELECT COUNT(*) FROM link WHERE mailbox = ?9 AND uid_validity = ?3)
            WHERE id = ?9
            """,
            [
                listing.role?.rawValue, listing.mailboxID, validity.value, status?.uidValidity.value,
                status?.uidNext?.value, status?.messageCount, status?.highestModSeq.map { Int64($0.value) },
                listing.name.delimiter.map { Int64($0) }, id,
            ])
        try execute("DELETE FROM quarantine WHERE mailbox = ? AND uid_validity <> ?", [id, validity.value])
    }
}
