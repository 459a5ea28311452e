internal import GRDB
public import MailCore

let entryColumns = """
    message.id AS m_leaf, message.key_id AS m_key, message.size AS m_size, message.date AS m_date,
    message.message_id AS m_message_id, message.subject AS m_subject, message.sender AS m_from,
    message.recipients AS m_to, message.copies AS m_cc, message.archived_at AS m_archived,
    message.fidelity AS m_fidelity, message.defects AS m_defects, message.attachments AS m_attachments
    """

extension CatalogEntry {
    init?(_ row: Row) {
        guard let key = row.randomID("m_key"),
            let fidelity = Fidelity(rawValue: UInt8(truncatingIfNeeded: row["m_fidelity"] as Int64))
        else { return nil }
        self.init(
            keyID: key, leafIndex: UInt64(bitPattern: row["m_leaf"] as Int64),
            octetCount: UInt64(bitPattern: row["m_size"] as Int64), date: row["m_date"], messageID: row["m_message_id"],
            subject: row["m_subject"], from: row["m_from"], to: row["m_to"], cc: row["m_cc"],
            archivedAt: row["m_archived"], fidelity: fidelity, defectCount: row["m_defects"],
            attachmentCount: row["m_attachments"])
    }
}

/// What the catalog holds, in numbers.
public struct CatalogStatistics: Sendable, Hashable {
    /// Different messages, and their octets as they came.
    public var messages: Int
    public var messageOctets: UInt64
    /// Stored pieces, and their octets in the packs.
    public var blobs: Int
    public var storedOctets: UInt64
    public var packs: Int
    public var mailboxes: Int
    /// Places of messages that are there now, and all there ever were.
    public var currentOccurrences: Int
    public var occurrences: Int
    /// Messages that could not be taken and wait.
    public var quarantined: Int
    /// Of the catalog's file, without its log.
    public var fileOctets: UInt64
}

extension Catalog {
    /// The message whose key has this id, with its references; `nil` if there is none.
    public func message(_ keyID: RandomID) throws(CatalogError) -> CatalogEntry? {
        try read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT \(entryColumns) FROM message WHERE key_id = ?", arguments: [Row.octets(keyID.octets)])
            guard let row, var entry = CatalogEntry(row) else { return nil }
            entry.references = try Row.fetchAll(
                db, sql: "SELECT key_id FROM message_part WHERE message = ? ORDER BY n",
                arguments: [row["m_leaf"] as Int64]
            ).compactMap { $0.randomID("key_id") }
            return entry
        }
    }

    /// Messages whose key id begins with the hexadecimal digits `prefix`, at most `limit`; none for other characters.
    public func messages(idPrefix prefix: String, limit: Int = 10) throws(CatalogError) -> [CatalogEntry] {
        guard let range = IDRange(prefix) else { return [] }
        return try read { db in
            try Row.fetchAll(
                db,
                sql: "SELECT \(entryColumns) FROM message WHERE key_id BETWEEN ? AND ? ORDER BY key_id LIMIT ?",
                arguments: [Row.octets(range.lower), Row.octets(range.upper), limit]
            ).compactMap(CatalogEntry.init)
        }
    }

    /// Size and root of the ledger the catalog reflects; `nil` before the first group.
    public func ledger() throws(CatalogError) -> LedgerState? {
        try read { db in
            guard let size = try Meta.number("ledger_size", db), let root = try Meta.octets("ledger_root", db) else {
                return nil
            }
            return LedgerState(size: size, root: root)
        }
    }

    /// The sequence of the last event record applied; 0 before the first.
    public func eventSequence() throws(CatalogError) -> UInt64 { try read { db in try Meta.eventSequence(db) } }

    /// The sequence of the last event record applied that speaks of `account`; 0 before the first.
    public func eventSequence(account: String) throws(CatalogError) -> UInt64 {
        try read { db in try Meta.number(Meta.eventSequenceKey(account), db) ?? 0 }
    }

    /// A caller's own value, as ``setMeta(_:_:)`` stored it.
    public func meta(_ key: String) throws(CatalogError) -> [UInt8]? {
        try read { db in try Meta.octets("x." + key, db) }
    }

    /// Keeps a value of the caller's under `key`.
    public func setMeta(_ key: String, _ value: [UInt8]) throws(CatalogError) {
        try write { db in try Meta.set("x." + key, Row.octets(value), db) }
    }

    /// Messages, occurrences and accounts, counted.
    public func statistics() throws(CatalogError) -> CatalogStatistics {
        try read { db in
            func number(_ sql: String) throws -> Int { try Int.fetchOne(db, sql: sql) ?? 0 }
            return CatalogStatistics(
                messages: try number("SELECT count(*) FROM message"),
                messageOctets: UInt64(try number("SELECT coalesce(sum(size), 0) FROM message")),
                blobs: try number("SELECT count(*) FROM blob"),
                storedOctets: UInt64(try number("SELECT coalesce(sum(len), 0) FROM blob")),
                packs: try number("SELECT count(*) FROM pack"),
                mailboxes: try number("SELECT count(*) FROM mailbox WHERE deleted IS NULL"),
                currentOccurrences: try number("SELECT count(*) FROM placement WHERE gone_seq IS NULL"),
                occurrences: try number("SELECT count(*) FROM placement"),
                quarantined: try number("SELECT count(*) FROM quarantine"),
                fileOctets: UInt64(try number("PRAGMA page_count") * number("PRAGMA page_size")))
        }
    }

    /// What is wrong with the file; empty where nothing is. Reads every page.
    public func integrityCheck() throws(CatalogError) -> [String] {
        do {
            return try read { db in
                try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
            }
        } catch  where error.kind == .damaged {
            return [error.message]
        }
    }
}

/// The key ids that begin with some hexadecimal digits.
struct IDRange {
    var lower: [UInt8]
    var upper: [UInt8]

    /// `nil` for no digits, more than 32, or other characters.
    init?(_ prefix: String) {
        let count = prefix.utf8.count
        guard (1...32).contains(count), let lower = [UInt8](hex: prefix + String(repeating: "0", count: 32 - count)),
            let upper = [UInt8](hex: prefix + String(repeating: "f", count: 32 - count))
        else { return nil }
        (self.lower, self.upper) = (lower, upper)
    }
}
