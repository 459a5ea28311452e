internal import CSQLite
internal import Glibc
internal import Synchronization

/// The `sqlite3_vfs` itself: a copy of the default one that opens files its own way.
enum VFSRegistration {
    // SAFETY: found once; SQLite never unregisters its own VFS.
    nonisolated(unsafe) static let base: UnsafeMutablePointer<sqlite3_vfs>? = unsafe sqlite3_vfs_find(nil)

    /// The result of the one registration of the process.
    static let result: Result<Void, VFSError> = register()

    private static func register() -> Result<Void, VFSError> {
        guard sqlite3_initialize() == SQLITE_OK, let base = unsafe base else {
            return .failure(VFSError(.unsupportedLibrary, "SQLite has no default VFS"))
        }
        guard unsafe sqlite3_compileoption_used("USE_URI") == 1 else {
            return .failure(VFSError(.unsupportedLibrary, "SQLite was built without SQLITE_USE_URI"))
        }
        guard let name = unsafe strdup(EncryptedVFS.name) else {
            return .failure(VFSError(.unsupportedLibrary, "no memory"))
        }
        let vfs = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        // SAFETY: lives as long as the process. All other functions of the default VFS use only its pAppData, which
        // the copy shares.
        unsafe vfs.initialize(to: base.pointee)
        unsafe vfs.pointee.zName = UnsafePointer(name)
        unsafe vfs.pointee.pNext = nil
        unsafe vfs.pointee.szOsFile = base.pointee.szOsFile + Int32(FileMethods.prefixOctetCount)
        unsafe vfs.pointee.xOpen = { _, path, file, flags, outFlags in
            unsafe VFSRegistration.open(path, file, flags, outFlags)
        }
        unsafe vfs.pointee.xDelete = { _, path, syncs in unsafe VFSRegistration.delete(path, syncs) }
        let code = unsafe sqlite3_vfs_register(vfs, 0)
        guard code == SQLITE_OK else {
            return .failure(VFSError(.refused, "SQLite did not register the VFS", code: code))
        }
        return .success(())
    }

    /// Main databases and their logs, where the key is known; nothing else, as it would be plaintext on disk.
    private static func open(
        _ path: UnsafePointer<CChar>?, _ file: UnsafeMutablePointer<sqlite3_file>?, _ flags: Int32,
        _ outFlags: UnsafeMutablePointer<Int32>?
    ) -> Int32 {
        guard let file = unsafe file, let base = unsafe base else { return SQLITE_CANTOPEN }
        unsafe file.pointee.pMethods = nil
        guard let path = unsafe path, let name = unsafe String(validatingCString: path) else { return SQLITE_CANTOPEN }
        // SAFETY: SQLite gave szOsFile octets; the default VFS's file starts behind ours.
        let real = unsafe (UnsafeMutableRawPointer(file) + FileMethods.prefixOctetCount)
            .assumingMemoryBound(to: sqlite3_file.self)
        unsafe real.pointee.pMethods = nil
        guard let kind = kind(flags), let entry = KeyRegistry.entry(forFileAt: name, kind: kind) else {
            return SQLITE_CANTOPEN
        }
        if kind == .discardedJournal {
            guard entry.isVacuumTarget else { return SQLITE_CANTOPEN }
            unsafe FileMethods.attach(VFSFile(kind: kind, real: real, cipher: nil, faults: nil), to: file)
            return SQLITE_OK
        }
        let role: PageCipher.Role = kind == .database ? .database : .writeAheadLog
        guard let cipher = try? PageCipher(key: entry.key, databaseID: entry.databaseID, role: role) else {
            return SQLITE_CANTOPEN
        }
        if kind == .database, flags & SQLITE_OPEN_CREATE != 0 {
            // Readable by the owner only; log and wal-index take the mode of the database.
            let descriptor = unsafe Glibc.open(path, O_CREAT | O_EXCL | O_CLOEXEC | O_RDWR, 0o600)
            if descriptor >= 0 { Glibc.close(descriptor) }
        }
        let result = unsafe base.pointee.xOpen(base, path, real, flags, outFlags)
        guard result == SQLITE_OK else {
            if let methods = unsafe real.pointee.pMethods { _ = unsafe methods.pointee.xClose(real) }
            return result
        }
        unsafe FileMethods.attach(VFSFile(kind: kind, real: real, cipher: cipher, faults: entry.faults), to: file)
        return SQLITE_OK
    }

    /// The journal of a vacuum's target is not on disk, and so is deleted at once.
    private static func delete(_ path: UnsafePointer<CChar>?, _ syncs: Int32) -> Int32 {
        guard let base = unsafe base else { return SQLITE_IOERR }
        let result = unsafe base.pointee.xDelete(base, path, syncs)
        guard result == IOError.deleteNoEntry, let path = unsafe path,
            let name = unsafe String(validatingCString: path),
            KeyRegistry.entry(forFileAt: name, kind: .discardedJournal)?.isVacuumTarget == true
        else { return result }
        return SQLITE_OK
    }

    private static func kind(_ flags: Int32) -> VFSFile.Kind? {
        if flags & SQLITE_OPEN_MAIN_DB != 0 { return .database }
        if flags & SQLITE_OPEN_WAL != 0 { return .writeAheadLog }
        if flags & SQLITE_OPEN_MAIN_JOURNAL != 0 { return .discardedJournal }
        return nil
    }
}
