import ArchiveCrypto
import ArchiveLedger
import MailCore

/// Makes an archive whole before it is written to: the journal decides (ArchiveFormat.md §10).
struct Recovery {
    let archive: Archive
    let random: RandomSource
    let fault: (@Sendable (FaultStep) -> Void)?
    /// What is missing of a pack is made up with zeros, for ``ArchiveWriter/acceptLoss(of:follow:)`` to find.
    var acceptsLoss = false

    struct Result {
        var vault: VaultWriter
        var ledger: Ledger
        var journal: JournalFile
        var state: JournalState
        var packs: [RandomID: PackFile]
        /// The journal holds more than the open packs: it is due to be rewritten.
        var isJournalLong: Bool
    }

    private var layout: ArchiveLayout { archive.layout }

    func run(logSeed: [UInt8]) throws(ArchiveError) -> Result {
        let contents = try JournalFile.read(layout, keys: archive.keys)
        var state = JournalState(contents.records)
        let journal = try JournalFile(layout, continuing: contents, keys: archive.keys, random: random)
        try checkLedgerSize(state)
        try AnchorRecovery(files: archive.vault.files, fault: fault).runIfNeeded()
        let vault = try VaultWriter(files: archive.vault.files, counters: state.counters, random: random, fault: fault)
        try finishSealing(state)
        let packs = try openPacks(state)
        try removeStrangers(packs)
        let ledger = try recoverLedger(state, logSeed: logSeed)
        try finishReplacing(state)
        try finishRemovingSlots(state)
        let isJournalLong = !state.leaves.isEmpty
        state.leaves = []
        for id in state.sealed.keys { state.blobs[id] = nil }
        return Result(
            vault: vault, ledger: ledger, journal: journal, state: state, packs: packs, isJournalLong: isJournalLong)
    }

    /// Renames packs the journal calls sealed that still have their old name.
    private func finishSealing(_ state: JournalState) throws(ArchiveError) {
        for (id, sealed) in state.sealed {
            if FileTree.exists(layout.openPack(id)) {
                try ArchiveWriter.move(id, sealed.digest, layout)
            } else if state.replaced[sealed.digest] == nil, !acceptsLoss,
                !FileTree.exists(layout.pack(sealed.digest.hex))
            {
                throw ArchiveError(.damaged, "a sealed pack is missing", path: layout.pack(sealed.digest.hex))
            }
        }
    }

    private func openPacks(_ state: JournalState) throws(ArchiveError) -> [RandomID: PackFile] {
        var packs: [RandomID: PackFile] = [:]
        for (id, length) in state.packs {
            let path = layout.openPack(id)
            let file: SystemFile
            do throws(ArchiveError) { file = try SystemFile(path, .readWrite) } catch {
                guard error.kind == .missing else { throw error }
                guard acceptsLoss else {
                    throw ArchiveError(.damaged, "a pack the journal names is missing", path: path)
                }
                file = try SystemFile(path, .create)
            }
            if acceptsLoss { try makeUp(file, id: id, length: length) }
            let size = try file.size()
            guard size >= length else {
                throw ArchiveError(
                    .damaged, "the journal names \(length) octets of the pack, \(size) are there", path: path,
                    offset: size)
            }
            if size > length { try file.truncate(to: length) }
            let header = try PackHeader(decoding: file.read(PackHeader.length, at: 0), archive: archive.id)
            packs[id] = PackFile(
                file: file, header: header, durableLength: length, blobCount: state.blobs[id]?.count ?? 0)
        }
        return packs
    }

    /// Gives a damaged open pack a header that can be read and the length the journal names.
    private func makeUp(_ file: SystemFile, id: RandomID, length: UInt64) throws(ArchiveError) {
        let octets = try file.readUpTo(PackHeader.length, at: 0)
        if (try? PackHeader(decoding: octets, archive: archive.id))?.pack != id {
            let header = PackHeader(archive: archive.id, pack: id, writer: archive.identity.writer, created: 0)
            try file.write(header.encode(), at: 0)
        }
        if try file.size() < length { try file.truncate(to: length) }
        try file.sync()
    }

    /// Removes what no frame names: packs begun in vain and temporary files.
    private func removeStrangers(_ packs: [RandomID: PackFile]) throws(ArchiveError) {
        for name in try FileTree.names(in: layout.open) {
            let isKnown =
                name.hasSuffix(".pk") && RandomID(hex: String(name.dropLast(3))).map { packs[$0] != nil } == true
            if !isKnown && (name.hasSuffix(".pk") || name.hasSuffix(".tmp")) {
                try FileTree.remove("\(layout.open)/\(name)")
            }
        }
        for directory in [layout.root, layout.keys, layout.writers, layout.dictionaries, layout.vault, layout.index] {
            for name in try FileTree.names(in: directory) where name.hasSuffix(".tmp") {
                try FileTree.remove("\(directory)/\(name)")
            }
        }
        try AnchorRecovery(files: archive.vault.files, fault: nil).removeOldFiles()
    }

    /// The ledger is written after the journal: one that is longer tells of frames that were lost, and with them of
    /// blobs that must not be cut off.
    private func checkLedgerSize(_ state: JournalState) throws(ArchiveError) {
        let size = try archive.openLedger().size
        guard size <= state.counters.ledgerSize else {
            throw ArchiveError(
                .damaged, "the ledger has \(size) leaves, the journal knows of \(state.counters.ledgerSize)",
                path: layout.journal)
        }
    }

    /// Removes the key slots whose removal the journal tells and that a writer died before.
    private func finishRemovingSlots(_ state: JournalState) throws(ArchiveError) {
        for leaf in state.leaves {
            guard case .keyRemoved(let slot, _) = Leaf(parsing: leaf.text)?.body else { continue }
            let path = "\(layout.keys)/\(slot.octets.hex).slot"
            guard FileTree.exists(path) else { continue }
            try FileTree.remove(path)
            try FileTree.syncDirectory(layout.keys)
        }
    }

    private func recoverLedger(_ state: JournalState, logSeed: [UInt8]) throws(ArchiveError) -> Ledger {
        var ledger = try archive.openLedger()
        do throws(LedgerError) {
            try ledger.append(state.leaves.map(\.text))
            try ledger.publish(signingSeed: logSeed)
        } catch { throw ArchiveError(error, layout) }
        return ledger
    }
}
