import ArchiveCrypto

/// The last 160 octets of a sealed pack (ArchiveFormat.md §7.4).
///
/// | off | len | field |
/// |---|---|---|
/// | 0 | 8 | le64 footer offset |
/// | 8 | 4 | le32 footer length (with tag) |
/// | 12 | 4 | 0 |
/// | 16 | 24 | footer nonce |
/// | 40 | 8 | le64 writer sequence |
/// | 48 | 32 | SHA-256 of this writer's previous sealed pack |
/// | 80 | 64 | Ed25519 signature |
/// | 144 | 8 | 0 |
/// | 152 | 4 | le32 CRC-32C of trailer octets 0–151 |
/// | 156 | 4 | `4B 50 41 4D` |
package struct PackTrailer: Sendable, Hashable {
    package static let length = 160
    /// Where the signature starts; everything of the file before it is signed.
    package static let signatureOffset = 80
    package static let mark: [UInt8] = [0x4B, 0x50, 0x41, 0x4D]

    package var footerOffset: UInt64
    package var footerLength: UInt32
    package var footerNonce: [UInt8]
    package var sequence: UInt64
    package var previous: [UInt8]
    package var signature: [UInt8]

    package init(
        footerOffset: UInt64, footerLength: UInt32, footerNonce: [UInt8], sequence: UInt64, previous: [UInt8],
        signature: [UInt8]
    ) {
        (self.footerOffset, self.footerLength, self.footerNonce) = (footerOffset, footerLength, footerNonce)
        (self.sequence, self.previous, self.signature) = (sequence, previous, signature)
    }

    /// Octets 0–79.
    package func encodeSigned() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.length)
        writer.u64(footerOffset)
        writer.u32(footerLength)
        writer.u32(0)
        writer.bytes(footerNonce)
        writer.u64(sequence)
        writer.bytes(previous)
        return writer.octets
    }

    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.length)
        writer.bytes(encodeSigned())
        writer.bytes(signature)
        writer.zeros(8)
        writer.u32(CRC32C.checksum(writer.octets))
        writer.bytes(Self.mark)
        return writer.octets
    }

    /// What the writer signs, given the SHA-256 of everything before the signature.
    package static func signedMessage(_ digest: [UInt8]) -> [UInt8] { Array("mailarc/1/pack\n".utf8) + digest }

    /// - Throws: `.damaged`.
    package init(decoding octets: [UInt8]) throws(ArchiveError) {
        guard octets.count == Self.length, octets[156...].elementsEqual(Self.mark) else {
            throw ArchiveError(.damaged, "the pack has no trailer")
        }
        guard CRC32C.checksum(octets.span.extracting(..<152)) == ByteReader.u32(octets, at: 152) else {
            throw ArchiveError(.damaged, "the trailer's checksum does not agree")
        }
        var reader = ByteReader(octets)
        guard let offset = reader.u64(), let length = reader.u32(), let zero = reader.u32(), zero == 0,
            let nonce = reader.bytes(24), let sequence = reader.u64(), let previous = reader.bytes(32),
            let signature = reader.bytes(64), let last = reader.u64(), last == 0
        else { throw ArchiveError(.damaged, "the trailer is malformed") }
        self.init(
            footerOffset: offset, footerLength: length, footerNonce: Array(nonce), sequence: sequence,
            previous: Array(previous), signature: Array(signature))
    }
}
