extension Ledger {
    /// Appends `leaves`, whose `seq` lines count on from one another, and writes the bundles and tiles they change.
    ///
    /// Leaves that are there already are compared, and files among them that are torn or missing are made anew: a
    /// writer that appends its journal from any leaf at or before the last synced one has a whole ledger again. When
    /// nothing is missing, nothing is written. After an error the ledger is as before.
    /// - Parameters:
    ///   - leaves: texts (``Leaf/text``); the first one's `seq` is at most ``size``.
    ///   - durable: also ``sync()``.
    /// - Throws: `.invalidLeaf`; `.gap`; `.conflict` if another text is there; `.diverged` if the leaves do not lead to
    ///   the signed root; `.keyMissing`, `.damaged`, `.ioFailed`.
    public mutating func append(_ leaves: [[UInt8]], durable: Bool = false) throws(LedgerError) {
        if let first = try leaves.first.map(Self.sequence) {
            guard first <= size else {
                throw LedgerError(.gap, "\(size) leaves are there, the next is given as \(first)", index: first)
            }
            try append(leaves, at: first)
        }
        if durable { try sync() }
    }

    private mutating func append(_ leaves: [[UInt8]], at first: UInt64) throws(LedgerError) {
        let isReplay = first < size
        var leaves = leaves
        var staged = edge
        if isReplay {
            try compare(leaves, at: first)
            // What follows the given leaves stays.
            var rest = self.leaves(from: first + UInt64(leaves.count))
            while let leaf = try rest.next() { leaves.append(leaf.text) }
            staged = try edge(at: first)
        }
        guard bundleKey != nil else { throw LedgerError(.keyMissing, "leaves need the bundle key", index: first) }
        if let defect = defects.first(where: { $0.kind == .diverged }), first > published?.checkpoint.size ?? 0 {
            throw defect
        }
        let before = staged.tiles.map(\.count)
        try expectPublishedRoot(staged)
        var outputs: [LedgerEdge.Output] = []
        for text in leaves {
            guard try Self.sequence(text) == staged.size else {
                throw LedgerError(.invalidLeaf, "its seq is not its index", index: staged.size)
            }
            outputs += staged.append(text)
            try expectPublishedRoot(staged)
        }
        let grown = Set(outputs.map(\.path.kind))
        outputs += staged.partials.filter { output in
            guard !isReplay, case .tile(let level) = output.path.kind else { return true }
            return output.path.width != before[level] || grown.contains(output.path.kind)
                || unwrittenLevels.contains(level)
        }
        for output in outputs { try write(output, unlessSame: isReplay) }
        edge = staged
        if let signed = published?.checkpoint.size, first <= signed, size >= signed {
            defects.removeAll { $0.kind == .diverged || ($0.kind == .damaged && $0.path == nil) }
        }
    }

    /// `seq` of a leaf text, without parsing the rest.
    static func sequence(_ text: [UInt8]) throws(LedgerError) -> UInt64 {
        let prefix = Array((Leaf.magic + "\nseq ").utf8)
        guard text.count <= Leaf.maximumOctetCount, text.starts(with: prefix),
            let end = text[prefix.count...].firstIndex(of: 0x0A), text.last == 0x0A,
            let digits = String(validating: text[prefix.count..<end], as: UTF8.self), let sequence = UInt64(digits),
            String(sequence) == digits
        else { throw LedgerError(.invalidLeaf, "not a leaf text") }
        return sequence
    }

    /// Throws if `staged` has the size of the checkpoint on disk and another root.
    private func expectPublishedRoot(_ staged: LedgerEdge) throws(LedgerError) {
        guard let checkpoint = published?.checkpoint, checkpoint.size == staged.size else { return }
        guard checkpoint.root == staged.frontier.root else {
            throw LedgerError(.diverged, "the leaves do not lead to the signed root", index: staged.size)
        }
    }

    /// Throws if a bundle that opens holds another text than `leaves` has for an index.
    private func compare(_ leaves: [[UInt8]], at first: UInt64) throws(LedgerError) {
        var index = first
        let end = min(size, first + UInt64(leaves.count))
        while index < end {
            let number = index >> 8
            let stop = min(end, (number + 1) << 8)
            // A bundle that does not open is torn: it is written anew, and the signed root still has to come out.
            if let kept = try? self.leaves(ofBundle: number, width: Int(stop - number << 8)) {
                for index in index..<stop where kept[Int(index & 255)] != leaves[Int(index - first)] {
                    throw LedgerError(.conflict, "another leaf is there", index: index)
                }
            }
            index = stop
        }
    }

    private mutating func write(_ output: LedgerEdge.Output, unlessSame: Bool) throws(LedgerError) {
        let path = output.path
        let isSame = unlessSame ? try isThere(output) : false
        if isSame {
            files.markDirty("\(path)")
        } else {
            switch output {
            case .tile(_, let tile): try files.write(tile.octets, to: "\(path)")
            case .bundle(_, let bundle):
                guard let octets = try bundleKey?.seal(bundle, for: path) else { return }
                try files.write(octets, to: "\(path)")
            }
        }
        supersede(path, isReplay: unlessSame)
    }

    private func isThere(_ output: LedgerEdge.Output) throws(LedgerError) -> Bool {
        switch output {
        case .tile(let path, let tile): return try readTile(path) == tile
        case .bundle(let path, let bundle):
            guard let bundleKey,
                let octets = try files.read("\(path)", limit: EntryBundle.maximumFileOctetCount)
            else { return false }
            return (try? bundleKey.open(octets, at: path)) == bundle
        }
    }

    /// Notes that `path` is the widest of its stem now, and what may go when.
    private mutating func supersede(_ path: TilePath, isReplay: Bool) {
        let stem = path.stem
        let old = widths[stem]
        if let old, old != path.width {
            let narrower = TilePath(path.kind, number: path.number, width: old)
            // ORDER: a partial file that was synced stays until the wider one is, or a crash could take both.
            if files.dirtyFiles.contains("\(narrower)") { removableAfterPublish.insert("\(narrower)") }
        }
        if isReplay || old != nil || removableAfterSync[stem] != nil { removableAfterSync[stem] = path }
        widths[stem] = path.width == Tile.width ? nil : path.width
        if case .tile(let level) = path.kind { unwrittenLevels.remove(level) }
    }
}
