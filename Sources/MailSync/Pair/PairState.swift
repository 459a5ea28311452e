internal import CSQLite
internal import GRDB
internal import Glibc
internal import MailCore

/// What the runs before left of one pair of stores: mailboxes, links and the journal of effects under way.
///
/// One SQLite file per pair, WAL, `synchronous=FULL`; no subject, no address, no digest that means anything without the
/// key in it. It can be lost: equal messages are then found by their octets again, and nothing is doubled; but what was
/// deleted on one side only comes again from the other.
public final class PairState: Sendable {
    let queue: DatabaseQueue
    /// Of the write-ahead log; `nil` where closing always empties it.
    private let log: String?
    /// Keeps others out for as long as this lives.
    private let lock: LockFile?
    /// Called before and after each write, for tests that crash there.
    let probe: @Sendable (String) throws -> Void

    /// Opens or creates the database at `path`, readable by its owner alone, in the clear.
    ///
    /// - Throws: ``SyncError`` `.stateFailed`; `.stateInUse` while another run has it.
    public static func open(path: String) throws(SyncError) -> PairState {
        try open(path: path, location: path, keepsLog: true, hook: { _ in }, probe: { _ in })
    }

    /// Opens or creates the database at `path` on the SQLite VFS registered as `vfs`; the caller keeps others out.
    ///
    /// - Parameter prepare: called with the `sqlite3 *` of each connection before any statement.
    /// - Throws: ``SyncError`` `.stateFailed`.
    public static func open(
        path: String, vfs: String, prepare: @escaping @Sendable (OpaquePointer) throws -> Void
    ) throws(SyncError) -> PairState {
        // SAFETY: the pointer is only handed on to the caller's own closure, while GRDB keeps the connection open.
        let hook: @Sendable (Database) throws -> Void = { db in
            if let connection = unsafe db.sqliteConnection { try unsafe prepare(connection) }
        }
        return try open(
            path: path, location: SyncState.location(path, vfs: vfs), isLocked: false, hook: hook, probe: { _ in })
    }

    /// A state that lives as long as the process; for tests.
    package static func inMemory(
        probe: @escaping @Sendable (String) throws -> Void = { _ in }
    ) throws(SyncError) -> PairState {
        try open(path: nil, location: ":memory:", hook: { _ in }, probe: probe)
    }

    package static func open(
        path: String, probe: @escaping @Sendable (String) throws -> Void
    ) throws(SyncError) -> PairState {
        try open(path: path, location: path, keepsLog: true, hook: { _ in }, probe: probe)
    }

    private static func open(
        path: String?, location: String, isLocked: Bool = true, keepsLog: Bool = false,
        hook: @escaping @Sendable (Database) throws -> Void,
        probe: @escaping @Sendable (String) throws -> Void
    ) throws(SyncError) -> PairState {
        let configuration = Configuration.state(label: "mailarc.pair-state", isFile: path != nil, hook: hook)
        var lock: LockFile?
        if let path, isLocked { lock = try LockFile(path: path + ".lock") }
        do {
            if let path { try LockFile.makePrivate(path) }
            let queue = try DatabaseQueue(path: location, configuration: configuration)
            let log = keepsLog ? path.map { $0 + "-wal" } : nil
            let state = PairState(queue: queue, log: log, lock: lock, probe: probe)
            try state.migrate()
            return state
        } catch let error as SyncError {
            throw error
        } catch {
            throw SyncError.state(error, "the state of the pair cannot be opened")
        }
    }

    private init(
        queue: DatabaseQueue, log: String?, lock: LockFile?, probe: @escaping @Sendable (String) throws -> Void
    ) {
        (self.queue, self.log, self.lock, self.probe) = (queue, log, lock, probe)
    }

    /// The same database, watched by another probe; for tests that crash.
    package func probed(_ probe: @escaping @Sendable (String) throws -> Void) -> PairState {
        PairState(queue: queue, log: log, lock: lock, probe: probe)
    }

    /// A copy in memory of how it is now; for tests that go on from one instant in many ways.
    package func copied() throws -> PairState {
        let copy = try PairState.inMemory()
        try queue.backup(to: copy.queue)
        return copy
    }

    /// LIMIT: a longer log is written into the database at the end of a run; a shorter one is read again in a moment.
    private static let logLimit = 1 << 19

    /// Closes the database; every later call fails.
    ///
    /// A small run leaves what it committed in the log, durable as it is: nothing is written twice, nothing waited for.
    public func close() throws {
        if let log, let count = LockFile.octetCount(log), count <= Self.logLimit {
            // SAFETY: the connection is open until the queue is closed.
            queue.unsafeRead { db in
                if let connection = unsafe db.sqliteConnection { unsafe mailarc_sqlite3_keep_log(connection, 1) }
            }
        }
        try queue.close()
    }

    private func migrate() throws {
        let version = try queue.unsafeRead { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
        guard version <= Self.schemaVersion else {
            throw SyncError(.stateTooNew, "the state of the pair has schema version \(version), newer than this")
        }
        guard version < Self.schemaVersion else { return }
        try queue.write { db in
            if version < 1 {
                try db.execute(sql: Self.schema1)
                var generator = SystemRandomNumberGenerator()
                let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                try db.execute(sql: "INSERT INTO fact (name, value) VALUES ('key', ?)", arguments: [key.hex])
            }
            if version < 2 { try db.execute(sql: Self.schema2) }
            if version < 3 { try db.execute(sql: Self.schema3) }
            try db.execute(sql: "PRAGMA user_version = \(Self.schemaVersion)")
        }
    }

    static let schemaVersion = 3

    /// Append-only. An end without `uid` is a tombstone's; `pending_…` is the journal: written before an effect whose
    /// outcome a crash would hide, gone when the outcome is known. Names are the hexadecimal of their octets.
    static let schema1 = """
        CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE mailbox (
            id INTEGER PRIMARY KEY, side INTEGER NOT NULL, name TEXT NOT NULL, delimiter INTEGER, role TEXT,
            mailbox_id TEXT, uid_validity INTEGER NOT NULL, status_validity INTEGER, uid_next INTEGER,
            message_count INTEGER, highest_mod_seq INTEGER
        );
        CREATE TABLE pair (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, is_tombstone INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE link (
            id INTEGER PRIMARY KEY, state INTEGER NOT NULL, since INTEGER NOT NULL, attempts INTEGER NOT NULL,
            reason TEXT,
            raw_high INTEGER, raw_low INTEGER, canonical_high INTEGER, canonical_low INTEGER, body_high INTEGER,
            body_low INTEGER, trace TEXT, octet_count INTEGER,
            a_mailbox INTEGER, a_validity INTEGER, a_uid INTEGER, a_flags TEXT, a_octet_count INTEGER, a_date INTEGER,
            a_zone INTEGER, a_object TEXT,
            b_mailbox INTEGER, b_validity INTEGER, b_uid INTEGER, b_flags TEXT, b_octet_count INTEGER, b_date INTEGER,
            b_zone INTEGER, b_object TEXT,
            pending_kind INTEGER, pending_side INTEGER, pending_mailbox INTEGER, pending_validity INTEGER,
            pending_next INTEGER
        );
        CREATE INDEX link_a ON link (a_mailbox, a_uid) WHERE a_mailbox IS NOT NULL;
        CREATE INDEX link_b ON link (b_mailbox, b_uid) WHERE b_mailbox IS NOT NULL;
        CREATE INDEX link_content ON link (canonical_high, canonical_low) WHERE canonical_high IS NOT NULL;
        CREATE INDEX link_state ON link (state) WHERE state <> 0;
        CREATE INDEX link_pending ON link (pending_side) WHERE pending_side IS NOT NULL;
        """

    /// What has a content id of its side is found by it.
    static let schema2 = """
        CREATE INDEX link_a_object ON link (a_object) WHERE a_object IS NOT NULL;
        CREATE INDEX link_b_object ON link (b_object) WHERE b_object IS NOT NULL;
        """

    /// What was copied is found by its length, for the same message to come by another channel.
    static let schema3 = """
        CREATE INDEX link_copied_to_a ON link (a_mailbox, a_octet_count) WHERE reason = 'copied to A';
        CREATE INDEX link_copied_to_b ON link (b_mailbox, b_octet_count) WHERE reason = 'copied to B';
        """
}

/// A file that one process at a time holds.
private final class LockFile: Sendable {
    private let descriptor: Int32

    init(path: String) throws(SyncError) {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SyncError.file(path)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            Glibc.close(descriptor)
            throw SyncError(.stateInUse, "another run is at work between these two")
        }
        self.descriptor = descriptor
    }

    deinit { Glibc.close(descriptor) }

    /// Of the file at `path`; `nil` when there is none.
    static func octetCount(_ path: String) -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// SQLite gives its other files the mode of the database.
    static func makePrivate(_ path: String) throws(SyncError) {
        let descriptor = unsafe Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw SyncError.file(path)
        }
        Glibc.close(descriptor)
    }
}
