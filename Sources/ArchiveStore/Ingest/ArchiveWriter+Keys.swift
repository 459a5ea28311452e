public import ArchiveCrypto
package import ArchiveLedger
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
        try appendLeaf(.keyAdded(slot: hash, nonce: context.newID()))
        return slot.id
    }

    /// Removes the slot with this id.
    ///
    /// - Throws: `.missing`; `.limitExceeded` for the last one, without which nothing would open the archive.
    public func removeSlot(_ id: String) throws(ArchiveError) {
        try checkRunning()
        let slots = KeySlots(layout: archive.layout, archive: archive.id)
        let all = try slots.all()
        guard let slot = all.first(where: { $0.slot.id == id }) else {
            throw ArchiveError(.missing, "there is no key slot \(id)", path: archive.layout.keys)
        }
        guard all.count > 1 else {
            throw ArchiveError(.limitExceeded, "the last key slot stays", path: slot.path)
        }
        try appendLeaf(.keyRemoved(slot: try Self.hash(of: slot.slot.octets), nonce: context.newID()))
        try FileTree.remove(slot.path)
        try FileTree.syncDirectory(archive.layout.keys)
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
                zip(leaves, texts).map { .leaf(index: $0.sequence, text: $1) } + [.counters(state.counters)])
            try appendToLedger(texts)
            try publish(keeping: true)
        } catch {
            pending.fail(error)
            throw error
        }
        return first
    }

    private static func hash(of octets: [UInt8]) throws(ArchiveError) -> MerkleHash {
        guard let hash = MerkleHash(octets: SHA256.hash(octets)) else {
            throw ArchiveError(.internalError, "SHA-256 has 32 octets")
        }
        return hash
    }
}
