import GRDB
import MailCore

/// One change of the state.
enum PairChange: Sendable {
    /// Inserted when its id is 0.
    case put(PairLink)
    case drop(Int64)
    case insertMailbox(PairSide, MailboxListing, UIDValidity)
    /// A new mailbox, which becomes this side's half of the pair.
    case insertHalf(PairSide, MailboxListing, UIDValidity, PairTree.Pair)
    case renameMailbox(Int64, MailboxName)
    case dropMailbox(Int64)
    /// `id` 0 or less: inserted.
    case pair(PairTree.Pair)
    case dropPair(Int64)
    /// The links reflect `status`; `nil`: something is left to do.
    case cursor(Int64, MailboxListing, UIDValidity, MailboxStatus?)
    case fact(String, String)
}

extension PairState {
    /// Writes `changes` in order in one transaction; the rows that were inserted or written, in order.
    @discardableResult
    ///
    /// - Parameter isDurable: false where losing it with the power costs only that it is found out again; what is
    ///   written later is never kept without it.
    func apply(_ step: String, _ changes: [PairChange], isDurable: Bool = true) async throws -> [Int64] {
        guard !changes.isEmpty else { return [] }
        return try await write(step, isDurable: isDurable) { db in try changes.map { try Self.apply($0, db) } }
    }

    private func write<T: Sendable>(
        _ step: String, isDurable: Bool = true, _ body: @escaping @Sendable (Database) throws -> T
    ) async throws -> T {
        try probe("before " + step)
        // A cancelled task still finishes its transaction: a store may be ahead of it already.
        let result = try await withCheckedThrowingContinuation { continuation in
            queue.asyncWriteWithoutTransaction { db in
                let result = Result { try Self.transact(db, isDurable: isDurable, body) }
                continuation.resume(
                    with: result.mapError {
                        $0 is SyncError ? $0 : SyncError(.stateFailed, "the state of the pair: \($0)", cause: $0)
                    })
            }
        }
        try probe("after " + step)
        return result
    }

    /// WAL: with `NORMAL` a commit is not waited for, and the next one with `FULL` makes both durable, in their order.
    private static func transact<T>(
        _ db: Database, isDurable: Bool, _ body: (Database) throws -> T
    ) throws -> T {
        if !isDurable { try db.execute(sql: "PRAGMA synchronous = NORMAL") }
        let result = Result {
            var value: T?
            try db.inTransaction(.immediate) {
                value = try body(db)
                return .commit
            }
            return value
        }
        if !isDurable { try db.execute(sql: "PRAGMA synchronous = FULL") }
        guard let value = try result.get() else { throw SyncError(.stateFailed, "a transaction gave nothing") }
        return value
    }

    private static func apply(_ change: PairChange, _ db: Database) throws -> Int64 {
        func execute(_ sql: String, _ arguments: StatementArguments) throws -> Int64 {
            try db.cachedStatement(sql: sql).execute(arguments: arguments)
            return db.lastInsertedRowID
        }
        switch change {
        case .put(let link):
            let marks = Array(repeating: "?", count: PairLink.columnCount).joined(separator: ", ")
            let id = try execute(
                "INSERT OR REPLACE INTO link (\(PairLink.columns)) VALUES (\(marks))", link.values)
            return link.id == 0 ? id : link.id
        case .drop(let id): return try execute("DELETE FROM link WHERE id = ?", [id])
        case .insertMailbox(let side, let listing, let validity):
            return try execute(
                """
                INSERT INTO mailbox (side, name, delimiter, role, mailbox_id, uid_validity) VALUES (?, ?, ?, ?, ?, ?)
                """,
                [
                    side.rawValue, listing.name.octets.hex, listing.name.delimiter.map { Int64($0) },
                    listing.role?.rawValue, listing.mailboxID, Int64(validity.value),
                ])
        case .insertHalf(let side, let listing, let validity, var pair):
            let row = try apply(.insertMailbox(side, listing, validity), db)
            pair.rows[side] = row
            _ = try apply(.pair(pair), db)
            return row
        case .renameMailbox(let id, let name):
            return try execute(
                "UPDATE mailbox SET name = ?, delimiter = ? WHERE id = ?",
                [name.octets.hex, name.delimiter.map { Int64($0) }, id])
        case .dropMailbox(let id):
            _ = try execute("DELETE FROM link WHERE a_mailbox = ? AND a_uid IS NULL", [id])
            return try execute("DELETE FROM mailbox WHERE id = ?", [id])
        case .pair(let pair):
            let id = pair.id > 0 ? pair.id : nil
            let row = try execute(
                "INSERT OR REPLACE INTO pair (id, a, b, is_tombstone) VALUES (?, ?, ?, ?)",
                [id, pair.rows.a, pair.rows.b, pair.isTombstone])
            return id ?? row
        case .dropPair(let id): return try execute("DELETE FROM pair WHERE id = ?", [id])
        case .cursor(let id, let listing, let validity, let status):
            return try execute(
                """
                UPDATE mailbox SET name = ?1, delimiter = ?2, role = ?3, mailbox_id = ?4, uid_validity = ?5,
                  status_validity = ?6, uid_next = ?7, message_count = ?8, highest_mod_seq = ?9 WHERE id = ?10
                """,
                [
                    listing.name.octets.hex, listing.name.delimiter.map { Int64($0) }, listing.role?.rawValue,
                    listing.mailboxID, Int64(validity.value), (status?.uidValidity.value).map { Int64($0) },
                    (status?.uidNext?.value).map { Int64($0) }, status?.messageCount,
                    (status?.highestModSeq).map { Int64(bitPattern: $0.value) }, id,
                ])
        case .fact(let name, let value):
            return try execute("INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)", [name, value])
        }
    }

    // MARK: Reading

    /// Nobody else writes, and nothing is written between the statements of `body`: a transaction would add nothing.
    func read<T: Sendable>(_ body: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do { return try await queue.unsafeRead(body) } catch let error as SyncError { throw error } catch {
            throw SyncError(.stateFailed, "the state of the pair: \(error)", cause: error)
        }
    }

    func fact(_ name: String) async throws -> String? {
        try await read { try String.fetchOne($0, sql: "SELECT value FROM fact WHERE name = ?", arguments: [name]) }
    }

    func tree() async throws -> (mailboxes: [PairMailboxRow], pairs: [PairTree.Pair]) {
        try await read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, side, name, delimiter, role, mailbox_id, uid_validity, status_validity, uid_next,
                      message_count, highest_mod_seq FROM mailbox ORDER BY id
                    """)
            let pairs = try Row.fetchAll(db, sql: "SELECT id, a, b, is_tombstone FROM pair ORDER BY id")
            return (
                rows.map(PairMailboxRow.init),
                pairs.map { PairTree.Pair(id: $0[0], a: $0[1], b: $0[2], isTombstone: $0[3]) }
            )
        }
    }

    /// Compares every link that has an end in the mailbox, among the UIDs in `range`, with `diff`; the links that changed,
    /// and the diff.
    func visit(
        _ side: PairSide, _ diff: MailboxDiff, _ range: ClosedRange<UInt32> = 0 ... .max
    ) async throws -> ([(PairLink, EndStatus)], MailboxDiff) {
        let end = side == .a ? "a" : "b"
        return try await read { db in
            var diff = diff
            var flags: [String: FlagSet] = [:]
            var changed: [(id: Int64, status: EndStatus)] = []
            let ends = try Row.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT id, \(end)_validity, \(end)_uid, \(end)_flags, \(end)_octet_count, \(end)_date,
                          \(end)_zone FROM link WHERE \(end)_mailbox = ? AND \(end)_uid BETWEEN ? AND ?
                          ORDER BY \(end)_uid
                        """), arguments: [diff.row, Int64(range.lowerBound), Int64(range.upperBound)])
            while let row = try ends.next() {
                guard let end = LinkEnd(row, of: diff.row, &flags), let status = diff.visit(end) else { continue }
                changed.append((row[0], status))
            }
            let link = try db.cachedStatement(sql: "SELECT \(PairLink.columns) FROM link WHERE id = ?")
            let touched = try changed.compactMap { id, status in
                try Row.fetchOne(link, arguments: [id]).map { (PairLink($0), status) }
            }
            return (touched, diff)
        }
    }

    /// Every UID that a link has in a mailbox, under any UIDVALIDITY or under one.
    func knownUIDs(_ side: PairSide, _ mailbox: Int64, _ validity: UIDValidity? = nil) async throws -> UIDSet {
        try await read { db in
            let column = side == .a ? "a" : "b"
            let values = try Int64.fetchCursor(
                db.cachedStatement(
                    sql: """
                        SELECT \(column)_uid FROM link WHERE \(column)_mailbox = ?1 AND \(column)_uid IS NOT NULL
                          AND (?2 IS NULL OR \(column)_validity = ?2) ORDER BY \(column)_uid
                        """), arguments: [mailbox, validity.map { Int64($0.value) }])
            var ranges: [ClosedRange<UInt32>] = []
            while let value = try values.next() {
                let uid = UInt32(truncatingIfNeeded: value)
                if let last = ranges.last, last.upperBound < .max, last.upperBound + 1 == uid {
                    ranges[ranges.count - 1] = last.lowerBound...uid
                } else if uid > 0 {
                    ranges.append(uid...uid)
                }
            }
            return UIDSet(ranges: ranges)
        }
    }

    /// The links whose end on `side` is in one of `mailboxes`.
    func links(_ side: PairSide, in mailboxes: [Int64]) async throws -> [PairLink] {
        try await read { db in
            try mailboxes.flatMap { mailbox in
                try Self.links(db, "\(side == .a ? "a" : "b")_mailbox = ?", [mailbox])
            }
        }
    }

    /// Links with something under way: on trial, waiting, or of unknown outcome; `all`: everything but plain links.
    func openLinks(all: Bool) async throws -> [PairLink] {
        try await read { db in
            let open = "state IN (4, 5, 6, 11)"
            return try Self.links(db, all ? "state <> 0" : open, [])
                + Self.links(
                    db,
                    all
                        ? "state = 0 AND pending_side IS NOT NULL"
                        : "state NOT IN (4, 5, 6, 11) AND pending_side IS NOT NULL", [])
        }
    }

    /// Links known on one side alone that have or had an end in `mailbox`.
    func singles(_ side: PairSide, in mailbox: Int64) async throws -> [PairLink] {
        let (own, other) = side == .a ? ("a", "b") : ("b", "a")
        return try await read { db in
            try Self.links(db, "\(own)_mailbox = ? AND \(other)_mailbox IS NULL AND state <> 0", [mailbox])
        }
    }

    func links(canonical marks: Set<ContentMark>) async throws -> [PairLink] {
        try await read { db in
            try marks.sorted { ($0.high, $0.low) < ($1.high, $1.low) }.flatMap { mark in
                try Self.links(
                    db, "canonical_high = ? AND canonical_low = ?",
                    [Int64(bitPattern: mark.high), Int64(bitPattern: mark.low)])
            }
        }
    }

    /// The links whose end on `side` has one of these content ids, by content id.
    func links(_ side: PairSide, objectIDs: Set<String>) async throws -> [String: [PairLink]] {
        let column = "\(side == .a ? "a" : "b")_object"
        return try await read { db in
            var result: [String: [PairLink]] = [:]
            for id in objectIDs {
                let links = try Self.links(db, "\(column) = ?", [id])
                if !links.isEmpty { result[id] = links }
            }
            return result
        }
    }

    func linkCount() async throws -> Int {
        try await read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM link WHERE state = 0") ?? 0 }
    }

    /// Addresses that more than one link has; for tests: there is none.
    package func doubledAddressCount() async throws -> Int {
        try await read { db in
            try ["a", "b"].reduce(0) { count, end in
                try count
                    + (Int.fetchOne(
                        db,
                        sql: """
                            SELECT COUNT(*) FROM (SELECT 1 FROM link WHERE \(end)_uid IS NOT NULL
                            GROUP BY \(end)_mailbox, \(end)_validity, \(end)_uid HAVING COUNT(*) > 1)
                            """) ?? 0)
            }
        }
    }

    private static func links(_ db: Database, _ condition: String, _ arguments: StatementArguments) throws -> [PairLink]
    {
        let statement = try db.cachedStatement(
            sql: "SELECT \(PairLink.columns) FROM link WHERE \(condition) ORDER BY id")
        return try Row.fetchAll(statement, arguments: arguments).map { PairLink($0) }
    }
}
