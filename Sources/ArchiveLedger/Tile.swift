/// Up to 256 hashes of one level of the tree, as they stand in a file: 32 octets each, back to back.
///
/// Hash *i* of tile *N* of level *L* is the root over the leaves [(256·N + i)·256ᴸ, (256·N + i + 1)·256ᴸ).
/// - SeeAlso: C2SP tlog-tiles
public struct Tile: Hashable, Sendable {
    /// Hashes of a full tile.
    public static let width = 256
    /// Levels of the tree that one level of tiles spans.
    public static let height = 8

    /// A multiple of 32, at most 8,192.
    public private(set) var octets: [UInt8]

    public init() { octets = [] }

    /// `nil` unless `octets` holds 1 to 256 whole hashes.
    public init?(octets: [UInt8]) {
        guard !octets.isEmpty, octets.count % MerkleHash.octetCount == 0,
            octets.count <= Self.width * MerkleHash.octetCount
        else { return nil }
        self.octets = octets
    }

    /// The number of hashes.
    public var count: Int { octets.count / MerkleHash.octetCount }
    public var isFull: Bool { count == Self.width }

    /// - Precondition: `index` is below ``count``.
    public subscript(index: Int) -> MerkleHash {
        let start = index * MerkleHash.octetCount
        return MerkleHash(unchecked: Array(octets[start..<start + MerkleHash.octetCount]))
    }

    /// The first `count` hashes.
    /// - Precondition: `count` is at most ``count``.
    public func prefix(_ count: Int) -> Tile {
        var tile = Tile()
        tile.octets = Array(octets[..<(count * MerkleHash.octetCount)])
        return tile
    }

    mutating func append(_ hash: MerkleHash) { octets += hash.octets }

    /// The root over the hashes [`index` << `height`, (`index` + 1) << `height`).
    /// - Precondition: all of them are in the tile.
    func subtree(height: Int, index: Int) -> MerkleHash {
        var level = (index << height..<(index + 1) << height).map { self[$0] }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { .node(level[$0], level[$0 + 1]) }
        }
        return level[0]
    }

    /// The roots of the complete subtrees that cover the first `count` hashes, largest first.
    func peaks(_ count: Int) -> [MerkleHash] {
        var peaks: [MerkleHash] = []
        var start = 0
        for height in stride(from: Self.height, through: 0, by: -1) where count & 1 << height != 0 {
            peaks.append(subtree(height: height, index: start >> height))
            start += 1 << height
        }
        return peaks
    }
}
