internal import CSQLite

/// The journal `VACUUM INTO` insists on for the file it makes: the file is new, so nothing of it is ever rolled back.
extension VFSFile {
    // LIMIT: 1 MiB; a new file's journal has a header and no pages. More means it is no new file, and is refused.
    private static let journalLimit = 1 << 20

    func readJournal(_ target: UnsafeMutableRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        let start = Int(clamping: offset)
        let available = max(0, min(count, journal.count - start))
        unsafe journal.withUnsafeBytes { octets in
            guard available > 0, let base = octets.baseAddress else { return }
            unsafe target.copyMemory(from: base + start, byteCount: available)
        }
        guard available < count else { return SQLITE_OK }
        unsafe (target + available).initializeMemory(as: UInt8.self, repeating: 0, count: count - available)
        return IOError.shortRead
    }

    func writeJournal(_ source: UnsafeRawPointer, _ count: Int, _ offset: Int64) -> Int32 {
        guard offset >= 0, offset + Int64(count) <= Self.journalLimit else { return IOError.write }
        let end = Int(offset) + count
        if journal.count < end { journal.append(contentsOf: repeatElement(0, count: end - journal.count)) }
        unsafe journal.withUnsafeMutableBytes { octets in
            guard let base = octets.baseAddress else { return }
            unsafe (base + Int(offset)).copyMemory(from: source, byteCount: count)
        }
        return SQLITE_OK
    }

    func truncateJournal(to size: Int64) -> Int32 {
        if size < journal.count { journal.removeLast(journal.count - Int(max(0, size))) }
        return SQLITE_OK
    }
}
