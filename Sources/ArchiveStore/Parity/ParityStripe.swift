import ArchiveCrypto
import MailCore

/// One file `parity/<sha256>`: the XOR of up to 16 sealed packs (ArchiveFormat.md §15).
///
/// | off | len | field |
/// |---|---|---|
/// | 0 | 64 | header, kind 0x58 |
/// | 64 | 4 | le32 members, n |
/// | 68 | 4 | le32 row length, 65,536 |
/// | 72 | 8 | le64 length of the longest member, m |
/// | 80 | 40 n | members: SHA-256 (32) ‖ le64 length |
/// | 80 + 40 n | m | XOR of all members, each as if zeros followed it |
/// | … | 4 each | le32 CRC-32C of every row of every member, the last row shorter |
package struct ParityStripe: Sendable, Hashable {
    /// LIMIT: one sixteenth of the packs' room; reading all of them mends one.
    package static let maximumMembers = 16
    /// Of a stripe, one row of one member can be mended in each row.
    static let rowLength = 65_536
    private static let fixedLength = 80
    private static let memberLength = 40

    package struct Member: Sendable, Hashable {
        /// SHA-256 of the pack.
        package var digest: [UInt8]
        package var length: UInt64
    }

    package var members: [Member]

    /// Octets of the longest member.
    var length: UInt64 { members.map(\.length).max() ?? 0 }
    var rowsOffset: UInt64 { UInt64(Self.fixedLength + Self.memberLength * members.count) }
    var fileLength: UInt64 { rowsOffset + length + 4 * members.reduce(0) { $0 + Self.rowCount($1.length) } }

    static func rowCount(_ length: UInt64) -> UInt64 { (length + UInt64(rowLength) - 1) / UInt64(rowLength) }

    init(members: [Member]) { self.members = members }

    /// Everything before the rows.
    func encodeHead(archive: RandomID) -> [UInt8] {
        var writer = ByteWriter(capacity: Int(rowsOffset))
        writer.bytes(ShortHeader.encode(.parity, archive: archive))
        writer.u32(UInt32(members.count))
        writer.u32(UInt32(Self.rowLength))
        writer.u64(length)
        for member in members {
            writer.bytes(member.digest)
            writer.u64(member.length)
        }
        return writer.octets
    }

    /// Reads the head; the octets behind it are not judged.
    ///
    /// - Throws: `.damaged`, `.unsupported`.
    static func read(_ file: SystemFile, archive: RandomID) throws(ArchiveError) -> ParityStripe {
        do throws(ArchiveError) {
            let head = try file.read(fixedLength, at: 0)
            try FileHeader.check(Array(head[..<ShortHeader.length]), .parity, archive: archive)
            let count = Int(ByteReader.u32(head, at: 64))
            guard (1...maximumMembers).contains(count), ByteReader.u32(head, at: 68) == UInt32(rowLength) else {
                throw ArchiveError(.unsupported, "unknown number of packs, or length of rows", offset: 64)
            }
            let list = try file.read(count * memberLength, at: UInt64(fixedLength))
            let stripe = ParityStripe(members: try members(list))
            guard Set(stripe.members.map(\.digest)).count == count, stripe.encodeHead(archive: archive) == head + list,
                try file.size() == stripe.fileLength
            else { throw ArchiveError(.damaged, "its lengths do not agree") }
            return stripe
        } catch { throw ArchiveError(error.kind, error.message, path: file.path, offset: error.offset) }
    }

    private static func members(_ list: [UInt8]) throws(ArchiveError) -> [Member] {
        var reader = ByteReader(list)
        var members: [Member] = []
        while let digest = reader.bytes(32), let length = reader.u64() {
            // LIMIT: packs end at 4 GiB and one large message.
            guard length <= 1 << 33 else { throw ArchiveError(.damaged, "a pack's length is impossible") }
            members.append(Member(digest: Array(digest), length: length))
        }
        return members
    }

    /// The checksums of every row, by member.
    func checksums(_ file: SystemFile) throws(ArchiveError) -> [[UInt32]] {
        var at = rowsOffset + length
        var tables: [[UInt32]] = []
        for member in members {
            let count = Int(Self.rowCount(member.length))
            let octets = try file.read(count * 4, at: at)
            tables.append((0..<count).map { ByteReader.u32(octets, at: $0 * 4) })
            at += UInt64(octets.count)
        }
        return tables
    }
}

/// The members of a stripe, read side by side: their XOR, the checksums of their rows, and whether they are what they
/// are called.
struct ParitySum {
    /// LIMIT: what is held of the sum, and of one member, at a time.
    private static let windowLength = 16 * UInt64(ParityStripe.rowLength)

    private final class Digest { var hash = SHA256() }

    let stripe: ParityStripe
    /// One each member.
    private let files: [SystemFile]
    private let digests: [Digest]
    private(set) var checksums: [[UInt32]]

    init(_ stripe: ParityStripe, _ files: [SystemFile]) {
        (self.stripe, self.files) = (stripe, files)
        digests = files.map { _ in Digest() }
        checksums = files.map { _ in [] }
    }

    /// Hands over the XOR from the first octet to the last, a window at a time.
    mutating func run(_ take: ([UInt8]) throws(ArchiveError) -> Void) throws(ArchiveError) {
        var at: UInt64 = 0
        while at < stripe.length {
            let count = min(Self.windowLength, stripe.length - at)
            var sum = [UInt8](repeating: 0, count: Int(count))
            for (index, member) in stripe.members.enumerated() where member.length > at {
                let octets = try files[index].read(Int(min(count, member.length - at)), at: at)
                digests[index].hash.update(octets)
                for row in stride(from: 0, to: octets.count, by: ParityStripe.rowLength) {
                    let end = min(row + ParityStripe.rowLength, octets.count)
                    checksums[index].append(CRC32C.checksum(octets.span.extracting(row..<end)))
                }
                Self.add(octets, to: &sum)
            }
            try take(sum)
            at += count
        }
    }

    /// After ``run(_:)``: members whose octets are not those of their names.
    var damaged: [ParityStripe.Member] {
        zip(stripe.members, digests).filter { $0.digest != $1.hash.digest() }.map(\.0)
    }

    /// XOR; `octets` may be shorter than `sum`, not longer.
    static func add(_ octets: [UInt8], to sum: inout [UInt8]) {
        let count = min(octets.count, sum.count)
        unsafe sum.withUnsafeMutableBufferPointer { sum in
            unsafe octets.withUnsafeBufferPointer { octets in
                // SAFETY: both have `count` octets.
                for index in 0..<count { unsafe sum[index] ^= octets[index] }
            }
        }
    }
}
