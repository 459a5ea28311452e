import ArchiveCrypto
import ArchiveLedger
import MailCore

/// The last steps of a replacement, done by the writer and again by whoever opens the archive after it died.
struct ReplacedPacks {
    let layout: ArchiveLayout
    let keys: KeyHierarchy
    /// 8 octets, and its seed.
    let signer: [UInt8]
    let seed: [UInt8]
    let fault: (@Sendable (FaultStep) -> Void)?
    /// Of the youngest pack, as the journal has it.
    var lastSequence: UInt64 = 0

    /// Writes the record that keeps the writer's chain whole without the pack.
    ///
    /// - Parameter link: where the pack stood in the chain, if that is known.
    func leaveRecord(
        _ replacement: PackReplacement, ledgerIndex: UInt64, _ link: PackLink? = nil
    ) throws(ArchiveError) {
        let object = replacement.object.octets
        // It was removed before; then its record was durable.
        if !FileTree.exists(layout.pack(object.hex)), FileTree.exists(layout.gonePack(object.hex)) { return }
        let place: PackLink
        if let link {
            place = link
        } else {
            place = try .find(object, pack: replacement.pack, layout, keys, last: lastSequence)
        }
        let gone = GoneFile(
            replacement, ledgerIndex: ledgerIndex, archive: keys.archiveID, link: place, signer: signer)
        if !FileTree.exists(layout.packDirectory(object.hex)) {
            try FileTree.makeDirectory(layout.packDirectory(object.hex))
            try FileTree.syncDirectory(layout.packs)
        }
        try FileTree.replace(layout.gonePack(object.hex), with: gone.signed(seed: seed))
        fault?(.goneFile)
    }

    /// Removes the packs; their records and successors are durable.
    func remove(_ replacements: [PackReplacement]) throws(ArchiveError) {
        // ORDER: a stripe gives its packs back; it is gone before they are.
        try ParityFiles(layout: layout).drop(Set(replacements.map(\.object.octets)), fault: fault)
        var directories: Set<String> = []
        for replacement in replacements {
            let object = replacement.object.octets.hex
            try FileTree.remove(layout.pack(object))
            directories.insert(layout.packDirectory(object))
            fault?(.packRemove)
        }
        for directory in directories { try FileTree.syncDirectory(directory) }
    }
}

extension Recovery {
    /// Goes on where a compaction broke off: what the journal calls replaced is replaced.
    func finishReplacing(_ state: JournalState) throws(ArchiveError) {
        guard !state.replaced.isEmpty else { return }
        let packs = ReplacedPacks(
            layout: archive.layout, keys: archive.keys, signer: archive.identity.writer,
            seed: try archive.secret("writer-key"), fault: fault, lastSequence: state.counters.nextPackSequence - 1)
        let all = state.replaced.values.sorted { $0.ledgerIndex < $1.ledgerIndex }
        for (replacement, index) in all {
            try packs.leaveRecord(replacement, ledgerIndex: index)
            let temporary = archive.layout.gonePack(replacement.object.octets.hex) + ".tmp"
            try FileTree.remove(temporary)
        }
        try packs.remove(all.map(\.replacement))
    }
}
