internal import GRDB
internal import Synchronization

/// Where a catalog is and how its connections are set up.
@safe public struct CatalogFile: Sendable {
    /// A path, or for the encrypting VFS the URI that names it.
    public var path: String
    /// Called with each new `sqlite3 *` before anything else; `nil` for a plain archive.
    public var prepare: (@Sendable (OpaquePointer) throws -> Void)?

    /// ```swift
    /// unsafe CatalogFile(path: EncryptedVFS.uri(forDatabaseAt: path)) { unsafe try EncryptedVFS.prepare(connection: $0) }
    /// ```
    public init(path: String, prepare: (@Sendable (OpaquePointer) throws -> Void)? = nil) {
        self.path = path
        unsafe self.prepare = prepare
    }
}

/// The catalog: what the archive holds, where it was and when, and the words to find it by. A cache of the records.
///
/// One writer, any number of readers, in other processes too. Calls block; each is one transaction and sees one state.
/// On opening compare ``ledger()`` with the ledger: behind means replay, different means rebuild.
public final class Catalog: Sendable {
    let database: DatabasePool
    private let isClosed = Mutex(false)

    /// Opens the catalog, making it first if there is none.
    ///
    /// - Throws: `.cannotOpen`, `.otherVersion`, `.damaged`.
    public static func create(at file: CatalogFile) throws(CatalogError) -> Catalog {
        let catalog = try Catalog(file, readOnly: false)
        try catalog.wrap { try catalog.database.writeWithoutTransaction { db in try Schema.migrate(db) } }
        return catalog
    }

    /// Opens a catalog that exists.
    ///
    /// - Throws: `.cannotOpen`, `.otherVersion` for an older schema as well when `readOnly`, `.damaged`.
    public static func open(at file: CatalogFile, readOnly: Bool = true) throws(CatalogError) -> Catalog {
        guard readOnly else { return try create(at: file) }
        let catalog = try Catalog(file, readOnly: true)
        let version = try catalog.read { db in try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 }
        guard version == Schema.version else {
            throw CatalogError(.otherVersion, "the catalog has schema \(version), not \(Schema.version)")
        }
        return catalog
    }

    private init(_ file: CatalogFile, readOnly: Bool) throws(CatalogError) {
        var configuration = Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(10)
        // LIMIT: three connections of 8 to 24 MiB of pages; more readers would not be faster on few cores.
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { db in
            if let prepare = unsafe file.prepare, let connection = unsafe db.sqliteConnection {
                unsafe try prepare(connection)
            }
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            try db.execute(sql: "PRAGMA cache_size = \(db.configuration.readonly ? -8_192 : -24_576)")
            // LIMIT: a log of 32 MiB; pages that change in every group go into the database once instead of eight times.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 8192")
            // The catalog is rebuilt where it is behind the ledger, so a lost last group is no loss.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        do {
            database = try DatabasePool(path: file.path, configuration: configuration)
        } catch {
            throw CatalogError(.cannotOpen, "the catalog does not open: \(error)", cause: error)
        }
    }

    /// Ends all connections; later calls fail. What a writer logged goes into the database and the log is emptied.
    public func close() throws(CatalogError) {
        let wasClosed = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return isClosed
        }
        guard !wasClosed else { return }
        try wrap {
            if !database.configuration.readonly {
                // ORDER: the writer's connection ends last; only it can remove the log and the wal-index.
                database.invalidateReadOnlyConnections()
                // Readers in other processes may hold the log; then the next close does it.
                try? database.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            }
            try database.close()
        }
    }

    /// Brings what was logged into the database file and empties the log; readers in other processes can prevent it.
    ///
    /// - Throws: `.busy`.
    public func emptyLog() throws(CatalogError) {
        try wrap { try database.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) } }
    }

    func read<T>(_ body: (Database) throws -> T) throws(CatalogError) -> T {
        try wrap { try database.read { db in try body(db) } }
    }

    /// For single statements.
    func readWithoutTransaction<T>(_ body: (Database) throws -> T) throws(CatalogError) -> T {
        try wrap { try database.unsafeRead { db in try body(db) } }
    }

    func write<T>(_ body: (Database) throws -> T) throws(CatalogError) -> T {
        try wrap { try database.write { db in try body(db) } }
    }

    func wrap<T>(_ body: () throws -> T) throws(CatalogError) -> T {
        do {
            return try body()
        } catch let error as CatalogError {
            throw error
        } catch let error as DatabaseError {
            throw CatalogError(error)
        } catch {
            throw CatalogError(.failed, "\(error)", cause: error)
        }
    }
}

extension CatalogError {
    init(_ error: DatabaseError) {
        let kind: Kind =
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: .busy
            case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damaged
            case .SQLITE_CANTOPEN: .cannotOpen
            // SQLITE_IOERR_DATA: a page that does not authenticate.
            default: error.extendedResultCode.rawValue == 8202 ? .damaged : .failed
            }
        self.init(kind, "the catalog: \(error.message ?? "error \(error.resultCode.rawValue)")", cause: error)
    }
}
