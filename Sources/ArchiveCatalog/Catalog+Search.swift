internal import GRDB

/// How hits are ordered.
public enum SearchOrder: String, Sendable, Hashable, CaseIterable {
    /// By date, newest first.
    case newest
    /// By how well the words fit (BM25; subject and sender weigh more); newest first where there are no words.
    case relevance
}

/// A place in a date-ordered search to go on behind.
public struct SearchCursor: Sendable, Hashable {
    public var date: Int64
    public var leafIndex: UInt64

    public init(date: Int64, leafIndex: UInt64) { (self.date, self.leafIndex) = (date, leafIndex) }
}

/// One message found.
public struct SearchHit: Sendable, Hashable {
    public var entry: CatalogEntry
    /// To go on behind this hit.
    public var cursor: SearchCursor { SearchCursor(date: entry.date, leafIndex: entry.leafIndex) }
}

/// One page of what was found.
public struct SearchResult: Sendable, Hashable {
    public var hits: [SearchHit]
    /// How many messages there are in all pages.
    public var total: Int
}

extension Catalog {
    /// The messages `query` finds, a page of them.
    ///
    /// - Parameter cursor: with `.newest`: only what comes behind it; steadier than `offset` while mail arrives.
    /// - Throws: `.failed`, `.damaged`; a query that parsed is never refused.
    public func search(
        _ query: Query, order: SearchOrder = .newest, limit: Int = 50, offset: Int = 0,
        after cursor: SearchCursor? = nil
    ) throws(CatalogError) -> SearchResult {
        try read { db in
            var counting = QueryCompiler()
            let counted = counting.condition(query.root)
            let total = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM message WHERE \(counted)",
                arguments: StatementArguments(counting.arguments))
            let page = Self.page(query, order, limit: limit, offset: offset, cursor)
            let rows = try Row.fetchAll(db, sql: page.sql, arguments: page.arguments)
            return SearchResult(
                hits: rows.compactMap { row in CatalogEntry(row).map { SearchHit(entry: $0) } }, total: total ?? 0)
        }
    }

    /// Calls `body` with every message `query` finds, newest first, until it returns false.
    public func forEach(_ query: Query, _ body: (CatalogEntry) throws -> Bool) throws(CatalogError) {
        try read { db in
            let page = Self.page(query, .newest, limit: -1, offset: 0, nil)
            let rows = try Row.fetchCursor(db, sql: page.sql, arguments: page.arguments)
            while let row = try rows.next() {
                if let entry = CatalogEntry(row), try !body(entry) { return }
            }
        }
    }

    /// How `query` is answered: SQL and SQLite's plan, for people.
    public func explain(_ query: Query, order: SearchOrder = .newest) throws(CatalogError) -> [String] {
        try read { db in
            let page = Self.page(query, order, limit: 50, offset: 0, nil)
            let plan = try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN " + page.sql, arguments: page.arguments)
            return [page.sql] + plan.map { $0["detail"] }
        }
    }

    private static func page(
        _ query: Query, _ order: SearchOrder, limit: Int, offset: Int, _ cursor: SearchCursor?
    ) -> (sql: String, arguments: StatementArguments) {
        var compiler = QueryCompiler()
        var values: [(any DatabaseValueConvertible)?] = []
        var sql = "SELECT \(entryColumns) FROM "
        let parts: [QueryNode] = if case .and(let nodes) = query.root { nodes } else { [query.root] }
        let (indexed, others) = QueryCompiler.split(parts)
        if order == .relevance, let indexed, let match = QueryCompiler.match(indexed) {
            values.append(match)
            sql +=
                "fts CROSS JOIN message ON message.id = fts.rowid WHERE fts MATCH ? AND "
                + compiler.condition(.and(others))
                + " ORDER BY bm25(fts, 8.0, 4.0, 2.0, 2.0, 1.0, 0.5, 2.0), message.date DESC, message.id DESC"
            values += compiler.arguments
        } else {
            sql += "message WHERE " + compiler.condition(query.root)
            values += compiler.arguments
            if let cursor {
                sql += " AND (message.date, message.id) < (?, ?)"
                values += [cursor.date, Int64(clamping: cursor.leafIndex)]
            }
            sql += " ORDER BY message.date DESC, message.id DESC"
        }
        values += [limit, max(0, offset)]
        return (sql + " LIMIT ? OFFSET ?", StatementArguments(values))
    }
}
