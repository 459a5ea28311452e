/// A tree that only grows, kept as the roots of its complete subtrees: one hash for each set bit of its size.
///
/// Appending costs two hashes on average, the root at most 63.
/// - SeeAlso: RFC 6962 §2.1
public struct MerkleFrontier: Hashable, Sendable {
    /// The number of leaves.
    public private(set) var size: UInt64
    /// Largest subtree (leftmost) first.
    private(set) var peaks: [MerkleHash]

    public init() { (size, peaks) = (0, []) }

    /// `nil` unless there is one peak for each set bit of `size`. `peaks` go from the largest subtree to the smallest.
    public init?(size: UInt64, peaks: [MerkleHash]) {
        guard peaks.count == size.nonzeroBitCount else { return nil }
        (self.size, self.peaks) = (size, peaks)
    }

    /// Adds `leaf` and calls `completed` with each tile root that came about: of level 1 (256 leaves), 2 (65,536), …
    public mutating func append(_ leaf: MerkleHash, completed: (_ level: Int, _ root: MerkleHash) -> Void = { _, _ in })
    {
        var hash = leaf
        var height = 0
        var rest = size
        while rest & 1 == 1, let left = peaks.popLast() {
            hash = .node(left, hash)
            height += 1
            rest >>= 1
            if height % Tile.height == 0 { completed(height / Tile.height, hash) }
        }
        peaks.append(hash)
        size += 1
    }

    public var root: MerkleHash { Self.root(ofPeaks: peaks) ?? .empty }

    /// The root over adjacent complete subtrees, largest first; `nil` for none.
    static func root(ofPeaks peaks: [MerkleHash]) -> MerkleHash? {
        guard var hash = peaks.last else { return nil }
        for peak in peaks.dropLast().reversed() { hash = .node(peak, hash) }
        return hash
    }
}
