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
