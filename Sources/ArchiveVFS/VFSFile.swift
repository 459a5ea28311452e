internal import CSQLite
internal import Synchronization

/// One open file below SQLite: what role it has, the real file, and the room to encrypt in.
///
/// SQLite uses a file handle from one thread at a time (the connection's mutex), and so is this.
@safe final class VFSFile {
    enum Kind {
        case database, writeAheadLog
        /// The rollback journal of a database that `VACUUM INTO` is making: in memory, and never used to roll back.
        case discardedJournal
    }

    let kind: Kind
    /// The file of the default VFS; lives in the memory SQLite gave.
    let real: UnsafeMutablePointer<sqlite3_file>
    let cipher: PageCipher?
    let faults: WriteFaults?
    /// Room for one frame: 24 octets of header and a page, and a second page behind it.
    let scratch: UnsafeMutableRawPointer
    /// The frame header written last, whose page comes next.
    var lastHeader: (offset: Int64, page: UInt32) = (-1, 0)
    /// That header is at the start of ``scratch`` and not yet written.
    var isHeaderHeld = false
    var journal: [UInt8] = []

    init(kind: Kind, real: UnsafeMutablePointer<sqlite3_file>, cipher: PageCipher?, faults: WriteFaults?) {
        unsafe (self.kind, self.real, self.cipher, self.faults) = (kind, real, cipher, faults)
        unsafe scratch = .allocate(byteCount: 3 * PageCipher.pageOctetCount, alignment: 16)
    }

    deinit { unsafe scratch.deallocate() }

    func readReal(_ target: UnsafeMutableRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        unsafe real.pointee.pMethods.pointee.xRead(real, target, Int32(count), offset)
    }

    func writeReal(_ source: UnsafeRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        if let faults, !faults.allowsWrite() { return IOError.write }
        return unsafe real.pointee.pMethods.pointee.xWrite(real, source, Int32(count), offset)
    }

    func sizeOfReal() -> Int64? {
        var size: sqlite3_int64 = 0
        guard unsafe real.pointee.pMethods.pointee.xFileSize(real, &size) == SQLITE_OK else { return nil }
        return size
    }
}

/// SQLite's extended result codes, which are C expressions that Swift does not import.
enum IOError {
    static let read = SQLITE_IOERR | (1 << 8)
    static let shortRead = SQLITE_IOERR | (2 << 8)
    static let write = SQLITE_IOERR | (3 << 8)
    static let sync = SQLITE_IOERR | (4 << 8)
    static let data = SQLITE_IOERR | (32 << 8)
    static let deleteNoEntry = SQLITE_IOERR | (23 << 8)
}

/// Makes writes of one database fail from a certain one on, as a full or vanished disk does; for tests.
package final class WriteFaults: Sendable {
    private let remaining: Atomic<Int>

    /// - Parameter count: how many writes and syncs still work.
    package init(after count: Int) { remaining = Atomic(count) }

    /// How many writes and syncs still work; negative by the number refused.
    package var count: Int { remaining.load(ordering: .relaxed) }

    func allowsWrite() -> Bool { remaining.subtract(1, ordering: .relaxed).newValue >= 0 }
}
