/// Up to 256 leaf texts as one file: `be16 length ‖ text` each, sealed at rest.
///
/// `nonce(24) ‖ XAES(K_meta, method(1) ‖ payload, AAD = "mailarc/1/entries\0" ‖ archive id ‖ le64 N ‖ le32 W)`; method 0:
/// the payload is the bundle, 1: `le32 inflated length ‖ raw deflate` of it.
/// - SeeAlso: C2SP tlog-tiles, "Log entries"; LedgerFormat.md
public struct EntryBundle: Hashable, Sendable {
    /// 1 to 256 texts of at most 65,535 octets.
    public let leaves: [[UInt8]]

    /// `nil` for another number of leaves, or a leaf that is too long.
    public init?(leaves: [[UInt8]]) {
        guard (1...Tile.width).contains(leaves.count), leaves.allSatisfy({ $0.count <= Leaf.maximumOctetCount }) else {
            return nil
        }
        self.leaves = leaves
    }

    /// The C2SP form.
    public var octets: [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(leaves.reduce(0) { $0 + $1.count + 2 })
        for leaf in leaves {
            octets.append(UInt8(truncatingIfNeeded: leaf.count >> 8))
            octets.append(UInt8(truncatingIfNeeded: leaf.count))
            octets += leaf
        }
        return octets
    }

    /// The bundle that `octets` is, or `nil` if it is cut off or has no or more than 256 leaves.
    public init?(octets: [UInt8]) {
        var leaves: [[UInt8]] = []
        var position = 0
        while position < octets.count {
            guard leaves.count < Tile.width, octets.count - position >= 2 else { return nil }
            let length = Int(octets[position]) << 8 | Int(octets[position + 1])
            position += 2
            guard octets.count - position >= length else { return nil }
            leaves.append(Array(octets[position..<position + length]))
            position += length
        }
        guard !leaves.isEmpty else { return nil }
        self.leaves = leaves
    }

    /// LIMIT: 256 leaves of full length.
    static let maximumOctetCount = Tile.width * (Leaf.maximumOctetCount + 2)
    /// With nonce, method and length in front and the tag behind.
    static let maximumFileOctetCount = maximumOctetCount + 24 + 5 + 16
}
