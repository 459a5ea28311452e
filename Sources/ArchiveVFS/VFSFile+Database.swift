internal import CSQLite

extension VFSFile {
    /// Reads from the main database: whole pages, or a part of one (its header, on opening).
    func readDatabase(_ target: UnsafeMutableRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        let pageSize = Int64(PageCipher.pageOctetCount)
        let start = offset / pageSize * pageSize
        guard offset >= 0, offset + Int64(count) <= start + pageSize, let number = UInt32(exactly: start / pageSize + 1)
        else { return IOError.read }
        if count == PageCipher.pageOctetCount {
            return unsafe readPage(target, number: number, at: start)
        }
        // SQLite reads the header before it holds a lock: a checkpoint by another process may be writing the page.
        // LIMIT: four looks; two of them torn in a row means a writer faster than any.
        var result = IOError.data
        for _ in 0..<4 where result == IOError.data {
            result = unsafe readPage(scratch, number: number, at: start)
        }
        guard result == SQLITE_OK else {
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: count)
            return result
        }
        unsafe target.copyMemory(from: scratch + Int(offset - start), byteCount: count)
        return SQLITE_OK
    }

    private func readPage(_ target: UnsafeMutableRawPointer, number: UInt32, at start: Int64) -> Int32 {
        let result = unsafe readReal(target, PageCipher.pageOctetCount, start)
        guard result == SQLITE_OK else {
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: PageCipher.pageOctetCount)
            // A page beyond the end is empty; a page cut off in its middle is damage.
            guard result == IOError.shortRead, let size = sizeOfReal(), size > start else { return result }
            return IOError.data
        }
        guard let cipher, unsafe cipher.open(target, number: number, to: target) else { return IOError.data }
        return SQLITE_OK
    }

    /// Writes one whole page; anything else is refused.
    func writeDatabase(_ source: UnsafeRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        let pageSize = Int64(PageCipher.pageOctetCount)
        guard count == PageCipher.pageOctetCount, offset >= 0, offset % pageSize == 0,
            let number = UInt32(exactly: offset / pageSize + 1), let cipher,
            unsafe number != 1 || Self.isOurHeader(source),
            unsafe cipher.seal(source, number: number, to: scratch)
        else { return IOError.write }
        return unsafe writeReal(scratch, PageCipher.pageOctetCount, offset)
    }

    /// Page size 4096 (be16 at 16) and 48 reserved octets (at 20): without them SQLite's content would be cut off.
    static func isOurHeader(_ page: UnsafeRawPointer) -> Bool {
        unsafe page.loadUnaligned(fromByteOffset: 16, as: UInt16.self).bigEndian == PageCipher.pageOctetCount
            && page.load(fromByteOffset: 20, as: UInt8.self) == PageCipher.reservedOctetCount
    }
}
