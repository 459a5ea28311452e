internal import CSQLite

/// What SQLite calls on an open file. Each function finds its `VFSFile` in the memory SQLite keeps for the file:
/// the method table (8 octets), the retained object (8), then the default VFS's own file at 16.
enum FileMethods {
    /// Octets before the default VFS's file; a multiple of its alignment.
    static let prefixOctetCount = 16

    // SAFETY: written once, before any thread can see it, and never freed.
    nonisolated(unsafe) static let table: UnsafePointer<sqlite3_io_methods> = {
        let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        unsafe table.initialize(to: sqlite3_io_methods())
        unsafe setData(table)
        unsafe setLocks(table)
        unsafe setSharedMemory(table)
        return unsafe UnsafePointer(table)
    }()

    private static func setData(_ table: UnsafeMutablePointer<sqlite3_io_methods>) {
        // Version 2: shared memory, but no memory-mapped reads, which would see ciphertext.
        unsafe table.pointee.iVersion = 2
        unsafe table.pointee.xClose = { unsafe FileMethods.close($0) }
        unsafe table.pointee.xRead = { file, target, count, offset in
            guard let target = unsafe target, let state = unsafe FileMethods.state(file) else { return SQLITE_MISUSE }
            return switch state.kind {
            case .database: unsafe state.readDatabase(target, Int(count), offset)
            case .writeAheadLog: unsafe state.readLog(target, Int(count), offset)
            case .discardedJournal: unsafe state.readJournal(target, Int(count), offset)
            }
        }
        unsafe table.pointee.xWrite = { file, source, count, offset in
            guard let source = unsafe source, let state = unsafe FileMethods.state(file) else { return SQLITE_MISUSE }
            return switch state.kind {
            case .database: unsafe state.writeDatabase(source, Int(count), offset)
            case .writeAheadLog: unsafe state.writeLog(source, Int(count), offset)
            case .discardedJournal: unsafe state.writeJournal(source, Int(count), offset)
            }
        }
        unsafe table.pointee.xTruncate = { file, size in
            guard let state = unsafe FileMethods.state(file) else { return SQLITE_MISUSE }
            if state.kind == .discardedJournal { return state.truncateJournal(to: size) }
            let flushed = state.flushHeader()
            guard flushed == SQLITE_OK else { return flushed }
            return unsafe state.real.pointee.pMethods.pointee.xTruncate(state.real, size)
        }
        unsafe table.pointee.xSync = { file, flags in
            guard let state = unsafe FileMethods.state(file) else { return SQLITE_MISUSE }
            if state.kind == .discardedJournal { return SQLITE_OK }
            let flushed = state.flushHeader()
            guard flushed == SQLITE_OK else { return flushed }
            if let faults = state.faults, !faults.allowsWrite() { return IOError.sync }
            return unsafe state.real.pointee.pMethods.pointee.xSync(state.real, flags)
        }
        unsafe table.pointee.xFileSize = { file, size in
            guard let size = unsafe size, let state = unsafe FileMethods.state(file) else { return SQLITE_MISUSE }
            if state.kind == .discardedJournal {
                unsafe size.pointee = sqlite3_int64(state.journal.count)
                return SQLITE_OK
            }
            let flushed = state.flushHeader()
            guard flushed == SQLITE_OK else { return flushed }
            return unsafe state.real.pointee.pMethods.pointee.xFileSize(state.real, size)
        }
    }

    private static func setLocks(_ table: UnsafeMutablePointer<sqlite3_io_methods>) {
        unsafe table.pointee.xLock = { file, level in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_OK }
            return unsafe real.pointee.pMethods.pointee.xLock(real, level)
        }
        unsafe table.pointee.xUnlock = { file, level in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_OK }
            return unsafe real.pointee.pMethods.pointee.xUnlock(real, level)
        }
        unsafe table.pointee.xCheckReservedLock = { file, result in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_OK }
            return unsafe real.pointee.pMethods.pointee.xCheckReservedLock(real, result)
        }
        unsafe table.pointee.xFileControl = { file, operation, argument in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_NOTFOUND }
            return unsafe real.pointee.pMethods.pointee.xFileControl(real, operation, argument)
        }
        unsafe table.pointee.xSectorSize = { file in
            guard let real = unsafe FileMethods.real(file) else { return 4096 }
            return unsafe real.pointee.pMethods.pointee.xSectorSize(real)
        }
        unsafe table.pointee.xDeviceCharacteristics = { file in
            guard let real = unsafe FileMethods.real(file) else { return 0 }
            // Powersafe overwrite keeps WAL writes whole. Everything that lets SQLite read or write parts of pages
            // (SUBPAGE_READ) or hand groups of writes to the file system (BATCH_ATOMIC) is cleared.
            return unsafe real.pointee.pMethods.pointee.xDeviceCharacteristics(real)
                & (SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN | SQLITE_IOCAP_SAFE_APPEND
                    | SQLITE_IOCAP_SEQUENTIAL)
        }
    }

    private static func setSharedMemory(_ table: UnsafeMutablePointer<sqlite3_io_methods>) {
        unsafe table.pointee.xShmMap = { file, region, size, extends, address in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_IOERR }
            return unsafe real.pointee.pMethods.pointee.xShmMap(real, region, size, extends, address)
        }
        unsafe table.pointee.xShmLock = { file, offset, count, flags in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_IOERR }
            return unsafe real.pointee.pMethods.pointee.xShmLock(real, offset, count, flags)
        }
        unsafe table.pointee.xShmBarrier = { file in
            guard let real = unsafe FileMethods.real(file) else { return }
            unsafe real.pointee.pMethods.pointee.xShmBarrier(real)
        }
        unsafe table.pointee.xShmUnmap = { file, deletes in
            guard let real = unsafe FileMethods.real(file) else { return SQLITE_OK }
            return unsafe real.pointee.pMethods.pointee.xShmUnmap(real, deletes)
        }
    }

    /// Keeps `state` for the file, and makes SQLite call these methods.
    static func attach(_ state: VFSFile, to file: UnsafeMutablePointer<sqlite3_file>) {
        // SAFETY: SQLite gave szOsFile octets, of which the first 16 are ours.
        unsafe UnsafeMutableRawPointer(file).storeBytes(
            of: Unmanaged.passRetained(state).toOpaque(), toByteOffset: 8, as: UnsafeMutableRawPointer.self)
        unsafe file.pointee.pMethods = table
    }

    private static func close(_ file: UnsafeMutablePointer<sqlite3_file>?) -> Int32 {
        guard let file = unsafe file, let state = unsafe state(file) else { return SQLITE_MISUSE }
        var result = SQLITE_OK
        if state.kind != .discardedJournal {
            result = unsafe state.real.pointee.pMethods.pointee.xClose(state.real)
        }
        unsafe file.pointee.pMethods = nil
        // SAFETY: balances passRetained in attach; SQLite closes a file once.
        unsafe Unmanaged.passUnretained(state).release()
        return result
    }

    @inline(__always)
    private static func state(_ file: UnsafeMutablePointer<sqlite3_file>?) -> VFSFile? {
        guard let file = unsafe file else { return nil }
        // SAFETY: attach stored the object; it lives until close.
        let object = unsafe UnsafeRawPointer(file).load(fromByteOffset: 8, as: UnsafeRawPointer.self)
        return unsafe Unmanaged<VFSFile>.fromOpaque(object).takeUnretainedValue()
    }

    /// The default VFS's file, or `nil` for a journal in memory.
    private static func real(_ file: UnsafeMutablePointer<sqlite3_file>?) -> UnsafeMutablePointer<sqlite3_file>? {
        guard let state = unsafe state(file), state.kind != .discardedJournal else { return nil }
        return unsafe state.real
    }
}
