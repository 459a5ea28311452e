import GRDB
import MailCore
import Synchronization

extension SyncState {
    /// Makes the links equal to what the destination records, and forgets all cursors.
    ///
    /// After a crash, or when this database was lost. Sizes and content ids of links that stay are kept.
    func rebuild(
        _ side: SideRow, from destination: any HistoryDestination, sequence: UInt64
    ) async throws {
        let mailboxes = try await destination.currentMailboxes()
        // A generation no row has: rows that do not get it are not in the destination.
        let generation = try await write("rebuild") { db in
            let next = try Self.nextGeneration(db)
            var applier = ChangeApplier(db: db, side: side.id, run: side.run)
            for mailbox in mailboxes { _ = try applier.create(mailbox, mailboxID: nil, generation: next) }
            return next
        }
        let buffer = Mutex<[OccurrenceRow]>([])
        let isAfterCrash = side.appliedSequence != nil
        try await destination.currentOccurrences { row in
            let full: [OccurrenceRow]? = buffer.withLock { rows in
                rows.append(row)
                // LIMIT: 4,096 rows of some 200 octets bound the memory of a rebuild.
                guard rows.count >= 4_096 else { return nil }
                defer { rows = [] }
                return rows
            }
            if let full { try self.merge(full, side, generation, isRecent: isAfterCrash) }
        }
        try merge(buffer.withLock { $0 }, side, generation, isRecent: isAfterCrash)
        try await finishRebuild(side.id, generation, sequence)
    }

    private func finishRebuild(_ side: Int64, _ generation: Int64, _ sequence: UInt64) async throws {
        try await write("rebuilt") { db in
            try db.execute(
                sql: """
                    DELETE FROM link WHERE generation <> ?1 AND mailbox IN (SELECT id FROM mailbox WHERE side = ?2)
                    """, arguments: [generation, side])
            try db.execute(
                sql: "DELETE FROM mailbox WHERE side = ? AND generation <> ?", arguments: [side, generation])
            try db.execute(
                sql: """
                    UPDATE mailbox SET status_validity = NULL, uid_next = NULL, message_count = NULL,
                      highest_mod_seq = NULL,
                      linked = (SELECT COUNT(*) FROM link l
                        WHERE l.mailbox = mailbox.id AND l.uid_validity = mailbox.uid_validity)
                    WHERE side = ?
                    """, arguments: [side])
            try db.execute(
                sql: """
                    DELETE FROM quarantine WHERE EXISTS (SELECT 1 FROM link l WHERE l.mailbox = quarantine.mailbox
                      AND l.uid_validity = quarantine.uid_validity AND l.uid = quarantine.uid)
                    """)
            try db.execute(
                sql: "UPDATE side SET applied_sequence = ? WHERE id = ?",
                arguments: [Int64(truncatingIfNeeded: sequence), side])
        }
    }

    private static func nextGeneration(_ db: Database) throws -> Int64 {
        let sql =
            "SELECT MAX(COALESCE((SELECT MAX(generation) FROM mailbox), 0), "
            + "COALESCE((SELECT MAX(generation) FROM link), 0)) + 1"
        return try Int64.fetchOne(db, sql: sql) ?? 1
    }

    private func merge(
        _ rows: [OccurrenceRow], _ side: SideRow, _ generation: Int64, isRecent: Bool
    ) throws {
        guard !rows.isEmpty else { return }
        try queue.write { db in
            var applier = ChangeApplier(db: db, side: side.id, run: side.run)
            let statement = try db.cachedStatement(
                sql: """
                    INSERT INTO link (mailbox, uid_validity, uid, message_high, message_low, flags, octet_count,
                      internal_date, zone, is_recent, generation) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (mailbox, uid_validity, uid) DO UPDATE SET flags = excluded.flags,
                      generation = excluded.generation,
                      octet_count = IIF(message_low = excluded.message_low, octet_count, excluded.octet_count),
                      internal_date = IIF(message_low = excluded.message_low, internal_date, excluded.internal_date),
                      object_id = IIF(message_low = excluded.message_low, object_id, NULL),
                      message_high = excluded.message_high, message_low = excluded.message_low
                    """)
            var ids: [MailboxName: Int64] = [:]
            for row in rows {
                let recorded = RecordedMailbox(name: row.mailbox, uidValidity: row.uidValidity)
                let id: Int64
                if let known = ids[row.mailbox] {
                    id = known
                } else {
                    id = try applier.create(recorded, mailboxID: nil, generation: generation)
                    ids[row.mailbox] = id
                }
                try statement.execute(arguments: [
                    id, row.uidValidity.value, row.uid.value, row.message.halves.0, row.message.halves.1,
                    row.flags.description,
                    row.octetCount, row.internalDate?.secondsSinceEpoch,
                    (row.internalDate?.zoneOffset).map { Int64($0) }, isRecent, generation,
                ])
            }
        }
    }
}
