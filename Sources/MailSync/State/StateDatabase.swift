import GRDB
import Glibc

extension Configuration {
    /// How a state is opened: WAL, each commit durable, no plain file beside the database.
    ///
    /// - Parameter hook: called for each connection before any statement.
    static func state(
        label: String, isFile: Bool = true, hook: @escaping @Sendable (Database) throws -> Void
    ) -> Configuration {
        var configuration = Configuration()
        configuration.label = label
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { db in
            try hook(db)
            // ORDER: no journal file before WAL is on; the encrypting VFS refuses one (ArchiveFormat.md, "Catalog").
            try db.execute(sql: "PRAGMA temp_store = MEMORY")
            let mode = try String.fetchOne(db, sql: "PRAGMA journal_mode")
            if mode != "wal", isFile {
                try db.execute(sql: "PRAGMA journal_mode = MEMORY")
                try db.execute(sql: "PRAGMA journal_mode = WAL")
            }
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }
}

extension SyncError {
    /// What the database says of a state that is opened or written.
    static func state(_ error: any Error, _ what: String) -> SyncError {
        guard let database = error as? DatabaseError else {
            return SyncError(.stateFailed, "\(what): \(error)", cause: error)
        }
        let words = database.message ?? "error \(database.resultCode.rawValue)"
        return switch database.resultCode {
        case .SQLITE_FULL: SyncError(.diskFull, "\(what): the disk is full", cause: error)
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_IOERR:
            SyncError(.stateUnwritable, "\(what): \(words)", cause: error)
        default: SyncError(.stateFailed, "\(what): \(words)", cause: error)
        }
    }

    /// The system call that just failed on a file of a state.
    static func file(_ path: String) -> SyncError {
        let number = errno
        // SAFETY: strerror gives a terminated string that is copied at once.
        let words = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
        let kind: Kind = number == ENOSPC || number == EDQUOT ? .diskFull : .stateUnwritable
        return SyncError(kind, "\(path) cannot be opened: \(words)")
    }
}
