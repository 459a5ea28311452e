internal import GRDB

extension Catalog {
    /// The messages no place of which is kept beyond `time`, in seconds since 1970, oldest first.
    ///
    /// A place that was never given an end is kept for good, also once the message left it.
    public func expiring(by time: Int64) throws(CatalogError) -> [CatalogEntry] {
        try read { db in
            try Row.fetchAll(
                db, sql: "SELECT \(entryColumns) FROM message WHERE \(Self.isExpiring) ORDER BY id",
                arguments: ["time": time]
            ).compactMap(CatalogEntry.init)
        }
    }

    /// How many those are.
    public func expiringCount(by time: Int64) throws(CatalogError) -> Int {
        try read { db in
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM message WHERE \(Self.isExpiring)", arguments: ["time": time]) ?? 0
        }
    }

    private static let isExpiring = """
        id IN (SELECT p.message FROM delivery d JOIN placement p ON p.id = d.placement WHERE d.kept_until <= :time)
            AND NOT EXISTS (SELECT 1 FROM placement p LEFT JOIN delivery d ON d.placement = p.id
                WHERE p.message = message.id AND (d.kept_until IS NULL OR d.kept_until > :time))
        """
}
