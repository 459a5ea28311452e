import ArchiveCrypto
import MailCore

/// `open/journal`: what of the open packs is durable (ArchiveFormat.md §10).
struct JournalFile {
    /// LIMIT: what one group, or the open packs at a rewrite, can need; a length beyond is damage.
    private static let maximumFrameLength = 256 << 20

    private let file: SystemFile
    private let header: [UInt8]
    private let key: [UInt8]
    private let random: RandomSource
    private(set) var end: UInt64
    private var frameCount: UInt64

    /// Everything the frames say, in order.
    struct Contents {
        var records: [JournalRecord] = []
        var end: UInt64 = 0
        var frameCount: UInt64 = 0
        /// Octets behind the last whole frame.
        var tail: UInt64 = 0
    }

    /// - Throws: `.damaged` for a wrong header, a failing first frame, or a failing frame with a whole one behind it.
    static func read(_ layout: ArchiveLayout, keys: KeyHierarchy) throws(ArchiveError) -> Contents {
        let path = layout.journal
        let file = try SystemFile(path, .read)
        let size = try file.size()
        let header = try file.read(ShortHeader.length, at: 0)
        do throws(ArchiveError) { try FileHeader.check(header, .journal, archive: keys.archiveID) } catch {
            throw ArchiveError(error.kind, error.message, path: path, offset: error.offset)
        }
        var contents = Contents(end: UInt64(header.count))
        while let frame = try frame(file, size, contents.end, contents.frameCount, header, keys) {
            do throws(ArchiveError) { contents.records += try JournalRecord.decode(frame.payload) } catch {
                throw ArchiveError(error.kind, error.message, path: path, offset: contents.end)
            }
            contents.end = frame.end
            contents.frameCount += 1
        }
        // The first frame came with the file, by rename: no crash can tear it.
        guard contents.frameCount > 0 else {
            throw ArchiveError(.damaged, "the first frame of the journal fails", path: path, offset: contents.end)
        }
        contents.tail = size - contents.end
        if contents.tail > 4, let length = try? file.read(4, at: contents.end) {
            let next = contents.end + 4 + UInt64(ByteReader.u32(length, at: 0))
            if try frame(file, size, next, contents.frameCount + 1, header, keys) != nil {
                throw ArchiveError(.damaged, "a frame inside the journal fails", path: path, offset: contents.end)
            }
        }
        return contents
    }

    private static func frame(
        _ file: SystemFile, _ size: UInt64, _ offset: UInt64, _ number: UInt64, _ header: [UInt8], _ keys: KeyHierarchy
    ) throws(ArchiveError) -> (payload: [UInt8], end: UInt64)? {
        guard offset + 4 <= size else { return nil }
        let length = Int(ByteReader.u32(try file.read(4, at: offset), at: 0))
        guard length <= maximumFrameLength, offset + 4 + UInt64(length) <= size else { return nil }
        let sealed = try file.read(length, at: offset + 4)
        guard let payload = try? XAES256GCM.open(sealed, key: keys.meta, aad: aad(header, number)) else { return nil }
        return (payload, offset + 4 + UInt64(length))
    }

    private static func aad(_ header: [UInt8], _ number: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.bytes("mailarc/1/journal\0".utf8)
        writer.bytes(header)
        writer.u64(number)
        return writer.octets
    }

    /// Goes on with the journal as it was read; a torn frame is cut.
    init(
        _ layout: ArchiveLayout, continuing contents: Contents, keys: KeyHierarchy, random: RandomSource
    ) throws(ArchiveError) {
        file = try SystemFile(layout.journal, .readWrite)
        header = try file.read(ShortHeader.length, at: 0)
        (key, self.random, end, frameCount) = (keys.meta, random, contents.end, contents.frameCount)
        if contents.tail > 0 {
            try file.truncate(to: end)
            try file.sync()
        }
    }

    /// Puts a new journal with one frame in the place of the present one, as one step.
    init(
        _ layout: ArchiveLayout, replacingWith records: [JournalRecord], keys: KeyHierarchy, random: RandomSource
    ) throws(ArchiveError) {
        guard let session = RandomID(octets: random.octets(16)) else {
            throw ArchiveError(.internalError, "16 octets make an id")
        }
        header = ShortHeader.encode(.journal, archive: keys.archiveID, session: session)
        key = keys.meta
        self.random = random
        let frame = try Self.seal(records, 0, header, key, random)
        try FileTree.replace(layout.journal, with: header + frame)
        file = try SystemFile(layout.journal, .readWrite)
        end = UInt64(header.count + frame.count)
        frameCount = 1
    }

    /// Appends one frame and makes it durable.
    mutating func append(_ records: [JournalRecord]) throws(ArchiveError) {
        let frame = try Self.seal(records, frameCount, header, key, random)
        try file.write(frame, at: end)
        try file.syncData()
        end += UInt64(frame.count)
        frameCount += 1
    }

    private static func seal(
        _ records: [JournalRecord], _ number: UInt64, _ header: [UInt8], _ key: [UInt8], _ random: RandomSource
    ) throws(ArchiveError) -> [UInt8] {
        do {
            let sealed = try XAES256GCM.seal(
                JournalRecord.encode(records), key: key, aad: aad(header, number), random: random)
            var writer = ByteWriter(capacity: sealed.count + 4)
            writer.u32(UInt32(sealed.count))
            writer.bytes(sealed)
            return writer.octets
        } catch { throw ArchiveError(.internalError, "a journal frame cannot be sealed", cause: error) }
    }
}
