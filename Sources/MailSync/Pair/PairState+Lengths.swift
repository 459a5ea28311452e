import GRDB
import MailCore

/// What may be the same message, by its announced length.
extension PairState {
    /// For each announced length, whether a message that was copied to `mailbox` after `time` may be of the same.
    func hasCopied(
        _ counts: [Int?], _ side: PairSide, in mailbox: Int64, since time: Int64
    ) async throws -> [Bool] {
        try await hasMessages(
            counts, side, in: mailbox, "reason = '\(PairLink.copied(to: side))' AND since >= \(time)")
    }

    /// For each announced length, whether a message that is or was in `mailbox` may be of the same.
    func hasMessages(
        _ counts: [Int?], _ side: PairSide, in mailbox: Int64, _ condition: String = "TRUE"
    ) async throws -> [Bool] {
        let end = side == .a ? "a" : "b"
        return try await read { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT EXISTS (SELECT 1 FROM link WHERE \(condition) AND \(end)_mailbox = ?1
                      AND (\(end)_octet_count BETWEEN ?2 AND ?3 OR \(end)_octet_count IS NULL))
                    """)
            return try counts.map { count in
                let low = count.map { $0 - traceAllowance } ?? 0
                let high = count.map { $0 + traceAllowance } ?? .max
                return try Bool.fetchOne(statement, arguments: [mailbox, low, high]) ?? false
            }
        }
    }
}
