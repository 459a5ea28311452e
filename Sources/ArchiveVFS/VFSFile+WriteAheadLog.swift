internal import CSQLite

/// The write-ahead log: a header of 32 octets, then frames of 24 octets of header and a page.
///
/// SQLite reads 32 octets at 0 and 8 at 24; of a frame its header, 8 octets at 16 (`walRewriteChecksums`, after a
/// transaction larger than the cache), the page alone, or all 4120 octets (recovery). It writes a header or a page. A
/// frame's header is held back for its page, which comes next, so that both are one write.
/// - SeeAlso: SQLite file format §4
extension VFSFile {
    private static let headerOctetCount = 32
    private static let frameHeaderOctetCount = 24
    private static let frameOctetCount = 24 + PageCipher.pageOctetCount

    func readLog(_ target: UnsafeMutableRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        guard offset >= 0, count >= 0 else { return IOError.read }
        let flushed = flushHeader()
        guard flushed == SQLITE_OK else { return flushed }
        if offset < Self.headerOctetCount {
            return unsafe readHeader(target, count, at: 0, size: Self.headerOctetCount, skip: Int(offset))
        }
        let within = Int((offset - Int64(Self.headerOctetCount)) % Int64(Self.frameOctetCount))
        let start = offset - Int64(within)
        if within + count <= Self.frameHeaderOctetCount {
            return unsafe readHeader(target, count, at: start, size: Self.frameHeaderOctetCount, skip: within)
        }
        let isWhole = within == 0 && count == Self.frameOctetCount
        let isPage = within == Self.frameHeaderOctetCount && count <= PageCipher.pageOctetCount
        guard let cipher, isWhole || isPage else { return IOError.read }
        let result = unsafe readReal(scratch, Self.frameOctetCount, start)
        guard result == SQLITE_OK else {
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: count)
            return result
        }
        let number = unsafe scratch.loadUnaligned(as: UInt32.self).bigEndian
        let page = unsafe scratch + Self.frameHeaderOctetCount
        let isGenuine = unsafe cipher.open(page, number: number, to: page)
        if isWhole {
            // A torn frame reads as zeroes: its checksum then ends the log there, as it does in plain SQLite.
            guard unsafe cipher.open(header: scratch, at: start) else { return IOError.read }
            unsafe target.copyMemory(from: scratch, byteCount: count)
            return SQLITE_OK
        }
        unsafe target.copyMemory(from: page, byteCount: count)
        return isGenuine ? SQLITE_OK : IOError.data
    }

    /// Reads `count` octets of the header at `start`, from its octet `skip` on.
    private func readHeader(
        _ target: UnsafeMutableRawPointer, _ count: Int, at start: Int64, size: Int, skip: Int
    ) -> Int32 {
        guard skip + count <= size, let cipher else { return IOError.read }
        let result = unsafe readReal(scratch, size, start)
        guard result == SQLITE_OK else {
            unsafe target.initializeMemory(as: UInt8.self, repeating: 0, count: count)
            return result
        }
        guard unsafe cipher.open(header: scratch, at: start) else { return IOError.read }
        unsafe target.copyMemory(from: scratch + skip, byteCount: count)
        return SQLITE_OK
    }

    func writeLog(_ source: UnsafeRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        guard offset >= 0, let cipher else { return IOError.write }
        if offset == 0 {
            guard count == Self.headerOctetCount else { return IOError.write }
            let flushed = flushHeader()
            guard flushed == SQLITE_OK, unsafe sealHeader(source, count, at: 0) else { return IOError.write }
            return unsafe writeReal(scratch, count, 0)
        }
        guard offset >= Self.headerOctetCount else { return IOError.write }
        let within = Int((offset - Int64(Self.headerOctetCount)) % Int64(Self.frameOctetCount))
        let start = offset - Int64(within)
        if within == 0, count == Self.frameHeaderOctetCount {
            let flushed = flushHeader()
            guard flushed == SQLITE_OK else { return flushed }
            lastHeader = unsafe (offset, source.loadUnaligned(as: UInt32.self).bigEndian)
            guard unsafe sealHeader(source, count, at: offset) else { return IOError.write }
            isHeaderHeld = true
            return SQLITE_OK
        }
        guard within == Self.frameHeaderOctetCount, count == PageCipher.pageOctetCount else {
            return IOError.write
        }
        if isHeaderHeld, lastHeader.offset != start {
            let flushed = flushHeader()
            guard flushed == SQLITE_OK else { return flushed }
        }
        // A page alone replaces one of the running transaction: its header is already on disk.
        var number = lastHeader.page
        if lastHeader.offset != start {
            let result = unsafe readReal(scratch, 4, start)
            guard result == SQLITE_OK else { return result }
            number = unsafe scratch.loadUnaligned(as: UInt32.self).bigEndian
        }
        let page = unsafe scratch + Self.frameHeaderOctetCount
        guard unsafe number != 1 || Self.isOurHeader(source), unsafe cipher.seal(source, number: number, to: page)
        else { return IOError.write }
        guard isHeaderHeld else { return unsafe writeReal(page, PageCipher.pageOctetCount, offset) }
        isHeaderHeld = false
        return unsafe writeReal(scratch, Self.frameOctetCount, start)
    }

    /// Writes the header that waits for its page; before anything else is done with the file.
    func flushHeader() -> Int32 {
        guard isHeaderHeld else { return SQLITE_OK }
        isHeaderHeld = false
        return unsafe writeReal(scratch, Self.frameHeaderOctetCount, lastHeader.offset)
    }

    /// Puts a header as it lies on disk at the start of ``scratch``.
    private func sealHeader(_ source: UnsafeRawPointer, _ count: Int, at offset: Int64) -> Bool {
        unsafe scratch.copyMemory(from: source, byteCount: count)
        guard let cipher else { return false }
        return unsafe cipher.seal(header: scratch, at: offset)
    }
}
