package import MailCore

/// One blob in a pack's footer (ArchiveFormat.md §7.3).
///
/// | off | len | field |
/// |---|---|---|
/// | 0 | 16 | key id |
/// | 16 | 8 | le64 offset in the file |
/// | 24 | 8 | le64 stored length (chunks, tags, table) |
/// | 32 | 8 | le64 raw length |
/// | 40 | 1 | kind |
/// | 41 | 1 | log2 of the chunk size: 20 |
/// | 42 | 2 | le16 dictionary id, 0 none |
/// | 44 | 4 | le32 CRC-32C of the stored octets |
/// | 48 | 32 | sealed content id |
/// | 80 | 8 | le64 ledger index of the leaf that introduced it |
/// | 88 | 8 | 0 |
package struct FooterEntry: Sendable, Hashable {
    package static let length = 96

    package var keyID: RandomID
    package var offset: UInt64
    package var storedLength: UInt64
    package var rawLength: UInt64
    package var kind: BlobKind
    package var dictionary: UInt16
    package var checksum: UInt32
    /// 32 octets.
    package var sealedContentID: [UInt8]
    package var ledgerIndex: UInt64

    package init(
        keyID: RandomID, offset: UInt64, storedLength: UInt64, rawLength: UInt64, kind: BlobKind, dictionary: UInt16,
        checksum: UInt32, sealedContentID: [UInt8], ledgerIndex: UInt64
    ) {
        (self.keyID, self.offset, self.storedLength, self.rawLength) = (keyID, offset, storedLength, rawLength)
        (self.kind, self.dictionary, self.checksum) = (kind, dictionary, checksum)
        (self.sealedContentID, self.ledgerIndex) = (sealedContentID, ledgerIndex)
    }

    package func encode(into writer: inout ByteWriter) {
        writer.bytes(keyID.octets)
        writer.u64(offset)
        writer.u64(storedLength)
        writer.u64(rawLength)
        writer.u8(kind.rawValue)
        writer.u8(20)
        writer.u16(dictionary)
        writer.u32(checksum)
        writer.bytes(sealedContentID)
        writer.u64(ledgerIndex)
        writer.zeros(8)
    }

    /// `nil` for padding (kind 0).
    /// - Throws: `.damaged`, `.unsupported`.
    package static func decode(_ reader: inout ByteReader) throws(ArchiveError) -> FooterEntry? {
        guard let field = reader.bytes(length) else { throw ArchiveError(.damaged, "a blob entry is cut off") }
        var entry = ByteReader(field)
        guard let key = entry.bytes(16).flatMap({ RandomID(octets: Array($0)) }), let offset = entry.u64(),
            let stored = entry.u64(), let raw = entry.u64(), let kind = entry.u8(), let chunk = entry.u8(),
            let dictionary = entry.u16(), let checksum = entry.u32(), let sealed = entry.bytes(32),
            let index = entry.u64(), let zero = entry.u64()
        else { throw ArchiveError(.damaged, "a blob entry is cut off") }
        if kind == 0 { return nil }
        guard zero == 0 else { throw ArchiveError(.unsupported, "a blob entry has reserved octets that are not 0") }
        guard let known = BlobKind(rawValue: kind), chunk == 20 else {
            throw ArchiveError(.unsupported, "blob kind \(kind), chunk size 2^\(chunk)")
        }
        // LIMIT: packs end at 4 GiB and messages at 2^40 octets, so sums of these fields cannot overflow.
        guard offset <= 1 << 33, stored <= 1 << 33, raw <= 1 << 40 else {
            throw ArchiveError(.damaged, "a blob entry has impossible lengths")
        }
        return FooterEntry(
            keyID: key, offset: offset, storedLength: stored, rawLength: raw, kind: known, dictionary: dictionary,
            checksum: checksum, sealedContentID: Array(sealed), ledgerIndex: index)
    }
}

/// The list of entries a footer seals, padded with zero octets to a multiple of 4,096.
package enum FooterEntries {
    package static func encode(_ entries: [FooterEntry]) -> [UInt8] {
        let length = (entries.count * FooterEntry.length + 4_095) / 4_096 * 4_096
        var writer = ByteWriter(capacity: length)
        for entry in entries { entry.encode(into: &writer) }
        writer.zeros(length - writer.count)
        return writer.octets
    }

    package static func decode(_ octets: [UInt8]) throws(ArchiveError) -> [FooterEntry] {
        guard octets.count % 4_096 == 0 else { throw ArchiveError(.damaged, "the footer's length is odd") }
        var reader = ByteReader(octets)
        var entries: [FooterEntry] = []
        while reader.remaining >= FooterEntry.length {
            guard let entry = try FooterEntry.decode(&reader) else { break }
            entries.append(entry)
        }
        return entries
    }
}
