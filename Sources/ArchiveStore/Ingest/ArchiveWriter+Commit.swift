import ArchiveCrypto
import ArchiveLedger
import MailCore

extension ArchiveWriter {
    /// Steps 1 to 4 of ArchiveFormat.md §10.1 for one frame.
    func write(_ batch: CommitBatch, into group: inout CommittedGroup) async throws(ArchiveError) {
        try await syncPacks(batch)
        if batch.blobs.count > vault.room { try vault.rollOver() }
        let firstSlot = try vault.append(batch.vaultRecords)
        var counters = state.counters
        if batch.eventSequence != nil { counters.nextEventSequence += 1 }
        counters.openShard = vault.shardNumber
        counters.openShardCount = UInt32(vault.count)
        var records: [JournalRecord] = batch.packs.values.map { .pack($0.pack.id, durableLength: $0.end) }
        for (index, (blob, ledgerIndex)) in batch.blobs.enumerated() {
            let slot = firstSlot + UInt32(index)
            records.append(
                .blob(blob.packID, blob.entry(ledgerIndex: ledgerIndex), shard: vault.shardNumber, slot: slot))
            group.blobs.append(Self.location(blob, ledgerIndex, vault.shardNumber, slot))
        }
        let texts = batch.leaves.map(\.text)
        records += zip(batch.leaves, texts).map { .leaf(index: $0.sequence, text: $1) }
        records.append(.counters(counters))
        // ORDER: blobs and keys are durable before the frame that says so.
        try appendToJournal(records)
        for (pack, end) in batch.packs.values {
            pack.durableLength = end
            packs[pack.id] = pack
        }
        group.messages += batch.messages
        if let sequence = batch.eventSequence {
            group.eventSequence = sequence
            group.eventLedgerIndex = batch.eventLedgerIndex
        }
        // ORDER: only leaves that are durable in the journal are signed.
        try appendToLedger(texts)
        try publish(keeping: false)
    }

    private func syncPacks(_ batch: CommitBatch) async throws(ArchiveError) {
        let files = batch.packs.values.map(\.pack.file)
        if files.count == 1 {
            try files[0].syncData()
        } else if !files.isEmpty {
            let failure = await withTaskGroup(of: ArchiveError?.self) { group in
                for file in files {
                    group.addTask {
                        do throws(ArchiveError) {
                            try file.syncData()
                            return nil
                        } catch { return error }
                    }
                }
                return await group.reduce(nil) { $0 ?? $1 }
            }
            if let failure { throw failure }
        }
        if batch.packs.keys.contains(where: { packs[$0] == nil }) {
            try FileTree.syncDirectory(archive.layout.open)
        }
        options.fault?(.packSync)
    }

    func appendToJournal(_ records: [JournalRecord]) throws(ArchiveError) {
        try journal.append(records)
        for record in records { state.apply(record) }
        state.leaves = []
        options.fault?(.journalSync)
    }

    func appendToLedger(_ texts: [[UInt8]]) throws(ArchiveError) {
        do throws(LedgerError) { try ledger.append(texts) } catch { throw ArchiveError(error, archive.layout) }
        options.fault?(.ledgerAppend)
    }

    func publish(keeping: Bool) throws(ArchiveError) {
        do throws(LedgerError) { try ledger.publish(signingSeed: logSeed, keeping: keeping) } catch {
            throw ArchiveError(error, archive.layout)
        }
        options.fault?(.checkpoint)
    }

    func syncLedger() throws(ArchiveError) {
        do throws(LedgerError) { try ledger.sync() } catch { throw ArchiveError(error, archive.layout) }
    }

    func rewriteJournal() throws(ArchiveError) {
        // ORDER: the leaves of the frames that go are durable in the ledger.
        state.sealed = [:]
        state.replaced = [:]
        journal = try JournalFile(
            archive.layout, replacingWith: state.openRecords, keys: archive.keys, random: context.random)
        journalBase = journal.end
        options.fault?(.journalRewrite)
    }

    private static func location(
        _ blob: NewBlob, _ ledgerIndex: UInt64, _ shard: UInt32, _ slot: UInt32
    ) -> BlobLocation {
        BlobLocation(
            keyID: blob.keyID, kind: blob.kind, pack: .open(blob.packID), offset: blob.offset,
            storedLength: blob.storedLength, rawLength: blob.rawLength, dictionary: blob.dictionary,
            checksum: blob.checksum, contentID: blob.contentID, ledgerIndex: ledgerIndex, vaultShard: shard,
            vaultSlot: slot)
    }
}
