internal import GRDB
public import MailCore

extension Catalog {
    /// The pack with this id, or `nil`.
    public func pack(_ id: RandomID) throws(CatalogError) -> PackRow? {
        try read { db in
            let statement = try db.cachedStatement(sql: "SELECT sha256, size FROM pack WHERE pack_id = ?")
            return try Row.fetchOne(statement, arguments: [Row.octets(id.octets)]).map { row in
                PackRow(id: id, digest: row.octets("sha256"), octetCount: UInt64(bitPattern: row["size"] as Int64))
            }
        }
    }
}

/// Packs that gave their place to one that holds what lived of them.
public struct PackMove: Sendable {
    /// `nil` if nothing lived.
    public var successor: PackRow?
    /// The successor's blobs and where they begin there.
    public var blobs: [(keyID: RandomID, offset: UInt64)]
    /// Their rows go, with those of the blobs still in them.
    public var replaced: [RandomID]
    /// The ledger's size and root after it.
    public var ledger: LedgerState

    public init(
        successor: PackRow?, blobs: [(keyID: RandomID, offset: UInt64)], replaced: [RandomID], ledger: LedgerState
    ) {
        (self.successor, self.blobs, self.replaced, self.ledger) = (successor, blobs, replaced, ledger)
    }
}

extension Catalog {
    /// Follows a compaction in one transaction.
    ///
    /// - Throws: `.inconsistent` if a blob is not known; nothing is changed then.
    public func move(_ change: PackMove) throws(CatalogError) {
        try write { db in
            if let pack = change.successor {
                try db.execute(
                    sql: "INSERT OR IGNORE INTO pack(pack_id, sha256, size) VALUES (?,?,?)",
                    arguments: [
                        Row.octets(pack.id.octets), pack.digest.map(Row.octets), Int64(bitPattern: pack.octetCount),
                    ])
                let number = try Int64.fetchOne(
                    db, sql: "SELECT id FROM pack WHERE pack_id = ?", arguments: [Row.octets(pack.id.octets)])
                let statement = try db.cachedStatement(sql: "UPDATE blob SET pack = ?, off = ? WHERE key_id = ?")
                for (keyID, offset) in change.blobs {
                    try statement.execute(arguments: [
                        number, Int64(bitPattern: offset), Row.octets(keyID.octets),
                    ])
                    guard db.changesCount == 1 else {
                        throw CatalogError(.inconsistent, "the blob \(keyID) that moved is not known")
                    }
                }
            }
            try Self.forget(change.replaced, db)
            try Meta.set("ledger_size", Int64(bitPattern: change.ledger.size), db)
            try Meta.set("ledger_root", Row.octets(change.ledger.root), db)
        }
    }

    /// Takes the rows of `packs` away, with those of the blobs in them.
    public func forgetPacks(_ packs: [RandomID]) throws(CatalogError) {
        guard !packs.isEmpty else { return }
        try write { db in try Self.forget(packs, db) }
    }

    private static func forget(_ packs: [RandomID], _ db: Database) throws {
        for id in packs {
            let key = Row.octets(id.octets)
            try db.execute(
                sql: "DELETE FROM blob WHERE pack = (SELECT id FROM pack WHERE pack_id = ?)", arguments: [key])
            try db.execute(sql: "DELETE FROM pack WHERE pack_id = ?", arguments: [key])
        }
    }
}
