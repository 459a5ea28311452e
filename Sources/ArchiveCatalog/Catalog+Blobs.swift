internal import GRDB
public import MailCore

extension Catalog {
    private static let blobColumns = """
        SELECT blob.cid, blob.key_id, pack.pack_id, off, len, raw, kind, codec, dict, chunk, shard, slot
        FROM blob JOIN pack ON pack.id = blob.pack
        """

    /// The blob stored under the keyed content id (32 octets), or `nil`.
    public func blob(contentID: [UInt8]) throws(CatalogError) -> BlobRow? {
        try blobs(contentIDs: [contentID]).values.first
    }

    /// The blob whose key has this id, or `nil`.
    public func blob(keyID: RandomID) throws(CatalogError) -> BlobRow? {
        try blobs(keyIDs: [keyID])[keyID]
    }

    /// Those of `contentIDs` that are known.
    public func blobs(contentIDs: [[UInt8]]) throws(CatalogError) -> [[UInt8]: BlobRow] {
        // Each statement sees one state, and no two need the same: a transaction for each look would cost more than it.
        try readWithoutTransaction { db in
            let statement = try db.cachedStatement(sql: Self.blobColumns + " WHERE cid = ?")
            var found: [[UInt8]: BlobRow] = [:]
            for id in contentIDs {
                if let row = try Row.fetchOne(statement, arguments: [Row.octets(id)]) { found[id] = BlobRow(row) }
            }
            return found
        }
    }

    /// Those of `keyIDs` that are known.
    public func blobs(keyIDs: [RandomID]) throws(CatalogError) -> [RandomID: BlobRow] {
        try read { db in
            let statement = try db.cachedStatement(sql: Self.blobColumns + " WHERE key_id = ?")
            var found: [RandomID: BlobRow] = [:]
            for id in keyIDs {
                if let row = try Row.fetchOne(statement, arguments: [Row.octets(id.octets)]) {
                    found[id] = BlobRow(row)
                }
            }
            return found
        }
    }

    /// All packs, by id.
    public func packs() throws(CatalogError) -> [PackRow] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT pack_id, sha256, size FROM pack ORDER BY pack_id").compactMap { row in
                guard let id = row.randomID("pack_id") else { return nil }
                return PackRow(
                    id: id, digest: row.octets("sha256"), octetCount: UInt64(bitPattern: row["size"] as Int64))
            }
        }
    }

    /// Calls `body` with the blobs of `pack`, by offset, until it returns false.
    public func blobs(inPack pack: RandomID, _ body: (BlobRow) throws -> Bool) throws(CatalogError) {
        try read { db in
            let rows = try Row.fetchCursor(
                db, sql: Self.blobColumns + " WHERE blob.pack = (SELECT id FROM pack WHERE pack_id = ?) ORDER BY off",
                arguments: [Row.octets(pack.octets)])
            while let row = try rows.next() {
                if let blob = BlobRow(row), try !body(blob) { return }
            }
        }
    }
}

extension BlobRow {
    init?(_ row: Row) {
        guard let keyID = row.randomID("key_id"), let pack = row.randomID("pack_id") else { return nil }
        func number(_ column: String) -> UInt64 { UInt64(bitPattern: row[column] as Int64) }
        self.init(
            contentID: row.octets("cid"), keyID: keyID, pack: pack, offset: number("off"),
            storedOctetCount: number("len"), rawOctetCount: number("raw"),
            kind: UInt8(truncatingIfNeeded: number("kind")), codec: UInt8(truncatingIfNeeded: number("codec")),
            dictionary: UInt16(truncatingIfNeeded: number("dict")),
            chunkLog2: UInt8(truncatingIfNeeded: number("chunk")),
            vaultShard: UInt32(truncatingIfNeeded: number("shard")),
            vaultSlot: UInt32(truncatingIfNeeded: number("slot")))
    }
}
