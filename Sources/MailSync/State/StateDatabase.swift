import GRDB

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
