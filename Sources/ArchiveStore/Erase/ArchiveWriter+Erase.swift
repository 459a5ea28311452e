import ArchiveCrypto
import ArchiveLedger
import MailCore

extension ArchiveWriter {
    /// Says in the ledger that an erasure is about to happen, and writes down which: from here on a crash resumes it.
    ///
    /// - Parameter basis: a word: `gdpr-17`, `retention`, `court`, `request`.
    /// - Throws: `.limitExceeded` if another erasure has begun and is not finished.
    public func beginErasure(
        _ plan: ErasurePlan, basis: String, forgets: Bool
    ) throws(ArchiveError) -> PendingErasure {
        try checkRunning()
        guard try archive.pendingErasure() == nil else {
            throw ArchiveError(.limitExceeded, "another erasure is not finished", path: archive.layout.erasing)
        }
        let intent = try appendLeaves([
            .eraseIntent(
                ErasureIntent(basis: basis, count: UInt64(plan.messages.count), nonce: context.newID()))
        ])
        options.fault?(.eraseIntent)
        let erasure = PendingErasure(
            intent: intent, basis: basis, forgets: forgets, messages: plan.messages, parts: plan.parts,
            records: plan.records.map { .init(sequence: $0.sequence, keyID: $0.keyID) })
        let sealed: [UInt8]
        do {
            sealed = try SealedBody.seal(
                erasure.encode(), header: ShortHeader.encode(.erasing, archive: archive.id), key: archive.keys.meta,
                random: context.random)
        } catch { throw ArchiveError(.internalError, "the erasure cannot be sealed", cause: error) }
        try FileTree.replace(archive.layout.erasing, with: sealed)
        options.fault?(.eraseBegin)
        return erasure
    }

    /// Commits the event records that speak of others, too, once more without what is erased: same sequence and time.
    public func rewriteEvents(_ changes: [ErasurePlan.RecordChange]) async throws(ArchiveError) -> CommittedGroup {
        try checkRunning()
        do throws(ArchiveError) {
            pending.forgetCommitted()
            var group = try await commitGroup([])
            var rest = changes.compactMap(\.replacement)[...]
            while !rest.isEmpty {
                var batch = CommitBatch(time: group.time, firstLeaf: ledger.size, writer: archive.identity.writer)
                // LIMIT: records that take 64 MiB together, or one.
                var octets = 0
                while let record = rest.first, octets < 64 << 20, batch.blobs.count < CommitBatch.blobLimit {
                    try add(record, isRewritten: true, to: &batch)
                    octets += record.events.count * 64
                    rest = rest.dropFirst()
                }
                for leaf in batch.leaves {
                    guard case .events(let commitment, let sequence, _) = leaf.body else { continue }
                    group.rewrittenEvents.append(
                        RewrittenEvents(
                            sequence: sequence, keyID: commitment.keyID, ledgerIndex: leaf.sequence))
                }
                try await write(batch, into: &group)
            }
            group.sealedPacks += try seal(pending.takeGroup().full)
            group.ledgerSize = ledger.size
            group.ledgerRoot = ledger.root.octets
            options.fault?(.eraseRewrite)
            return group
        } catch {
            pending.fail(error)
            throw error
        }
    }

    /// Says in the ledger what was erased, and forgets that there was something to be done.
    ///
    /// - Parameter anchors: what each said of the secret's destruction.
    /// - Parameter root: SHA-256 of the first root file of the epoch, 32 octets.
    public func endErasure(
        _ erasure: PendingErasure, epoch: UInt32, root: [UInt8], anchors: [String]
    ) throws(ArchiveError) {
        try checkRunning()
        guard let digest = MerkleHash(octets: root) else {
            throw ArchiveError(.internalError, "SHA-256 has 32 octets")
        }
        var targets = erasure.messages.map { ErasureRecord.Target(.message, $0) }
        targets += erasure.parts.map { ErasureRecord.Target(.part, $0) }
        targets += erasure.records.map { ErasureRecord.Target(.events, $0.keyID) }
        // What a crash left behind the last leaf is not told twice.
        let told = try toldTargets(of: erasure.intent)
        targets.removeAll { told.contains($0) }
        var leaves: [LeafBody] = []
        for start in stride(from: 0, to: targets.count, by: ErasureRecord.maximumTargets) {
            let part = targets[start..<min(targets.count, start + ErasureRecord.maximumTargets)]
            leaves.append(
                .erased(
                    ErasureRecord(
                        intent: erasure.intent, epoch: epoch, root: digest, targets: Array(part), anchors: anchors,
                        nonce: context.newID())))
        }
        if !leaves.isEmpty { _ = try appendLeaves(leaves) }
        options.fault?(.eraseLeaf)
        try syncLedger()
        // ORDER: the leaves are durable in the journal, and now in the ledger.
        try FileTree.remove(archive.layout.erasing)
        try FileTree.syncDirectory(archive.layout.vault)
        options.fault?(.eraseEnd)
    }

    /// The epoch as it is, as the change that began it would have told.
    package func presentEpoch() throws(ArchiveError) -> VaultChangeResult {
        let pointer = try archive.vault.files.pointer()
        let list = try archive.anchors()
        let words = list.anchors.map { entry in
            let isLeft = list.outstanding.contains { $0.entry == entry }
            return "\(entry.name) \(isLeft ? "unreachable" : "destroyed")"
        }
        return VaultChangeResult(
            epoch: pointer.epoch, rootDigest: [UInt8](hex: pointer.rootDigest) ?? [], erasedCount: 0,
            attestations: words)
    }

    private func toldTargets(of intent: UInt64) throws(ArchiveError) -> Set<ErasureRecord.Target> {
        var told: Set<ErasureRecord.Target> = []
        do {
            var leaves = try archive.openLedger().leaves(from: intent)
            while let leaf = try leaves.next() {
                guard case .erased(let record) = Leaf(parsing: leaf.text)?.body, record.intent == intent else {
                    continue
                }
                told.formUnion(record.targets)
            }
        } catch let error as ArchiveError { throw error } catch let error as LedgerError {
            throw ArchiveError(error, archive.layout)
        } catch { throw ArchiveError(.internalError, "the ledger cannot be read", cause: error) }
        return told
    }
}
