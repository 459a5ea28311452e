package import MailCore

/// What the chunks of one blob are bound to: archive, key id, kind (ArchiveFormat.md §7.2).
package struct BlobContext: Sendable {
    /// Raw octets of a whole chunk.
    package static let chunkLength = 1 << 20
    /// What sealing adds to a chunk besides the method octet.
    package static let tagLength = 16

    private let prefix: [UInt8]

    package init(archive: RandomID, keyID: RandomID, kind: BlobKind) {
        prefix = Array("mailarc/1/blob\0".utf8) + archive.octets + keyID.octets + [kind.rawValue]
    }

    /// AAD = "mailarc/1/blob\0" ‖ archive id ‖ key id ‖ kind(1) ‖ le16 dictionary id ‖ le32 raw octets of this chunk
    package func associatedData(dictionary: UInt16, rawLength: Int, isTable: Bool = false) -> [UInt8] {
        var writer = ByteWriter(capacity: prefix.count + 6)
        writer.bytes(prefix)
        if isTable { writer.octets[prefix.count - 1] |= 0x80 }
        writer.u16(dictionary)
        writer.u32(UInt32(rawLength))
        return writer.octets
    }

    /// Into how many chunks so many octets are cut; an empty blob has one.
    package static func chunkCount(_ rawLength: UInt64) -> Int {
        max(1, Int((rawLength + UInt64(chunkLength) - 1) / UInt64(chunkLength)))
    }
}

extension [UInt8] {
    /// Appends the octets of `span`.
    package mutating func append(span: Span<UInt8>) {
        // SAFETY: the buffer lives as long as the closure and is only read.
        unsafe span.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
