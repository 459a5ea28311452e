extension Ledger {
    /// Signs the present size and root and puts the note in the place of the last one; gives it back.
    ///
    /// Call it only for leaves that are durable in the journal: a size is signed once and for ever.
    /// - Parameters:
    ///   - signingSeed: the log key's Ed25519 seed, 32 octets.
    ///   - nextSeed: of the key that signs larger trees, when the log changes keys: both sign this one.
    ///   - keeping: also as `checkpoints/<size>`.
    /// - Throws: `.diverged` if the note on disk is not of a beginning of this tree; `.wrongSigningKey`; `.ioFailed`.
    @discardableResult
    public mutating func publish(
        signingSeed: [UInt8], nextSeed: [UInt8]? = nil, keeping: Bool = false
    ) throws(LedgerError) -> CheckpointNote {
        if let defect = defects.first(where: { $0.kind == .diverged }) { throw defect }
        if let signed = published?.checkpoint, signed.size > size || (signed.size == size && signed.root != root) {
            throw LedgerError(
                .diverged, "\(signed.size) leaves are signed, \(size) are there", path: Self.checkpointPath, index: size
            )
        }
        var note = published
        if note?.checkpoint.size != size || nextSeed != nil {
            let checkpoint = Checkpoint(origin: origin, size: size, root: root)
            var signed = try CheckpointNote.sign(checkpoint, seed: signingSeed)
            if let nextSeed { signed = try signed.signedAlso(seed: nextSeed) }
            guard keys.areBehind(signed) else {
                throw LedgerError(.wrongSigningKey, "the seed is not that of the log's key")
            }
            try files.write(signed.text, to: Self.checkpointPath)
            note = signed
        } else {
            files.markDirty(Self.checkpointPath)
        }
        guard let note else { throw LedgerError(.damaged, "no checkpoint was made", path: Self.checkpointPath) }
        if keeping { try files.write(note.text, to: Self.checkpointPath(size: size)) }
        published = note
        defects = []
        for path in removableAfterPublish { try files.remove(path) }
        removableAfterPublish = []
        return note
    }

    /// The log's keys are `keys` from now on.
    public mutating func change(to keys: LogKeys) { self.keys = keys }

    /// Makes every file written since the last call durable, with its folders; then removes what wider ones replaced.
    ///
    /// - Throws: `.ioFailed`; what was not made durable stays noted.
    public mutating func sync() throws(LedgerError) {
        try files.synchronize()
        guard let signed = published?.checkpoint.size, signed == size else { return }
        for (stem, path) in removableAfterSync {
            let folder = path.partialFolder
            for name in try files.names(in: folder) where path.width == Tile.width || name != String(path.width) {
                try files.remove("\(folder)/\(name)")
            }
            if path.width == Tile.width { files.removeFolder(folder) }
            removableAfterSync[stem] = nil
        }
        removableAfterPublish = []
    }
}
