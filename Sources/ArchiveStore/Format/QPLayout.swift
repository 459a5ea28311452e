/// How a quoted-printable body was written: the arguments of recipe operation 0x04 after the part.
///
/// `width(1) ‖ eol(1) ‖ map(32) ‖ varint patch count`, then per patch `varint octets copied since the last patch ‖
/// varint octets deleted ‖ varint octets inserted ‖ the octets`.
package struct QPLayout: Sendable, Hashable {
    /// LIMIT: beyond, the part is kept as it stands (ArchiveFormat.md §8.2).
    package static let maximumPatchCount = 64

    package struct Patch: Sendable, Hashable {
        /// Octets of the encoder's output taken over since the last patch.
        package var copied: Int
        package var deleted: Int
        package var inserted: [UInt8]

        package init(copied: Int, deleted: Int, inserted: [UInt8]) {
            (self.copied, self.deleted, self.inserted) = (copied, deleted, inserted)
        }
    }

    /// The longest line, soft break included.
    package var width: UInt8
    package var lineEnd: LineEnd
    /// For each octet: written as it is.
    package var literal: [Bool]
    package var patches: [Patch]

    package init(width: UInt8, lineEnd: LineEnd, literal: [Bool], patches: [Patch] = []) {
        (self.width, self.lineEnd, self.literal, self.patches) = (width, lineEnd, literal, patches)
    }

    func encode(into writer: inout ByteWriter) {
        writer.u8(width)
        writer.u8(lineEnd.rawValue)
        var map = [UInt8](repeating: 0, count: 32)
        for octet in 0..<256 where literal[octet] { map[octet / 8] |= 1 << (octet % 8) }
        writer.bytes(map)
        writer.varint(UInt64(patches.count))
        for patch in patches {
            writer.varint(UInt64(patch.copied))
            writer.varint(UInt64(patch.deleted))
            writer.string(patch.inserted)
        }
    }

    init?(decoding reader: inout ByteReader) {
        guard let width = reader.u8(), width >= 4, let lineEnd = reader.u8().flatMap(LineEnd.init),
            let map = reader.bytes(32), let count = reader.count(limit: Self.maximumPatchCount)
        else { return nil }
        let first = map.startIndex
        self.init(
            width: width, lineEnd: lineEnd,
            literal: (0..<256).map { map[first + $0 / 8] & (1 << ($0 % 8)) != 0 })
        for _ in 0..<count {
            guard let copied = reader.count(limit: 1 << 26), let deleted = reader.count(limit: 1 << 26),
                let inserted = reader.string()
            else { return nil }
            patches.append(Patch(copied: copied, deleted: deleted, inserted: Array(inserted)))
        }
    }
}
