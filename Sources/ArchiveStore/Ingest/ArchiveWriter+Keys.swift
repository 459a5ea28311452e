public import ArchiveCrypto
public import ArchiveLedger
import MailCore

extension ArchiveWriter {
    /// Adds a way to the root key; its id. The ledger gets a leaf.
    public func addSlot(
        _ secret: ArchiveSecret, label: String, cost: Scrypt.Cost = .standard
    ) throws(ArchiveError) -> String {
        try checkRunning()
        let slot = try KeySlots.make(
            secret, cost: cost, label: label, created: context.now(), keys: archive.keys, random: context.random)
        let hash = try Self.hash(of: slot.octets)
        // ORDER: the slot is there before the leaf says so; a slot without a leaf is a finding, not a loss.
        try FileTree.replace("\(archive.layout.keys)/\(slot.id).slot", with: slot.octets)
        options.fault?(.slotWrite)
        try appendLeaf(.keyAdded(slot: hash, nonce: context.newID()))
        return slot.id
    }

    /// Removes the slot with this id.
    ///
    /// - Throws: `.missing`; `.limitExceeded` for the last one that this program can open.
    public func removeSlot(_ id: String) throws(ArchiveError) {
        try checkRunning()
        let slots = KeySlots(layout: archive.layout, archive: archive.id)
        let (all, _) = try slots.read()
        guard let slot = all.first(where: { $0.slot.id == id }) else {
            throw ArchiveError(.missing, "there is no key slot \(id)", path: archive.layout.keys)
        }
        guard all.contains(where: { $0.slot.id != id && $0.slot.kind.isKnown }) else {
            throw ArchiveError(.limitExceeded, "the last key slot stays", path: slot.path)
        }
        try appendLeaf(.keyRemoved(slot: try Self.hash(of: slot.slot.octets), nonce: context.newID()))
        options.fault?(.slotRemove)
        try FileTree.remove(slot.path)
        try FileTree.syncDirectory(archive.layout.keys)
    }

    /// Puts a new slot in the place of the one with this id; the new one's id.
    ///
    /// The new one is durable and in the ledger before the old one goes: a crash between leaves both.
    public func rotateSlot(
        _ id: String, to secret: ArchiveSecret, label: String, cost: Scrypt.Cost = .standard
    ) throws(ArchiveError) -> String {
        try checkRunning()
        guard FileTree.exists(KeySlots(layout: archive.layout, archive: archive.id).path(id)) else {
            throw ArchiveError(.missing, "there is no key slot \(id)", path: archive.layout.keys)
        }
        let added = try addSlot(secret, label: label, cost: cost)
        try removeSlot(id)
        return added
    }

    /// Signs checkpoints with a new key from now on; the log's keys then.
    public func rotateLogKey() throws(ArchiveError) -> LogKeys {
        try checkRunning()
        let next = context.random.octets(32)
        let key = try LogKeyRotation.publicKey(next)
        do throws(ArchiveError) {
            try vault.change([LogKeyRotation.nextName: next])
            let leaf = Leaf(
                sequence: ledger.size, time: context.now(), writer: archive.identity.writer,
                .logKey(key, nonce: context.newID()))
            try appendToJournal([
                .leaf(index: leaf.sequence, text: leaf.text), .counters(nextCounters(leaf.sequence + 1)),
            ])
            try appendToLedger([leaf.text])
            try LogKeyRotation(archive: archive, fault: options.fault).complete(
                &ledger, &vault, seed: logSeed, next: next)
            logSeed = next
        } catch {
            pending.fail(error)
            throw error
        }
        return ledger.keys
    }

    /// Appends one leaf by way of the journal.
    package func appendLeaf(_ body: LeafBody) throws(ArchiveError) { _ = try appendLeaves([body]) }

    /// Appends leaves by way of the journal, in one frame; the index of the first.
    func appendLeaves(_ bodies: [LeafBody]) throws(ArchiveError) -> UInt64 {
        let first = ledger.size
        let time = context.now()
        let leaves = bodies.enumerated().map { number, body in
            Leaf(sequence: first + UInt64(number), time: time, writer: archive.identity.writer, body)
        }
        let texts = leaves.map(\.text)
        do throws(ArchiveError) {
            try appendToJournal(
                zip(leaves, texts).map { .leaf(index: $0.sequence, text: $1) } + [
                    .counters(nextCounters(first + UInt64(leaves.count)))
                ])
            try appendToLedger(texts)
            try publish(keeping: true)
        } catch {
            pending.fail(error)
            throw error
        }
        return first
    }

    /// Every frame ends with the counters (ArchiveFormat.md §10).
    private func nextCounters(_ ledgerSize: UInt64) -> JournalRecord.Counters {
        var counters = state.counters
        counters.ledgerSize = max(counters.ledgerSize, ledgerSize)
        return counters
    }

    private static func hash(of octets: [UInt8]) throws(ArchiveError) -> MerkleHash {
        guard let hash = MerkleHash(octets: SHA256.hash(octets)) else {
            throw ArchiveError(.internalError, "SHA-256 has 32 octets")
        }
        return hash
    }
}
