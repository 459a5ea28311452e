/// The right edge of the tree: what the next leaf changes. At most 255 leaves and 8 × 255 hashes.
struct LedgerEdge: Sendable {
    var frontier = MerkleFrontier()
    /// The partial tile of each level; empty where the size is a multiple of the level's.
    var tiles = [Tile](repeating: Tile(), count: TilePath.maximumLevel + 1)
    /// The leaves of the partial bundle.
    var leaves: [[UInt8]] = []

    var size: UInt64 { frontier.size }

    /// A file the edge has come to need.
    enum Output: Sendable {
        case tile(TilePath, Tile)
        case bundle(TilePath, EntryBundle)

        var path: TilePath {
            switch self {
            case .tile(let path, _), .bundle(let path, _): path
            }
        }
    }

    /// Adds `text`; gives what became full.
    mutating func append(_ text: [UInt8]) -> [Output] {
        let hash = MerkleHash.leaf(text)
        var outputs: [Output] = []
        leaves.append(text)
        tiles[0].append(hash)
        frontier.append(hash) { level, root in tiles[level].append(root) }
        if leaves.count == Tile.width, let bundle = EntryBundle(leaves: leaves) {
            outputs.append(.bundle(TilePath(.entries, number: size >> 8 - 1), bundle))
            leaves = []
        }
        for level in tiles.indices {
            guard tiles[level].isFull else { break }
            let number = size >> UInt64(Tile.height * (level + 1)) - 1
            outputs.append(.tile(TilePath(.tile(level: level), number: number), tiles[level]))
            tiles[level] = Tile()
        }
        return outputs
    }

    /// The partial files at this size.
    var partials: [Output] {
        var outputs: [Output] = []
        if let bundle = EntryBundle(leaves: leaves) {
            outputs.append(.bundle(TilePath(.entries, number: size >> 8, width: leaves.count), bundle))
        }
        for (level, tile) in tiles.enumerated() where tile.count > 0 {
            let number = size >> UInt64(Tile.height * (level + 1))
            outputs.append(.tile(TilePath(.tile(level: level), number: number, width: tile.count), tile))
        }
        return outputs
    }
}
