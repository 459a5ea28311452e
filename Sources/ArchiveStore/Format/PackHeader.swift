import ArchiveCrypto
package import MailCore

/// The header of a pack (ArchiveFormat.md §7.1).
///
/// | off | len | field |
/// |---|---|---|
/// | 0 | 32 | as in every file, kind 0x50, header length 128 |
/// | 32 | 16 | pack id |
/// | 48 | 8 | writer id |
/// | 56 | 8 | le64 created, seconds since 1970 |
/// | 64 | 8 | le64 required features of this pack (0) |
/// | 72 | 52 | 0 |
/// | 124 | 4 | le32 CRC-32C of octets 0–123 |
package struct PackHeader: Sendable, Hashable {
    package static let length = 128

    package var archive: RandomID
    package var pack: RandomID
    /// 8 octets.
    package var writer: [UInt8]
    package var created: Int64

    package init(archive: RandomID, pack: RandomID, writer: [UInt8], created: Int64) {
        (self.archive, self.pack, self.writer, self.created) = (archive, pack, writer, created)
    }

    package func encode() -> [UInt8] {
        var bytes = ByteWriter(capacity: Self.length)
        FileHeader.encode(.pack, length: UInt16(Self.length), archive: archive, into: &bytes)
        bytes.bytes(pack.octets)
        bytes.bytes(writer)
        bytes.u64(UInt64(bitPattern: created))
        bytes.u64(0)
        bytes.zeros(52)
        bytes.u32(CRC32C.checksum(bytes.octets))
        return bytes.octets
    }

    /// - Throws: `.damaged`, `.unsupported`.
    package init(decoding octets: [UInt8], archive: RandomID) throws(ArchiveError) {
        guard octets.count == Self.length else { throw ArchiveError(.damaged, "the pack ends in its header") }
        try FileHeader.check(octets, .pack, archive: archive)
        var reader = ByteReader(octets[32...])
        guard let id = reader.bytes(16).flatMap({ RandomID(octets: Array($0)) }), let writer = reader.bytes(8),
            let created = reader.u64(), let required = reader.u64()
        else { throw ArchiveError(.damaged, "the pack ends in its header") }
        guard required == 0 else { throw ArchiveError(.unsupported, "the pack needs unknown features", offset: 64) }
        guard octets[72..<124].allSatisfy({ $0 == 0 }) else {
            throw ArchiveError(.unsupported, "the pack's header has reserved octets that are not 0", offset: 72)
        }
        self.init(archive: archive, pack: id, writer: Array(writer), created: Int64(bitPattern: created))
    }
}
