import GRDB
import MailCore

/// An account's row.
struct SideRow: Sendable {
    var id: Int64
    var fingerprint: String?
    /// The destination's event sequence that the links equal; `nil` before the first commit.
    var appliedSequence: UInt64?
    var run: Int
    var isLastRunComplete: Bool
}

/// Where a moved message is now.
struct MoveTarget: Sendable {
    var mailbox: MailboxName
    var validity: UIDValidity
    var uid: UID
}

extension SyncState {
    func side(_ account: String) async throws -> SideRow? {
        try await queue.read { db in
            try Row.fetchOne(
                db, sql: "SELECT id, fingerprint, applied_sequence, run, completed_run FROM side WHERE account = ?",
                arguments: [account]
            ).map { row in
                SideRow(
                    id: row[0], fingerprint: row[1], appliedSequence: (row[2] as Int64?).map { UInt64($0) },
                    run: row[3], isLastRunComplete: (row[3] as Int) == (row[4] as Int))
            }
        }
    }

    func mailboxes(_ side: Int64) async throws -> [BaseMailbox] {
        try await queue.read { db in
            let sql = """
                SELECT name, delimiter, role, mailbox_id, uid_validity, status_validity, uid_next, message_count,
                  highest_mod_seq, linked,
                  (SELECT COUNT(*) FROM quarantine q WHERE q.mailbox = m.id AND q.uid_validity = m.uid_validity),
                  EXISTS (SELECT 1 FROM link l WHERE l.mailbox = m.id AND l.uid_validity < m.uid_validity)
                    OR EXISTS (SELECT 1 FROM link l WHERE l.mailbox = m.id AND l.uid_validity > m.uid_validity)
                FROM mailbox m WHERE side = ? ORDER BY m.id
                """
            let rows = try Row.fetchCursor(db, sql: sql, arguments: [side])
            var result: [BaseMailbox] = []
            while let row = try rows.next() {
                let validity = UIDValidity(UInt32(truncatingIfNeeded: row[4] as Int64))
                result.append(
                    BaseMailbox(
                        name: Self.name(row[0], row[1]), role: (row[2] as String?).flatMap(MailboxRole.init),
                        mailboxID: row[3], uidValidity: validity, status: Self.status(row), linkedCount: row[9],
                        quarantinedCount: row[10], hasStaleLinks: row[11]))
            }
            return result
        }
    }

    /// The base of a look at `mailbox`; links only of `uids` when given.
    func messages(
        _ side: Int64, mailbox: MailboxName, validity: UIDValidity, uids: [UID]?, objectIDs: [String]
    ) async throws -> BaseMessages {
        try await queue.read { db in
            var result = BaseMessages()
            result.messagesByObjectID = try Self.messagesByObjectID(db, side, objectIDs)
            result.erasedUIDs = try self.erasedUIDs(db, side, mailbox, validity)
            guard let id = try Self.mailboxRow(db, side, mailbox) else { return result }
            var reader = LinkReader()
            if let uids {
                result.links = try reader.links(db, id, validity, uids)
            } else {
                result.links = try reader.links(db, id, validity)
            }
            result.stale = try reader.staleLinks(db, id, validity)
            result.quarantine = try reader.quarantine(db, id, validity)
            result.knownUIDs = try Self.knownUIDs(db, id, validity).union(result.erasedUIDs)
            return result
        }
    }

    /// The messages that have these content ids of the side.
    func messages(_ side: Int64, withObjectIDs ids: [String]) async throws -> [String: RandomID] {
        try await queue.read { try Self.messagesByObjectID($0, side, ids) }
    }

    /// The base of a look at those messages of `mailbox` whose UIDs are in `part`; ``BaseMessages/knownUIDs`` only these.
    func messages(
        _ side: Int64, mailbox: MailboxName, validity: UIDValidity, part: ClosedRange<UInt32>, objectIDs: [String]
    ) async throws -> BaseMessages {
        try await queue.read { db in
            let objects = try Self.messagesByObjectID(db, side, objectIDs)
            let erased = try self.erasedUIDs(db, side, mailbox, validity)
                .intersection(UIDSet(ranges: [part]))
            var result = BaseMessages(messagesByObjectID: objects)
            if let id = try Self.mailboxRow(db, side, mailbox) {
                var reader = LinkReader()
                result = BaseMessages(
                    links: try reader.links(db, id, validity, part), stale: try reader.staleLinks(db, id, validity),
                    quarantine: try reader.quarantine(db, id, validity).filter { part.contains($0.key.value) },
                    messagesByObjectID: objects)
            }
            result.erasedUIDs = erased
            return result
        }
    }

    func knownUIDs(_ side: Int64, mailbox: MailboxName, validity: UIDValidity) async throws -> UIDSet {
        try await queue.read { db in
            guard let id = try Self.mailboxRow(db, side, mailbox) else { return UIDSet() }
            return try Self.knownUIDs(db, id, validity).union(self.erasedUIDs(db, side, mailbox, validity))
        }
    }

    func linkedCount(_ side: Int64, mailbox: MailboxName, validity: UIDValidity) async throws -> Int {
        try await queue.read { db in
            guard let id = try Self.mailboxRow(db, side, mailbox) else { return 0 }
            return try Int.fetchOne(
                db, sql: "SELECT COUNT(*) FROM link WHERE mailbox = ? AND uid_validity = ?",
                arguments: [id, validity.value]) ?? 0
        }
    }

    func quarantine(
        _ side: Int64, mailbox: MailboxName, validity: UIDValidity
    ) async throws -> [UID: QuarantineEntry] {
        try await queue.read { db in
            guard let id = try Self.mailboxRow(db, side, mailbox) else { return [:] }
            var reader = LinkReader()
            return try reader.quarantine(db, id, validity)
        }
    }

    /// The links of `mailbox` at `uids` under `validity`; all of the mailbox under any UIDVALIDITY when `uids` is `nil`.
    func linksThatLeave(
        _ side: Int64, mailbox: MailboxName, validity: UIDValidity, uids: [UID]
    ) async throws -> [Link] {
        try await queue.read { db in
            guard let id = try Self.mailboxRow(db, side, mailbox) else { return [] }
            var reader = LinkReader()
            return try reader.links(db, id, validity, uids)
        }
    }

    /// Every link of `mailbox`, under any UIDVALIDITY.
    func allLinks(_ side: Int64, mailbox: MailboxName) async throws -> [StaleLink] {
        try await queue.read { db in
            guard let id = try Self.mailboxRow(db, side, mailbox) else { return [] }
            var reader = LinkReader()
            return try reader.staleLinks(db, id, nil)
        }
    }

    /// Where `message` was placed since the last completed run, in mailbox and UID order.
    func moveTargets(_ side: Int64, of message: RandomID) async throws -> [MoveTarget] {
        try await queue.read { db in
            let sql = """
                SELECT m.name, m.delimiter, l.uid_validity, l.uid FROM link l JOIN mailbox m ON m.id = l.mailbox
                WHERE l.message_high = ? AND l.message_low = ? AND l.is_recent = 1 AND m.side = ? ORDER BY l.mailbox, l.uid
                """
            return try Row.fetchAll(db, sql: sql, arguments: [message.halves.0, message.halves.1, side]).compactMap {
                row in
                guard let uid = UID(UInt32(truncatingIfNeeded: row[3] as Int64)) else { return nil }
                return MoveTarget(
                    mailbox: Self.name(row[0], row[1]),
                    validity: UIDValidity(UInt32(truncatingIfNeeded: row[2] as Int64)), uid: uid)
            }
        }
    }

    func hasRecentLinks() async throws -> Bool {
        try await queue.read { db in
            try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM link WHERE is_recent = 1)") ?? false
        }
    }
}
