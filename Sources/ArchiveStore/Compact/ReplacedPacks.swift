import ArchiveCrypto
import ArchiveLedger
import MailCore

/// The last steps of a replacement, done by the writer and again by whoever opens the archive after it died.
struct ReplacedPacks {
    let layout: ArchiveLayout
    let archive: RandomID
    /// 8 octets, and its seed.
    let signer: [UInt8]
    let seed: [UInt8]
    let fault: (@Sendable (FaultStep) -> Void)?

    /// Writes the record that keeps the writer's chain whole without the pack.
    func leaveRecord(_ replacement: PackReplacement, ledgerIndex: UInt64) throws(ArchiveError) {
        let object = replacement.object.octets.hex
        let file: SystemFile
        do throws(ArchiveError) { file = try SystemFile(layout.pack(object), .read) } catch {
            // It was removed before; then its record was durable.
            guard error.kind == .missing, FileTree.exists(layout.gonePack(object)) else { throw error }
            return
        }
        let gone = GoneFile(
            replacement, ledgerIndex: ledgerIndex, header: try PackEntries.header(file, archive),
            trailer: try PackEntries.trailer(file).trailer, signer: signer)
        try FileTree.replace(layout.gonePack(object), with: gone.signed(seed: seed))
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
            layout: archive.layout, archive: archive.id, signer: archive.identity.writer,
            seed: try archive.secret("writer-key"), fault: fault)
        let all = state.replaced.values.sorted { $0.ledgerIndex < $1.ledgerIndex }
        for (replacement, index) in all {
            try packs.leaveRecord(replacement, ledgerIndex: index)
            let temporary = archive.layout.gonePack(replacement.object.octets.hex) + ".tmp"
            try FileTree.remove(temporary)
        }
        try packs.remove(all.map(\.replacement))
    }
}
