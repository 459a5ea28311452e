internal import GRDB
internal import MailCore

extension Catalog {
    /// Adds `group` in one transaction.
    ///
    /// What the catalog has already (blobs by key id, messages by leaf, event records by sequence) is left as it is, so
    /// a group may be applied again, whole or in part. A blob that moved to another pack is updated.
    /// - Throws: `.inconsistent`, `.failed`, `.busy`, `.damaged`; nothing is changed then.
    public func apply(_ group: CatalogGroup) throws(CatalogError) {
        try write { db in
            var packs = PackNumbers()
            for pack in group.packs { try packs.put(pack, db) }
            for blob in group.blobs { try Self.put(blob, pack: try packs.number(of: blob.pack, db), db) }
            try Self.put(group.messages, db)
            if !group.events.isEmpty {
                var applier = EventApplier(last: try Meta.eventSequence(db))
                for record in group.events { try applier.apply(record, db) }
                try Meta.set("event_sequence", Int64(bitPattern: applier.last), db)
            }
            if let ledger = group.ledger {
                guard ledger.root.count == 32 else { throw CatalogError(.inconsistent, "a ledger root has 32 octets") }
                try Meta.set("ledger_size", Int64(bitPattern: ledger.size), db)
                try Meta.set("ledger_root", Row.octets(ledger.root), db)
            }
        }
    }

    private static func put(_ blob: BlobRow, pack: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO blob(cid, key_id, pack, off, len, raw, kind, codec, dict, chunk, shard, slot)
                VALUES (?,?,?,?,?,?,?,?,?,?,?,?)
                ON CONFLICT(key_id) DO UPDATE SET pack = excluded.pack, off = excluded.off, len = excluded.len,
                    codec = excluded.codec, dict = excluded.dict, shard = excluded.shard, slot = excluded.slot
                ON CONFLICT DO NOTHING
                """
        ).execute(arguments: [
            blob.contentID.map(Row.octets), Row.octets(blob.keyID.octets), pack, Int64(bitPattern: blob.offset),
            Int64(bitPattern: blob.storedOctetCount), Int64(bitPattern: blob.rawOctetCount), Int(blob.kind),
            Int(blob.codec), Int(blob.dictionary), Int(blob.chunkLog2), Int64(blob.vaultShard), Int64(blob.vaultSlot),
        ])
    }

    private static func put(_ messages: [CatalogEntry], _ db: Database) throws {
        guard !messages.isEmpty else { return }
        let missing = try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM placement WHERE missing IS NOT NULL)")
        for message in messages {
            guard let leaf = Int64(exactly: message.leafIndex) else {
                throw CatalogError(.inconsistent, "no ledger has \(message.leafIndex) leaves")
            }
            let before = db.totalChangesCount
            try db.cachedStatement(
                sql: """
                    INSERT OR IGNORE INTO message(id, key_id, size, date, message_id, subject, sender, recipients, copies,
                        archived_at, fidelity, defects, attachments) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)
                    """
            ).execute(arguments: [
                leaf, Row.octets(message.keyID.octets), Int64(bitPattern: message.octetCount), message.date,
                message.messageID, message.subject, message.from, message.to, message.cc, message.archivedAt,
                Int(message.fidelity.rawValue), message.defectCount, message.attachmentCount,
            ])
            guard db.totalChangesCount != before else { continue }
            for (index, part) in message.references.enumerated() {
                try db.cachedStatement(sql: "INSERT INTO message_part(message, n, key_id) VALUES (?,?,?)")
                    .execute(arguments: [leaf, index, Row.octets(part.octets)])
            }
            if let text = message.text { try index(text, as: leaf, db) }
            if missing == true {
                try db.execute(
                    sql: "UPDATE placement SET message = ?, missing = NULL WHERE missing = ?",
                    arguments: [leaf, Row.octets(message.keyID.octets)])
            }
        }
    }

    private static func index(_ text: IndexedText, as row: Int64, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO fts(rowid, subject, sender, recipients, copies, body, attachment, filename)
                VALUES (?,?,?,?,?,?,?,?)
                """
        ).execute(arguments: StatementArguments([row]) + StatementArguments(text.columns))
    }
}

/// Row numbers of the packs a group names.
private struct PackNumbers {
    private var numbers: [RandomID: Int64] = [:]

    mutating func put(_ pack: PackRow, _ db: Database) throws {
        try db.cachedStatement(
            sql: """
                INSERT INTO pack(pack_id, sha256, size) VALUES (?,?,?)
                ON CONFLICT(pack_id) DO UPDATE SET
                    size = CASE WHEN sha256 IS NOT NULL AND excluded.sha256 IS NULL THEN size ELSE excluded.size END,
                    sha256 = coalesce(excluded.sha256, sha256)
                """
        ).execute(arguments: [
            Row.octets(pack.id.octets), pack.digest.map(Row.octets), Int64(bitPattern: pack.octetCount),
        ])
    }

    mutating func number(of pack: RandomID, _ db: Database) throws -> Int64 {
        if let known = numbers[pack] { return known }
        let number = try Int64.fetchOne(
            db, sql: "SELECT id FROM pack WHERE pack_id = ?", arguments: [Row.octets(pack.octets)])
        guard let number else { throw CatalogError(.inconsistent, "a blob is in pack \(pack), which is not known") }
        numbers[pack] = number
        return number
    }
}
