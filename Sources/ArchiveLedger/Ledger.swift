/// The Merkle tree of one archive: the folder `log/`.
///
/// One value writes at a time; others may read meanwhile. Memory is that of one tile a level and one bundle, whatever
/// the size. Nothing is durable before ``sync()``: after a crash the writer appends again what its journal names, from
/// the first leaf on that was not synced, and torn files are made anew.
/// - SeeAlso: LedgerFormat.md
public struct Ledger: Sendable {
    /// `mailarc/<archive id>`
    public let origin: String
    /// The checkpoint on disk, if it is there and signed by the log's key.
    public internal(set) var published: CheckpointNote?
    /// What was found wrong on opening, and not yet put right by appending or publishing.
    public internal(set) var defects: [LedgerError] = []

    var files: LedgerFiles
    /// Who may sign checkpoints of which size.
    public internal(set) var keys: LogKeys
    let bundleKey: BundleKey?
    var edge = LedgerEdge()
    /// The width of the youngest partial file of each stem at the edge.
    var widths: [String: Int] = [:]
    /// Partial files to remove when a checkpoint covers the wider ones; none of them was synced.
    var removableAfterPublish: Set<String> = []
    /// Stems with partial files to remove when the wider ones are durable.
    var removableAfterSync: [String: TilePath] = [:]

    /// Levels whose partial tile was made up from the level below on opening and is in no file.
    var unwrittenLevels: Set<Int> = []

    init(files: LedgerFiles, origin: String, keys: LogKeys, bundleKey: BundleKey?) {
        (self.files, self.origin, self.keys, self.bundleKey) = (files, origin, keys, bundleKey)
    }

    /// Opens the ledger in `directory` (`…/log`), which need not exist yet.
    ///
    /// ``size`` is then the number of leaves up to the first torn or missing file behind the checkpoint's last tile;
    /// it can be less than the checkpoint says after a crash (``defects``), until the journal's leaves are appended.
    /// - Parameters:
    ///   - origin: `mailarc/<archive id>`.
    ///   - keys: the log's Ed25519 keys.
    ///   - bundleKey: without it leaves can be neither read nor appended; proofs can be made.
    /// - Throws: ``LedgerError`` `.ioFailed`, `.damaged` if the tiles before the edge cannot be read.
    public static func open(
        directory: String, origin: String, keys: LogKeys, bundleKey: BundleKey?
    ) throws(LedgerError) -> Ledger {
        var ledger = Ledger(
            files: LedgerFiles(directory: directory), origin: origin, keys: keys, bundleKey: bundleKey)
        try ledger.load()
        return ledger
    }

    /// Opens a ledger whose key never changed; `publicKey`: 32 octets.
    public static func open(
        directory: String, origin: String, publicKey: [UInt8], bundleKey: BundleKey?
    ) throws(LedgerError) -> Ledger {
        try open(directory: directory, origin: origin, keys: LogKeys(current: publicKey), bundleKey: bundleKey)
    }

    /// The number of leaves.
    public var size: UInt64 { edge.size }
    /// The root over all leaves.
    public var root: MerkleHash { edge.frontier.root }
}

extension Ledger {
    static let checkpointPath = "checkpoint"
    static func checkpointPath(size: UInt64) -> String { "checkpoints/\(size)" }

    private mutating func load() throws(LedgerError) {
        // Files of the edge change names under a reader while another process writes: look again.
        for attempt in 1...3 {
            defects = []
            published = try readCheckpoint()
            edge = try readableEdge()
            if bundleKey == nil || attempt == 3 || size >= published?.checkpoint.size ?? 0 { break }
        }
        for output in edge.partials {
            widths[output.path.stem] = output.path.width
            removableAfterSync[output.path.stem] = output.path
            if case .tile(let level) = output.path.kind, try readTile(output.path) == nil {
                unwrittenLevels.insert(level)
            }
        }
        try judgePublished()
    }

    private mutating func judgePublished() throws(LedgerError) {
        guard let checkpoint = published?.checkpoint else { return }
        guard checkpoint.size <= size else {
            defects.append(
                LedgerError(.damaged, "the checkpoint names \(checkpoint.size) leaves, \(size) are whole", index: size))
            return
        }
        if try root(at: checkpoint.size) != checkpoint.root {
            defects.append(
                LedgerError(.diverged, "the tiles do not lead to the signed root", path: Self.checkpointPath))
        }
    }

    private mutating func readCheckpoint() throws(LedgerError) -> CheckpointNote? {
        let path = Self.checkpointPath
        guard let text = try files.read(path, limit: CheckpointNote.maximumOctetCount) else { return nil }
        guard let note = CheckpointNote(parsing: text) else {
            defects.append(LedgerError(.damaged, "not a checkpoint", path: path))
            return nil
        }
        guard note.checkpoint.origin == origin, keys.areBehind(note) else {
            defects.append(LedgerError(.damaged, "not signed by the key of this log", path: path))
            return nil
        }
        return note
    }

    /// The edge at the end of the whole tiles and bundles, looked for from the tile on in which the checkpoint ends; if
    /// the tree cannot be had there, at the last end before where it can.
    private func readableEdge() throws(LedgerError) -> LedgerEdge {
        let signed = published?.checkpoint.size ?? 0
        if bundleKey == nil, signed > 0 { return try edge(at: signed) }
        var number = signed / UInt64(Tile.width)
        while try isWhole(number, width: Tile.width) { number += 1 }
        // LIMIT: leaves that were not synced fill a few tiles; a million lost leaves are no matter for this.
        for _ in 0..<4_096 {
            do {
                return try edge(at: number * UInt64(Tile.width) + UInt64(widestWhole(number)))
            } catch {
                guard error.kind == .damaged || error.kind == .authenticationFailed, number > 0 else { throw error }
                number -= 1
            }
        }
        throw LedgerError(.damaged, "no tree can be made of the tiles", index: signed)
    }

    /// How many members of tile `number` are in whole partial files.
    private func widestWhole(_ number: UInt64) throws(LedgerError) -> Int {
        let (tile, entries) = (TilePath(.tile(level: 0), number: number), TilePath(.entries, number: number))
        let widths = try Set(partialWidths(tile) + partialWidths(entries)).sorted(by: >)
        for width in widths where try isWhole(number, width: width) { return width }
        return 0
    }

    /// Whether the first `width` hashes and leaves of tile `number` are there and agree.
    private func isWhole(_ number: UInt64, width: Int) throws(LedgerError) -> Bool {
        guard let tile = try storedHashes(TilePath(.tile(level: 0), number: number, width: width)) else { return false }
        guard bundleKey != nil else { return true }
        do {
            let leaves = try leaves(ofBundle: number, width: width)
            return zip(leaves, 0..<width).allSatisfy { MerkleHash.leaf($0) == tile[$1] }
        } catch {
            guard error.kind == .ioFailed || error.kind == .keyMissing else { return false }
            throw error
        }
    }
}
