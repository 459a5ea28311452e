internal import CSQLite

extension EncryptedVFS {
    /// Sets a fresh connection up: temporary tables in memory, the page cache, and for a new database the page size,
    /// the reserved octets and WAL mode, before its first page is written.
    ///
    /// Call it on every connection, writers and readers, before any other statement.
    /// - Parameter connection: a `sqlite3 *` opened through this VFS; use stays on the caller's thread.
    /// - Parameter cacheOctetCount: what the connection may keep of decrypted pages.
    /// - Throws: ``VFSError`` `.wrongVFS` if the file was opened without the VFS; `.refused` with SQLite's code, which
    ///   is 8202 (`SQLITE_IOERR_DATA`) under a wrong key or on damage.
    public static func prepare(connection: OpaquePointer, cacheOctetCount: Int = 16 << 20) throws(VFSError) {
        guard unsafe isOurs(connection) else {
            throw VFSError(.wrongVFS, "the database was not opened through the VFS \(name)")
        }
        unsafe try run("PRAGMA temp_store = MEMORY", connection)
        unsafe try run("PRAGMA cache_size = -\(max(64, cacheOctetCount / 1024))", connection)
        unsafe try run("PRAGMA mmap_size = 0", connection)
        guard unsafe sqlite3_db_readonly(connection, "main") == 0,
            unsafe try value("PRAGMA journal_mode", connection) != "wal"
        else { return }
        // New, or made by `vacuum`, which cannot make a log.
        var reserved = Int32(PageCipher.reservedOctetCount)
        let code = unsafe sqlite3_file_control(connection, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved)
        guard code == SQLITE_OK else { throw VFSError(.refused, "no octets could be reserved", code: code) }
        unsafe try run("PRAGMA page_size = \(PageCipher.pageOctetCount)", connection)
        // A journal in memory for the one page that changes before there is a log; files would be refused.
        unsafe try run("PRAGMA journal_mode = MEMORY", connection)
        guard unsafe try value("PRAGMA journal_mode = WAL", connection) == "wal" else {
            throw VFSError(.refused, "the database could not be put into WAL mode")
        }
    }

    /// Writes the connection's database without its free pages to a new file under another key.
    ///
    /// Removes what deleted rows left behind. Full-text tables want `'optimize'` before it.
    /// - Parameter target: must not exist. It is complete and durable on return, and to be removed after an error.
    /// - Parameter key: as in ``setKey(_:databaseID:forDatabaseAt:)``; stays set for `target`.
    /// - Throws: ``VFSError`` `.refused`.
    public static func vacuum(
        _ connection: OpaquePointer, into target: String, key: [UInt8], databaseID: [UInt8]
    ) throws(VFSError) {
        guard key.count == 32, databaseID.count == 16 else {
            throw VFSError(.badKey, "a key of 32 octets and an id of 16")
        }
        KeyRegistry.set(.init(key: key, databaseID: databaseID, isVacuumTarget: true), path: target)
        defer { KeyRegistry.set(.init(key: key, databaseID: databaseID), path: target) }
        // A URI of ours has no quotation mark.
        unsafe try run("VACUUM main INTO '\(uri(forDatabaseAt: target))'", connection)
    }

    private static func isOurs(_ connection: OpaquePointer) -> Bool {
        var vfs: UnsafeMutablePointer<sqlite3_vfs>?
        let code = unsafe withUnsafeMutablePointer(to: &vfs) { pointer in
            unsafe sqlite3_file_control(connection, "main", SQLITE_FCNTL_VFS_POINTER, pointer)
        }
        guard code == SQLITE_OK, let vfs = unsafe vfs, let name = unsafe vfs.pointee.zName else { return false }
        return unsafe String(validatingCString: name) == EncryptedVFS.name
    }

    private static func run(_ statement: String, _ connection: OpaquePointer) throws(VFSError) {
        let code = unsafe sqlite3_exec(connection, statement, nil, nil, nil)
        guard code == SQLITE_OK else {
            let words = unsafe String(cString: sqlite3_errmsg(connection))
            throw VFSError(.refused, words, code: unsafe sqlite3_extended_errcode(connection))
        }
    }

    private static func value(_ statement: String, _ connection: OpaquePointer) throws(VFSError) -> String? {
        var prepared: OpaquePointer?
        defer { unsafe sqlite3_finalize(prepared) }
        guard unsafe sqlite3_prepare_v2(connection, statement, -1, &prepared, nil) == SQLITE_OK,
            unsafe sqlite3_step(prepared) == SQLITE_ROW
        else {
            let words = unsafe String(cString: sqlite3_errmsg(connection))
            throw VFSError(.refused, words, code: unsafe sqlite3_extended_errcode(connection))
        }
        guard let text = unsafe sqlite3_column_text(prepared, 0) else { return nil }
        return unsafe String(cString: text)
    }
}
