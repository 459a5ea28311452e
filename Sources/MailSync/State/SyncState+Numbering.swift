import GRDB
public import MailCore

/// How the messages of an account without UIDs are numbered.
public struct MessageNumbering: Sendable {
    /// The account's name in the destination.
    public var account: String
    /// Seconds since 1970: of what is seen for the first time.
    public var now: Int64
    /// False in a dry run: what is new is numbered, and forgotten.
    public var isKept: Bool

    public init(account: String, now: Int64, isKept: Bool = true) {
        (self.account, self.now, self.isKept) = (account, now, isKept)
    }
}

extension SyncState {
    /// The UIDs of messages known by `keys`, in their order: the same key, the same UID, for as long as this database is
    /// there; a new key gets the next one. Durable when this returns.
    ///
    /// - Parameter keys: of everything the account holds, each once; any text.
    /// - Throws: ``SyncError`` `.diskFull`, `.stateUnwritable`, `.stateFailed`.
    public func number(
        _ keys: [String], by numbering: MessageNumbering
    ) async throws(SyncError) -> (uidValidity: UIDValidity, uids: [UID]) {
        do {
            let found = try await queue.read { db in try Numbers(db, numbering) }
            guard found.hasNew(keys) || found.isOvergrown(keys), numbering.isKept else {
                var numbers = found
                return (numbers.validity, numbers.assign(keys).uids)
            }
            return try await write("number") { db in
                var numbers = try Numbers(db, numbering)
                let (uids, new) = numbers.assign(keys)
                try numbers.save(new, in: db, numbering)
                if numbers.isOvergrown(keys) { try numbers.prune(keys, in: db, numbering) }
                return (numbers.validity, uids)
            }
        } catch let error as SyncError { throw error } catch { throw .state(error, "the sync state") }
    }
}

/// The numbers of an account.
private struct Numbers: Sendable {
    let validity: UIDValidity
    private var next: UInt32
    private var uids: [String: UID] = [:]
    private let isNew: Bool

    init(_ db: Database, _ numbering: MessageNumbering) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT uid_validity, next FROM numbering WHERE account = ?", arguments: [numbering.account])
        isNew = row == nil
        // Never 0, and another one each time an account is begun anew.
        let fresh = UInt32(truncatingIfNeeded: numbering.now) | 1
        validity = UIDValidity(row.map { UInt32(truncatingIfNeeded: $0[0] as Int64) } ?? fresh)
        next = row.map { UInt32(truncatingIfNeeded: $0[1] as Int64) } ?? 1
        let rows = try Row.fetchCursor(
            db, sql: "SELECT known_by, uid FROM numbered WHERE account = ?", arguments: [numbering.account])
        while let row = try rows.next() {
            if let uid = UID(UInt32(truncatingIfNeeded: row[1] as Int64)) { uids[row[0]] = uid }
        }
    }

    func hasNew(_ keys: [String]) -> Bool { isNew || keys.contains { uids[$0] == nil } }

    /// LIMIT: what is not there any more is forgotten when it is most of what is remembered.
    func isOvergrown(_ keys: [String]) -> Bool { uids.count > 2 * keys.count + 1_000 }

    mutating func assign(_ keys: [String]) -> (uids: [UID], new: [String: UID]) {
        var new: [String: UID] = [:]
        let all = keys.map { key in
            if let uid = uids[key] { return uid }
            // LIMIT: 2³² messages of one account; beyond them the last UID is given again, and refused by the database.
            let uid = UID(next) ?? .max
            next = next == .max ? .max : next + 1
            (uids[key], new[key]) = (uid, uid)
            return uid
        }
        return (all, new)
    }

    func save(_ new: [String: UID], in db: Database, _ numbering: MessageNumbering) throws {
        try db.execute(
            sql: """
                INSERT INTO numbering (account, uid_validity, next) VALUES (?, ?, ?)
                ON CONFLICT (account) DO UPDATE SET next = excluded.next
                """, arguments: [numbering.account, Int64(validity.value), Int64(next)])
        let statement = try db.cachedStatement(
            sql: "INSERT INTO numbered (account, known_by, uid, seen) VALUES (?, ?, ?, ?)")
        for (key, uid) in new.sorted(by: { $0.value < $1.value }) {
            try statement.execute(arguments: [numbering.account, key, Int64(uid.value), numbering.now])
        }
    }

    func prune(_ keys: [String], in db: Database, _ numbering: MessageNumbering) throws {
        let present = Set(keys)
        let statement = try db.cachedStatement(sql: "DELETE FROM numbered WHERE account = ? AND known_by = ?")
        for key in uids.keys where !present.contains(key) {
            try statement.execute(arguments: [numbering.account, key])
        }
    }
}
