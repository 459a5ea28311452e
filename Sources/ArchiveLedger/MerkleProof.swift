/// Proofs over the tree: made from the roots of complete subtrees, checked with nothing but hashes.
///
/// - SeeAlso: RFC 6962 §2.1.1 and §2.1.2 (how they are made), RFC 9162 §2.1.3.2 and §2.1.4.2 (how they are checked)
public enum MerkleProof {
    /// Gives the root over the leaves [`index` << `height`, (`index` + 1) << `height`).
    typealias Subtrees = (_ height: Int, _ index: UInt64) throws(LedgerError) -> MerkleHash

    /// The siblings from leaf `index` up to the root of the first `size` leaves.
    /// - Precondition: `index` is below `size`.
    static func inclusion(of index: UInt64, in size: UInt64, _ subtrees: Subtrees) throws(LedgerError) -> [MerkleHash] {
        var path: [MerkleHash] = []
        var (start, end) = (UInt64(0), size)
        while end - start > 1 {
            let middle = start + split(end - start)
            if index < middle {
                path.append(try root(from: middle, to: end, subtrees))
                end = middle
            } else {
                path.append(try root(from: start, to: middle, subtrees))
                start = middle
            }
        }
        return path.reversed()
    }

    /// What leads from the root of the first `old` leaves to that of the first `new`; empty if they are equal or none.
    /// - Precondition: `old` is at most `new`.
    static func consistency(from old: UInt64, to new: UInt64, _ subtrees: Subtrees) throws(LedgerError) -> [MerkleHash]
    {
        guard old > 0, old < new else { return [] }
        var path: [MerkleHash] = []
        var (start, end, isOldRoot) = (UInt64(0), new, true)
        while end > old {
            let middle = start + split(end - start)
            if old <= middle {
                path.append(try root(from: middle, to: end, subtrees))
                end = middle
            } else {
                path.append(try root(from: start, to: middle, subtrees))
                (start, isOldRoot) = (middle, false)
            }
        }
        if !isOldRoot { path.append(try root(from: start, to: end, subtrees)) }
        return path.reversed()
    }

    /// Whether `path` leads from the leaf hash `leaf` at `index` to `root`, the root of `size` leaves.
    public static func verifyInclusion(
        of leaf: MerkleHash, at index: UInt64, in size: UInt64, root: MerkleHash, path: [MerkleHash]
    ) -> Bool {
        guard index < size else { return false }
        var (position, last, hash) = (index, size - 1, leaf)
        for sibling in path {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                hash = .node(sibling, hash)
                while position & 1 == 0, position != 0 { (position, last) = (position >> 1, last >> 1) }
            } else {
                hash = .node(hash, sibling)
            }
            (position, last) = (position >> 1, last >> 1)
        }
        return last == 0 && hash == root
    }

    /// Whether `path` shows that the tree of `new` leaves begins with the tree of `old` leaves.
    ///
    /// With `old` 0 only an empty path proves, and it proves nothing.
    public static func verifyConsistency(
        from old: UInt64, oldRoot: MerkleHash, to new: UInt64, newRoot: MerkleHash, path: [MerkleHash]
    ) -> Bool {
        if old == new { return path.isEmpty && oldRoot == newRoot }
        if old == 0 { return path.isEmpty && oldRoot == .empty }
        guard old < new, !path.isEmpty else { return false }
        var rest = path[...]
        let isPowerOfTwo = old & (old - 1) == 0
        guard let first = isPowerOfTwo ? oldRoot : rest.popFirst() else { return false }
        var (position, last) = (old - 1, new - 1)
        while position & 1 == 1 { (position, last) = (position >> 1, last >> 1) }
        var (oldHash, newHash) = (first, first)
        for sibling in rest {
            guard last > 0 else { return false }
            if position & 1 == 1 || position == last {
                oldHash = .node(sibling, oldHash)
                newHash = .node(sibling, newHash)
                while position & 1 == 0, position != 0 { (position, last) = (position >> 1, last >> 1) }
            } else {
                newHash = .node(newHash, sibling)
            }
            (position, last) = (position >> 1, last >> 1)
        }
        return last == 0 && oldHash == oldRoot && newHash == newRoot
    }

    /// The largest power of two below `count`.
    /// - Precondition: `count` is at least 2.
    private static func split(_ count: UInt64) -> UInt64 {
        1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }

    /// The root over the leaves [`start`, `end`); `start` is a multiple of a power of two no smaller than their number.
    private static func root(
        from start: UInt64, to end: UInt64, _ subtrees: Subtrees
    ) throws(LedgerError) -> MerkleHash {
        var peaks: [MerkleHash] = []
        var position = start
        while position < end {
            let height = 63 - (end - position).leadingZeroBitCount
            peaks.append(try subtrees(height, position >> UInt64(height)))
            position += 1 << UInt64(height)
        }
        return MerkleFrontier.root(ofPeaks: peaks) ?? .empty
    }
}
