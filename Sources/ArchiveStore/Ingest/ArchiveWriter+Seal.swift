import ArchiveCrypto
import ArchiveLedger
import MailCore

extension ArchiveWriter {
    /// Seals `full` and shortens the journal when that is due.
    func seal(_ full: [PackFile]) throws(ArchiveError) -> [SealedPack] {
        var sealed: [SealedPack] = []
        for pack in full where state.packs[pack.id] != nil { sealed.append(try seal(pack)) }
        if !sealed.isEmpty || journal.end - journalBase > options.journalLimit {
            try syncLedger()
            try rewriteJournal()
        }
        return sealed
    }

    private func seal(_ pack: PackFile) throws(ArchiveError) -> SealedPack {
        let layout = archive.layout
        let sequence = state.counters.nextPackSequence
        let (digest, length) = try finishFile(pack, sequence: sequence)
        let leaf = Leaf(
            sequence: ledger.size, time: context.now(), writer: archive.identity.writer,
            .pack(object: try Self.hash(digest), pack: pack.id, nonce: context.newID()))
        var counters = state.counters
        counters.nextPackSequence += 1
        counters.lastPack = digest
        // ORDER: the file is whole and durable; from this frame on it counts as sealed, whatever its name.
        try appendToJournal([
            .sealed(pack.id, digest: digest, sequence: sequence), .leaf(index: leaf.sequence, text: leaf.text),
            .counters(counters),
        ])
        try Self.move(pack.id, digest, layout)
        options.fault?(.packSeal)
        state.blobs[pack.id] = nil
        packs[pack.id] = nil
        try appendToLedger([leaf.text])
        try publish(keeping: true)
        return SealedPack(
            id: pack.id, digest: digest, sequence: sequence, octetCount: length, ledgerIndex: leaf.sequence)
    }

    /// Gives a sealed pack the name of its octets.
    static func move(_ id: RandomID, _ digest: [UInt8], _ layout: ArchiveLayout) throws(ArchiveError) {
        if !FileTree.exists(layout.packDirectory(digest.hex)) {
            try FileTree.makeDirectory(layout.packDirectory(digest.hex))
            try FileTree.syncDirectory(layout.packs)
        }
        try FileTree.rename(layout.openPack(id), to: layout.pack(digest.hex))
    }

    static func hash(_ digest: [UInt8]) throws(ArchiveError) -> MerkleHash {
        guard let hash = MerkleHash(octets: digest) else { throw ArchiveError(.internalError, "SHA-256 has 32 octets") }
        return hash
    }

    /// Appends footer and trailer; the digest and length of the whole file.
    private func finishFile(_ pack: PackFile, sequence: UInt64) throws(ArchiveError) -> ([UInt8], UInt64) {
        let footerOffset = pack.durableLength
        try pack.file.truncate(to: footerOffset)
        let entries = (state.blobs[pack.id] ?? []).map(\.entry).sorted { $0.offset < $1.offset }
        var hash = try pack.prefixHash(length: footerOffset)
        return try finish(pack.file, pack.header, entries, at: footerOffset, sequence: sequence, &hash)
    }

    /// Appends footer and trailer at `footerOffset` and makes the file durable; the digest and length of the whole.
    ///
    /// - Parameter hash: of everything before `footerOffset`.
    func finish(
        _ file: SystemFile, _ header: PackHeader, _ entries: [FooterEntry], at footerOffset: UInt64, sequence: UInt64,
        _ hash: inout SHA256
    ) throws(ArchiveError) -> ([UInt8], UInt64) {
        let nonce = context.random.octets(XAES256GCM.nonceCount)
        let footer: [UInt8]
        do {
            footer = try XAES256GCM.seal(
                FooterEntries.encode(entries),
                key: archive.keys.footerKey(writerID: header.writer, packID: header.pack), nonce: nonce,
                aad: Array("mailarc/1/footer\0".utf8) + header.encode())
        } catch { throw ArchiveError(.internalError, "a footer cannot be sealed", cause: error) }
        var trailer = PackTrailer(
            footerOffset: footerOffset, footerLength: UInt32(footer.count), footerNonce: nonce, sequence: sequence,
            previous: state.counters.lastPack, signature: [])
        try file.write(footer, at: footerOffset)
        hash.update(footer)
        let end = footerOffset + UInt64(footer.count)
        hash.update(trailer.encodeSigned().span)
        do {
            trailer.signature = try Ed25519.sign(PackTrailer.signedMessage(hash.digest()), seed: packSeed)
        } catch { throw ArchiveError(.internalError, "a pack cannot be signed", cause: error) }
        let octets = trailer.encode()
        try file.write(octets, at: end)
        try file.sync()
        hash.update(octets.span.extracting(PackTrailer.signatureOffset...))
        return (hash.digest(), end + UInt64(octets.count))
    }
}
