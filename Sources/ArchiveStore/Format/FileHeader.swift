import ArchiveCrypto
package import MailCore

/// What a binary file of the archive is.
package enum ObjectKind: UInt8, Sendable {
    case pack = 0x50
    case dictionary = 0x44
    case vaultRoot = 0x52
    case shard = 0x53
    case openShard = 0x4F
    case journal = 0x4A
    case erasing = 0x45
    case index = 0x49
    case parity = 0x58
    case segment = 0x4B
}

/// The first 32 octets of every binary file (ArchiveFormat.md §6.1).
///
/// | off | len | field |
/// |---|---|---|
/// | 0 | 8 | `4D 41 49 4C 41 52 43 01` |
/// | 8 | 1 | kind |
/// | 9 | 1 | format version 1 |
/// | 10 | 2 | le16 header length |
/// | 12 | 4 | le32 flags, 0 |
/// | 16 | 16 | archive id |
package struct FileHeader {
    package static let magic: [UInt8] = [0x4D, 0x41, 0x49, 0x4C, 0x41, 0x52, 0x43, 0x01]

    package static func encode(_ kind: ObjectKind, length: UInt16, archive: RandomID, into writer: inout ByteWriter) {
        writer.bytes(magic)
        writer.u8(kind.rawValue)
        writer.u8(1)
        writer.u16(length)
        writer.u32(0)
        writer.bytes(archive.octets)
    }

    /// Checks the first 32 octets and the CRC-32C in the last four of `octets`.
    package static func check(_ octets: [UInt8], _ kind: ObjectKind, archive: RandomID) throws(ArchiveError) {
        guard octets.count >= 64, octets.starts(with: magic) else {
            throw ArchiveError(.damaged, "this is not a file of an archive")
        }
        let end = octets.count - 4
        guard CRC32C.checksum(octets.span.extracting(..<end)) == ByteReader.u32(octets, at: end) else {
            throw ArchiveError(.damaged, "the header's checksum does not agree", offset: UInt64(end))
        }
        guard octets[8] == kind.rawValue, octets[9] == 1 else {
            throw ArchiveError(.unsupported, "object kind \(octets[8]), version \(octets[9])", offset: 8)
        }
        guard Int(octets[10]) | Int(octets[11]) << 8 == octets.count, octets[12..<16].allSatisfy({ $0 == 0 }) else {
            throw ArchiveError(.unsupported, "unknown header length or flags", offset: 10)
        }
        guard octets[16..<32].elementsEqual(archive.octets) else {
            throw ArchiveError(.damaged, "the file belongs to another archive", offset: 16)
        }
        guard kind == .pack || zeros(kind).allSatisfy({ octets[$0].allSatisfy { $0 == 0 } }) else {
            throw ArchiveError(.unsupported, "the header has reserved octets that are not 0", offset: 32)
        }
    }

    /// What of a short header must be 0: A, B and session where the kind has none, and the four octets before the CRC.
    private static func zeros(_ kind: ObjectKind) -> [Range<Int>] {
        switch kind {
        case .journal: [32..<40, 56..<60]
        case .erasing: [32..<60]
        case .dictionary, .index, .parity: [36..<60]
        case .segment: []
        default: [40..<60]
        }
    }
}

/// The 64-octet header of every binary file but packs (ArchiveFormat.md §6.1): what A and B mean depends on the kind.
///
/// | off | len | field |
/// |---|---|---|
/// | 32 | 4 | le32 A |
/// | 36 | 4 | le32 B |
/// | 40 | 16 | session id (journal), else 0 |
/// | 56 | 4 | 0 |
/// | 60 | 4 | le32 CRC-32C of octets 0–59 |
package enum ShortHeader {
    package static let length = 64

    package static func encode(
        _ kind: ObjectKind, archive: RandomID, _ first: UInt32 = 0, _ second: UInt32 = 0, session: RandomID? = nil
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: length)
        FileHeader.encode(kind, length: UInt16(length), archive: archive, into: &writer)
        writer.u32(first)
        writer.u32(second)
        writer.bytes(session?.octets ?? [UInt8](repeating: 0, count: 16))
        writer.zeros(4)
        writer.u32(CRC32C.checksum(writer.octets))
        return writer.octets
    }
}

extension ByteReader {
    /// The le32 at `index`, which must leave room for it.
    package static func u32(_ octets: [UInt8], at index: Int) -> UInt32 {
        UInt32(octets[index]) | UInt32(octets[index + 1]) << 8 | UInt32(octets[index + 2]) << 16
            | UInt32(octets[index + 3]) << 24
    }
}
