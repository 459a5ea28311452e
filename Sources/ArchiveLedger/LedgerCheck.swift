extension Ledger {
    /// Checks the ledger in `directory`: read only, one pass, bounded memory, whatever the damage.
    ///
    /// Without `bundleKey` (level 0): the checkpoint's signature, every tile it needs, from the leaf hashes to the signed
    /// root, and every kept note of `checkpoints/` against the root of its size. With it (level 1) also: every bundle
    /// opens, its leaves hash to the tiles, and each is the leaf of its index.
    ///
    /// A wrong hash is named by file and offset; where nothing tells which of two files is wrong, the lower one is named.
    /// - Throws: `.ioFailed` when a file is there and the system does not let it be read; `.keyMissing` without codec.
    public static func check(
        directory: String, origin: String, keys: LogKeys, bundleKey: BundleKey? = nil
    ) throws(LedgerError) -> LedgerReport {
        let ledger = Ledger(
            files: LedgerFiles(directory: directory), origin: origin, keys: keys, bundleKey: bundleKey)
        var check = LedgerCheck(ledger: ledger)
        try check.run()
        return check.report
    }

    /// Checks a ledger whose key never changed; `publicKey`: 32 octets.
    public static func check(
        directory: String, origin: String, publicKey: [UInt8], bundleKey: BundleKey? = nil
    ) throws(LedgerError) -> LedgerReport {
        try check(
            directory: directory, origin: origin, keys: LogKeys(current: publicKey), bundleKey: bundleKey)
    }
}

/// One run of ``Ledger/check(directory:origin:keys:bundleKey:)``.
struct LedgerCheck {
    let ledger: Ledger
    var report = LedgerReport()
    /// The roots of the full tiles of level 0 so far, as a tree of their own.
    private var frontier = MerkleFrontier()
    /// The tile of each level from 1 on that holds the next root of a tile below; `nil`: not to be had.
    private var uppers: [Int: (number: UInt64, tile: Tile?)] = [:]
    /// Kept notes, by size, ascending.
    private var notes: [Checkpoint] = []
    /// A tile of level 0 could not be had at all: no root can be told from there on.
    private var isBroken = false

    init(ledger: Ledger) { self.ledger = ledger }

    mutating func run() throws(LedgerError) {
        report.checkpoint = try readNote(Ledger.checkpointPath)
        if let size = report.checkpoint?.size { report.size = size } else { report.size = try countedSize() }
        if report.checkpoint == nil, report.findingCount == 0, report.size > 0 {
            report.add(.missing, Ledger.checkpointPath)
        }
        try readNotes()
        let count = report.size / UInt64(Tile.width)
        judgeNotes(below: 0, Tile())
        for number in 0..<count {
            let tile = try checkedTile(number, width: Tile.width)
            judgeNotes(below: number, tile ?? Tile())
            try extend(number, tile)
        }
        let rest = Int(report.size % UInt64(Tile.width))
        let last = rest > 0 ? try checkedTile(count, width: rest) : Tile()
        judgeNotes(below: count, last ?? Tile())
        judgeRoot(last)
    }

    /// The leaf hashes of one tile: those of the bundle where it opens, else those of the file.
    private mutating func checkedTile(_ number: UInt64, width: Int) throws(LedgerError) -> Tile? {
        let path = TilePath(.tile(level: 0), number: number, width: width)
        let tile = try read(path)
        guard ledger.bundleKey != nil, let leaves = try readBundle(number, width: width) else { return tile?.tile }
        var truth = Tile()
        for (position, text) in leaves.enumerated() {
            let index = number << 8 + UInt64(position)
            let hash = MerkleHash.leaf(text)
            truth.append(hash)
            if let tile, tile.tile[position] != hash {
                report.add(.wrongHash, tile.path, offset: position * MerkleHash.octetCount, index: index)
            }
            if Leaf(parsing: text)?.sequence != index {
                report.add(.notALeaf, "\(TilePath(.entries, number: number, width: width))", index: index)
            }
        }
        return truth
    }

    /// Adds the root of a full tile of level 0 to the tree, comparing it and what it completes with the tiles above.
    private mutating func extend(_ number: UInt64, _ tile: Tile?) throws(LedgerError) {
        let stored = try upper(level: 1, index: number)?.hash
        guard let root = tile?.subtree(height: Tile.height, index: 0) ?? stored else {
            isBroken = true
            return
        }
        var completed = [(1, root)]
        frontier.append(root) { level, root in completed.append((level + 1, root)) }
        for (level, root) in completed {
            let index = number >> UInt64(Tile.height * (level - 1))
            guard let (hash, path) = try upper(level: level, index: index), hash != root, !isBroken else { continue }
            mismatches.append(Mismatch(level: level, index: index, path: path))
        }
    }

    /// A tile of which the root is not what the tile above holds for it.
    private struct Mismatch {
        var level: Int
        var index: UInt64
        /// The tile above.
        var path: String
    }
    private var mismatches: [Mismatch] = []

    /// Which side of each mismatch is wrong: the signed root tells.
    private mutating func judgeRoot(_ last: Tile?) {
        var root: MerkleHash?
        if let last { root = self.root(with: last) }
        let isTrue = root != nil && root == report.checkpoint?.root
        for mismatch in mismatches {
            if isTrue {
                let position = Int(mismatch.index & 255)
                report.add(.wrongHash, mismatch.path, offset: position * MerkleHash.octetCount)
            } else {
                report.add(.wrongHash, "\(TilePath(.tile(level: mismatch.level - 1), number: mismatch.index))")
            }
        }
        guard let root, let signed = report.checkpoint, signed.root != root, mismatches.isEmpty else { return }
        let width = Int(report.size % UInt64(Tile.width))
        let path = TilePath(.tile(level: 0), number: report.size / UInt64(Tile.width), width: width)
        report.add(.wrongRoot, width > 0 ? "\(path)" : Ledger.checkpointPath)
    }

    /// The root over all full tiles so far and the hashes of `tile`.
    private func root(with tile: Tile) -> MerkleHash? {
        guard !isBroken else { return nil }
        return MerkleFrontier.root(ofPeaks: frontier.peaks + tile.peaks(tile.count)) ?? .empty
    }

    /// Compares the notes whose size lies in tile `number` with the root of that size.
    private mutating func judgeNotes(below number: UInt64, _ tile: Tile) {
        let start = number * UInt64(Tile.width)
        while let note = notes.last, note.size <= start + UInt64(tile.count) {
            notes.removeLast()
            guard note.size >= start, let root = root(with: tile.prefix(Int(note.size - start))) else { continue }
            if root != note.root { report.add(.wrongRoot, Ledger.checkpointPath(size: note.size)) }
        }
    }
}

extension LedgerCheck {
    /// The checkpoint in the file, if it is one and signed.
    private mutating func readNote(_ path: String) throws(LedgerError) -> Checkpoint? {
        guard let text = try octets(path, limit: CheckpointNote.maximumOctetCount) else { return nil }
        guard let note = CheckpointNote(parsing: text), note.checkpoint.origin == ledger.origin else {
            report.add(.notACheckpoint, path, offset: 0)
            return nil
        }
        guard ledger.keys.areBehind(note) else {
            report.add(.badSignature, path)
            return nil
        }
        return note.checkpoint
    }

    private mutating func readNotes() throws(LedgerError) {
        let sizes = try ledger.files.names(in: "checkpoints").compactMap { UInt64($0) }.sorted(by: >)
        var isRolledBack = false
        for size in sizes {
            let path = Ledger.checkpointPath(size: size)
            guard let checkpoint = try readNote(path) else { continue }
            if checkpoint.size != size {
                report.add(.notACheckpoint, path, offset: 0)
            } else if size > report.size {
                // The log's own checkpoint is the older one.
                if !isRolledBack { report.add(.rolledBack, Ledger.checkpointPath) }
                isRolledBack = true
                report.add(.rolledBack, path)
            } else {
                notes.append(checkpoint)
            }
        }
    }

    /// How many leaves the tiles of level 0 have room for, when no checkpoint tells.
    private func countedSize() throws(LedgerError) -> UInt64 {
        var number: UInt64 = 0
        while try ledger.readTile(TilePath(.tile(level: 0), number: number)) != nil { number += 1 }
        let widths = try ledger.partialWidths(TilePath(.tile(level: 0), number: number))
        return number * UInt64(Tile.width) + UInt64(widths.max() ?? 0)
    }

    /// What the tile above has for the root `index` of `level`, and in which file.
    private mutating func upper(level: Int, index: UInt64) throws(LedgerError) -> (hash: MerkleHash, path: String)? {
        let number = index >> 8
        let width = min(UInt64(Tile.width), report.size >> UInt64(Tile.height * level) - number << 8)
        let path = TilePath(.tile(level: level), number: number, width: Int(width))
        if uppers[level]?.number != number { uppers[level] = (number, try read(path)?.tile) }
        guard let tile = uppers[level]?.tile else { return nil }
        return (tile[Int(index & 255)], "\(path)")
    }

    /// The tile at `path`, or the first hashes of a wider one in its place.
    private mutating func read(_ path: TilePath) throws(LedgerError) -> (tile: Tile, path: String)? {
        var kind = LedgerFinding.Kind.missing
        for candidate in try ledger.candidates(path) {
            let limit = Tile.width * MerkleHash.octetCount
            guard let octets = try octets("\(candidate)", limit: limit) else { continue }
            if let tile = Tile(octets: octets), tile.count == candidate.width {
                return (tile.prefix(path.width), "\(candidate)")
            }
            kind = .wrongLength
        }
        report.add(kind, "\(path)")
        return nil
    }

    private mutating func readBundle(_ number: UInt64, width: Int) throws(LedgerError) -> [[UInt8]]? {
        let path = TilePath(.entries, number: number, width: width)
        do {
            let leaves = try ledger.leaves(ofBundle: number, width: width)
            report.bundleCount += 1
            return leaves
        } catch {
            if error.kind == .ioFailed || error.kind == .keyMissing { throw error }
            let isMissing = error.kind == .damaged && error.offset == nil
            report.add(isMissing ? .missing : .doesNotOpen, "\(path)", offset: isMissing ? nil : 0)
            return nil
        }
    }

    /// The octets of the file, `nil` if there is none or it is far too long.
    private func octets(_ path: String, limit: Int) throws(LedgerError) -> [UInt8]? {
        do {
            return try ledger.files.read(path, limit: limit + 1)
        } catch {
            guard error.kind == .damaged else { throw error }
            return []
        }
    }
}
