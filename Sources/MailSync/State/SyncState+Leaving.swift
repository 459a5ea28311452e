import GRDB
import MailCore

extension SyncState {
    /// The journal's word for messages about to be deleted in the source under `validity`.
    static func leaving(_ validity: UIDValidity) -> String { leavingPrefix + String(validity.value) }
    static let leavingPrefix = "leaving:"

    /// Messages that were about to be deleted in the source.
    struct Leaving: Sendable {
        var mailbox: MailboxName
        var uidValidity: UIDValidity
        var uids: UIDSet
    }

    /// What runs that died were deleting in the source.
    func begunLeaving(_ side: Int64) async throws -> [Leaving] {
        try await queue.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT o.kind, o.uids, o.mailbox, (SELECT m.delimiter FROM mailbox m
                      WHERE m.side = o.side AND m.name = o.mailbox) FROM operation o
                    WHERE o.side = ? AND o.state < ? AND o.kind LIKE ?
                    """,
                arguments: [side, OperationState.done.rawValue, Self.leavingPrefix + "%"])
            return rows.compactMap { row in
                guard let validity = UInt32((row[0] as String).dropFirst(Self.leavingPrefix.count)) else { return nil }
                return Leaving(
                    mailbox: Self.name(row[2], row[3]), uidValidity: UIDValidity(validity), uids: Self.uids(row[1]))
            }
        }
    }

    /// They are dealt with.
    func endLeaving(_ side: Int64) async throws {
        try await write("leaving") { db in
            try db.execute(
                sql: "UPDATE operation SET state = ? WHERE side = ? AND state < ? AND kind LIKE ?",
                arguments: [
                    OperationState.done.rawValue, side, OperationState.done.rawValue, Self.leavingPrefix + "%",
                ])
        }
    }

    /// Links under the present UIDVALIDITY whose messages arrived by `moment`, from the UID after `last` on.
    ///
    /// Without a date, an account whose UIDs are given here counts from when a message was first seen.
    func oldLinks(
        _ side: Int64, mailbox: MailboxName, until moment: Int64, after last: UID?, limit: Int
    ) async throws -> (uidValidity: UIDValidity, links: [Link]) {
        try await queue.read { db in
            guard let id = try Self.mailboxRow(db, side, mailbox),
                let value = try Int64.fetchOne(
                    db, sql: "SELECT uid_validity FROM mailbox WHERE id = ?", arguments: [id])
            else { return (UIDValidity(0), []) }
            let validity = UIDValidity(UInt32(truncatingIfNeeded: value))
            let uids = try Int64.fetchAll(
                db,
                sql: """
                    SELECT uid FROM link WHERE mailbox = ?1 AND uid_validity = ?2 AND uid > ?3
                      AND COALESCE(internal_date, (SELECT n.seen FROM side s JOIN numbering v USING (account)
                        JOIN numbered n USING (account)
                        WHERE s.id = ?6 AND v.uid_validity = ?2 AND n.uid = link.uid)) <= ?4
                    ORDER BY uid LIMIT ?5
                    """, arguments: [id, value, Int64(last?.value ?? 0), moment, limit, side]
            ).compactMap { UID(UInt32(truncatingIfNeeded: $0)) }
            var reader = LinkReader()
            return (validity, try reader.links(db, id, validity, uids))
        }
    }

    /// `1:3,7`, as ``UIDSet`` describes itself.
    private static func uids(_ text: String) -> UIDSet {
        UIDSet(
            ranges: text.split(separator: ",").compactMap { part in
                let ends = part.split(separator: ":").compactMap { UInt32($0) }
                guard let low = ends.first, let high = ends.last, low > 0, low <= high else { return nil }
                return low...high
            })
    }
}
