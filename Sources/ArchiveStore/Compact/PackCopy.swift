import ArchiveCrypto
import MailCore

/// A new pack that is filled with blobs of others, ciphertext unchanged, and hashed in passing.
///
/// No journal frame names it until it is whole: a crash before leaves a file the next writer removes.
final class PackCopy {
    /// LIMIT: what is read at once; stays in a core's cache between checksum, hash and write.
    private static let windowLength = 1 << 20

    let file: SystemFile
    let header: PackHeader
    private(set) var entries: [FooterEntry] = []
    /// Of everything written so far.
    var hash = SHA256()
    private(set) var end: UInt64
    private var window: [UInt8]
    private let fault: (@Sendable (FaultStep) -> Void)?

    init(_ context: LaneContext) throws(ArchiveError) {
        header = PackHeader(
            archive: context.archive, pack: context.newID(), writer: context.writer, created: context.now())
        file = try SystemFile(context.layout.openPack(header.pack), .create)
        fault = context.options.fault
        window = [UInt8](repeating: 0, count: Self.windowLength)
        let octets = header.encode()
        try file.write(octets, at: 0)
        hash.update(octets)
        end = UInt64(octets.count)
    }

    /// Appends `live`, entries of `source` in order of offset, each held against its checksum.
    ///
    /// - Throws: `.damaged` with the place in `source`; the copy is worth nothing then.
    func append(_ live: [FooterEntry], of source: SystemFile) throws(ArchiveError) {
        var next = 0
        while next < live.count {
            // Neighbours are copied as one stretch.
            var stop = next + 1
            while stop < live.count, live[stop].offset == live[stop - 1].offset + live[stop - 1].storedLength {
                stop += 1
            }
            try appendStretch(live[next..<stop], of: source)
            next = stop
        }
    }

    private func appendStretch(
        _ live: ArraySlice<FooterEntry>, of source: SystemFile
    ) throws(ArchiveError) {
        guard let first = live.first, let last = live.last else { return }
        let shift = end
        var at = first.offset
        let stop = last.offset + last.storedLength
        guard at >= UInt64(PackHeader.length), shift + (stop - at) < 1 << 32 else {
            throw ArchiveError(.damaged, "a blob is where none can be", path: source.path, offset: at)
        }
        var rest = live
        var checksum = CRC32C()
        while at < stop {
            let count = Int(min(UInt64(Self.windowLength), stop - at))
            try fill(count, source, at)
            var used = 0
            while used < count, let entry = rest.first {
                let entryEnd = entry.offset + entry.storedLength
                let length = min(count - used, Int(entryEnd - at) - used)
                checksum.update(window.span.extracting(used..<used + length))
                used += length
                guard at + UInt64(used) == entryEnd else { break }
                guard checksum.value == entry.checksum else {
                    throw ArchiveError(
                        .damaged, "the checksum of blob \(entry.keyID) does not agree", path: source.path,
                        offset: entry.offset)
                }
                checksum = CRC32C()
                rest.removeFirst()
                var moved = entry
                moved.offset = shift + (entry.offset - first.offset)
                entries.append(moved)
            }
            hash.update(window.span.extracting(0..<count))
            try file.write(window[..<count], at: end)
            end += UInt64(count)
            at += UInt64(count)
            fault?(.compactCopy)
        }
    }

    /// SHA-256 of the whole file, reckoned beside the copy.
    @concurrent static func digest(of file: SystemFile) async -> Result<[UInt8], ArchiveError> {
        do throws(ArchiveError) {
            var hash = SHA256()
            var at: UInt64 = 0
            while !Task.isCancelled {
                let octets = try file.readUpTo(windowLength, at: at)
                if octets.isEmpty { break }
                hash.update(octets)
                at += UInt64(octets.count)
            }
            return .success(hash.digest())
        } catch { return .failure(error) }
    }

    private func fill(_ count: Int, _ source: SystemFile, _ offset: UInt64) throws(ArchiveError) {
        var failure: ArchiveError?
        var done = 0
        unsafe window.withUnsafeMutableBytes { buffer in
            do throws(ArchiveError) {
                done = try unsafe source.read(
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: offset)
            } catch { failure = error }
        }
        if let failure { throw failure }
        guard done == count else {
            throw ArchiveError(.damaged, "the file ends too early", path: source.path, offset: offset + UInt64(done))
        }
    }
}
