import GRDB
public import MailCore

/// What the runs before left: mailboxes, links, quarantine and the journal of operations of one or more accounts.
///
/// SQLite in WAL mode, `synchronous=FULL`. It can be lost: links are then read back from the destination, cursors start
/// anew, nothing is doubled. It holds no content digests, only the archive's random handles.
public final class SyncState: Sendable {
    let queue: DatabaseQueue
    /// Called before and after each write that matters, for tests that crash there.
    let probe: @Sendable (String) throws -> Void
    /// What stands for a mailbox of an account beside the UIDs of erased messages.
    let place: PlaceName

    /// A text that is the same for the same account and mailbox, and should tell neither.
    public typealias PlaceName = @Sendable (_ account: String, _ mailbox: MailboxName) -> String

    /// Opens or creates the database at `path`, unencrypted.
    public static func open(path: String) throws(SyncError) -> SyncState {
        try open(path: path) { _ in }
    }

    /// Opens or creates the database at `path` on the SQLite VFS registered as `vfs`.
    ///
    /// - Parameter prepare: called with the `sqlite3 *` of each connection before any statement.
    /// - Parameter place: under what erased messages are remembered; by default account and mailbox themselves.
    public static func open(
        path: String, vfs: String?, place: PlaceName? = nil,
        prepare: @escaping @Sendable (OpaquePointer) throws -> Void
    ) throws(SyncError) -> SyncState {
        // SAFETY: the pointer is only handed on to the caller's own closure, while GRDB keeps the connection open.
        let hook: @Sendable (Database) throws -> Void = { db in
            if let connection = unsafe db.sqliteConnection { try unsafe prepare(connection) }
        }
        return try open(path: path, vfs: vfs, place: place, hook: hook) { _ in }
    }

    package static func open(
        path: String, probe: @escaping @Sendable (String) throws -> Void
    ) throws(SyncError) -> SyncState {
        try open(path: path, vfs: nil, hook: { _ in }, probe: probe)
    }

    private static func open(
        path: String, vfs: String?, place: PlaceName? = nil, hook: @escaping @Sendable (Database) throws -> Void,
        probe: @escaping @Sendable (String) throws -> Void
    ) throws(SyncError) -> SyncState {
        let configuration = Configuration.state(label: "mailarc.sync-state", hook: hook)
        do {
            let queue = try DatabaseQueue(path: Self.location(path, vfs: vfs), configuration: configuration)
            let state = SyncState(queue: queue, place: place, probe: probe)
            try state.migrate()
            return state
        } catch let error as SyncError {
            throw error
        } catch {
            throw SyncError(.stateFailed, "the sync state at \(path) cannot be opened", cause: error)
        }
    }

    private init(
        queue: DatabaseQueue, place: PlaceName?, probe: @escaping @Sendable (String) throws -> Void
    ) {
        (self.queue, self.probe) = (queue, probe)
        self.place = place ?? { account, mailbox in Array(account.utf8).hex + "/" + mailbox.octets.hex }
    }

    /// Closes the database; every later call fails.
    public func close() throws { try queue.close() }

    /// A path, or the URI that names the VFS, too (SQLite's `SQLITE_USE_URI`, which Debian's library has).
    static func location(_ path: String, vfs: String?) -> String {
        guard let vfs else { return path }
        let octets = path.utf8.flatMap { octet -> [UInt8] in
            switch octet {
            case UInt8(ascii: "?"), UInt8(ascii: "#"), UInt8(ascii: "%"):
                [UInt8(ascii: "%")] + Array([octet].hex.uppercased().utf8)
            default: [octet]
            }
        }
        return "file:\(String(decoding: octets, as: UTF8.self))?vfs=\(vfs)"
    }

    private func migrate() throws {
        try queue.write { db in
            let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            guard version <= Self.schemaVersion else {
                throw SyncError(.stateTooNew, "the sync state has schema version \(version), newer than this program")
            }
            if version < 1 { try db.execute(sql: Self.schema1) }
            if version < 2 { try db.execute(sql: Self.schema2) }
            if version < 3 { try db.execute(sql: Self.schema3) }
            if version < Self.schemaVersion { try db.execute(sql: "PRAGMA user_version = \(Self.schemaVersion)") }
        }
    }
}
