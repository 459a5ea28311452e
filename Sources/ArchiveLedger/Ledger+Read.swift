extension Ledger {
    /// The leaves from `index` on, ascending, up to the size at this moment; one bundle in memory at a time.
    ///
    /// - Throws (from the reader): `.keyMissing`, `.damaged`, `.authenticationFailed`, `.ioFailed`.
    public func leaves(from index: UInt64 = 0) -> LeafReader { LeafReader(ledger: self, index: index) }

    /// The root over the first `size` leaves.
    ///
    /// - Throws: `.outOfRange` beyond ``size``; `.damaged`, `.ioFailed`.
    public func root(at size: UInt64) throws(LedgerError) -> MerkleHash {
        guard size <= self.size else { throw LedgerError(.outOfRange, "no such size", index: size) }
        if size == self.size { return root }
        return try MerkleFrontier(size: size, peaks: peaks(at: size))?.root ?? .empty
    }

    /// The siblings from leaf `index` up to the root of the first `size` leaves (default: all).
    ///
    /// - Throws: `.outOfRange`; `.damaged`, `.ioFailed`.
    /// - SeeAlso: ``MerkleProof/verifyInclusion(of:at:in:root:path:)``
    public func inclusionProof(of index: UInt64, in size: UInt64? = nil) throws(LedgerError) -> [MerkleHash] {
        let size = size ?? self.size
        guard size <= self.size, index < size else { throw LedgerError(.outOfRange, "no such leaf", index: index) }
        return try MerkleProof.inclusion(of: index, in: size) { height, index throws(LedgerError) in
            try self.subtree(height: height, index: index)
        }
    }

    /// What leads from the root of the first `old` leaves to that of the first `new` (default: all).
    ///
    /// - Throws: `.outOfRange`; `.damaged`, `.ioFailed`.
    /// - SeeAlso: ``MerkleProof/verifyConsistency(from:oldRoot:to:newRoot:path:)``
    public func consistencyProof(from old: UInt64, to new: UInt64? = nil) throws(LedgerError) -> [MerkleHash] {
        let new = new ?? size
        guard old <= new, new <= size else { throw LedgerError(.outOfRange, "no such size", index: max(old, new)) }
        return try MerkleProof.consistency(from: old, to: new) { height, index throws(LedgerError) in
            try self.subtree(height: height, index: index)
        }
    }

    /// The leaf hash as the tiles have it.
    public func leafHash(at index: UInt64) throws(LedgerError) -> MerkleHash {
        guard index < size else { throw LedgerError(.outOfRange, "no such leaf", index: index) }
        return try subtree(height: 0, index: index)
    }
}

/// Reads leaves in order.
public struct LeafReader: Sendable {
    private let ledger: Ledger
    private let end: UInt64
    private var index: UInt64
    /// Of the bundle that holds ``index``.
    private var leaves: [[UInt8]] = []

    init(ledger: Ledger, index: UInt64) { (self.ledger, end, self.index) = (ledger, ledger.size, index) }

    /// The next leaf, or `nil` at the end.
    public mutating func next() throws(LedgerError) -> (index: UInt64, text: [UInt8])? {
        guard index < end else { return nil }
        let (number, position) = (index >> 8, Int(index & 255))
        if position >= leaves.count || position == 0 {
            let width = Int(min(UInt64(Tile.width), end - number << 8))
            leaves = try ledger.leaves(ofBundle: number, width: width)
        }
        defer { index += 1 }
        return (index, leaves[position])
    }
}

extension Ledger {
    /// The edge at `size`, from files.
    func edge(at size: UInt64) throws(LedgerError) -> LedgerEdge {
        var edge = LedgerEdge()
        for level in edge.tiles.indices {
            let width = Int(size >> UInt64(Tile.height * level) & 255)
            guard width > 0 else { continue }
            let number = size >> UInt64(Tile.height * (level + 1))
            edge.tiles[level] = try hashes(level: level, number: number, width: width)
        }
        if bundleKey != nil, size & 255 > 0 { edge.leaves = try leaves(ofBundle: size >> 8, width: Int(size & 255)) }
        let peaks = edge.tiles.reversed().flatMap { $0.peaks($0.count) }
        guard let frontier = MerkleFrontier(size: size, peaks: peaks) else {
            throw LedgerError(.damaged, "the tiles do not make a tree", index: size)
        }
        edge.frontier = frontier
        return edge
    }

    private func peaks(at size: UInt64) throws(LedgerError) -> [MerkleHash] {
        var peaks: [MerkleHash] = []
        var position: UInt64 = 0
        while position < size {
            let height = 63 - (size - position).leadingZeroBitCount
            peaks.append(try subtree(height: height, index: position >> UInt64(height)))
            position += 1 << UInt64(height)
        }
        return peaks
    }

    /// The root over the leaves [`index` << `height`, (`index` + 1) << `height`), all of them below ``size``.
    func subtree(height: Int, index: UInt64) throws(LedgerError) -> MerkleHash {
        let (level, rest) = height.quotientAndRemainder(dividingBy: Tile.height)
        let first = index << UInt64(rest)
        let position = Int(first & 255)
        let tile = try hashes(level: level, number: first >> 8, width: position + 1 << rest)
        return tile.subtree(height: rest, index: position >> rest)
    }

    /// The first `width` hashes of a tile; made again from the level or the bundle below if no file of them is whole.
    func hashes(level: Int, number: UInt64, width: Int) throws(LedgerError) -> Tile {
        let path = TilePath(.tile(level: level), number: number, width: width)
        if let tile = try storedHashes(path) { return tile }
        var tile = Tile()
        if level > 0 {
            for index in 0..<UInt64(width) {
                let lower = try hashes(level: level - 1, number: number << 8 + index, width: Tile.width)
                tile.append(lower.subtree(height: Tile.height, index: 0))
            }
        } else if bundleKey != nil {
            for leaf in try leaves(ofBundle: number, width: width) { tile.append(.leaf(leaf)) }
        } else {
            throw LedgerError(.damaged, "the tile is missing or cut off", path: "\(path)")
        }
        return tile
    }

    /// The first `path.width` hashes of a tile, or `nil` if no file of them is whole.
    func storedHashes(_ path: TilePath) throws(LedgerError) -> Tile? {
        for candidate in try candidates(path) {
            if let tile = try readTile(candidate) { return tile.prefix(path.width) }
        }
        return nil
    }

    /// The first `width` leaves of a bundle.
    func leaves(ofBundle number: UInt64, width: Int) throws(LedgerError) -> [[UInt8]] {
        let path = TilePath(.entries, number: number, width: width)
        guard let bundleKey else { throw LedgerError(.keyMissing, "bundles need their key", path: "\(path)") }
        var last = LedgerError(.damaged, "the bundle is missing", path: "\(path)")
        for candidate in try candidates(path) {
            guard let octets = try files.read("\(candidate)", limit: EntryBundle.maximumFileOctetCount) else {
                continue
            }
            do {
                return Array(try bundleKey.open(octets, at: candidate).leaves[..<width])
            } catch {
                last = error
            }
        }
        throw last
    }

    /// The file at `path` if it is there and of the right length.
    func readTile(_ path: TilePath) throws(LedgerError) -> Tile? {
        guard let octets = try files.read("\(path)", limit: Tile.width * MerkleHash.octetCount),
            let tile = Tile(octets: octets), tile.count == path.width
        else { return nil }
        return tile
    }

    /// The files that hold the first `path.width` members: narrowest first, since a wider one may be younger and torn.
    func candidates(_ path: TilePath) throws(LedgerError) -> [TilePath] {
        var widths = [path.width]
        if path.width < Tile.width {
            widths = try partialWidths(path).filter { $0 >= path.width }.sorted() + [Tile.width]
        }
        return widths.map { TilePath(path.kind, number: path.number, width: $0) }
    }

    /// Of which widths there are partial files.
    func partialWidths(_ path: TilePath) throws(LedgerError) -> [Int] {
        try files.names(in: path.partialFolder).compactMap { name in
            guard let width = Int(name), (1..<Tile.width).contains(width), String(width) == name else { return nil }
            return width
        }
    }
}
