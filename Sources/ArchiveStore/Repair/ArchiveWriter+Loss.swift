import ArchiveCrypto
package import ArchiveLedger
import MailCore

/// What is gone for good, as `loss` leaves tell it.
package struct LossSummary: Sendable {
    package var targets: [ErasureRecord.Target] = []
    /// Packs that gave their place to what was left of them.
    package var packCount = 0

    package init() {}
}

extension ArchiveWriter {
    /// Notes in the ledger which files a repair put in place; 32 octets each.
    package func recordRepair(_ digests: [[UInt8]]) throws(ArchiveError) {
        try checkRunning()
        // LIMIT: a leaf stays below 64 KiB.
        for start in stride(from: 0, to: digests.count, by: 500) {
            var objects: [MerkleHash] = []
            for digest in digests[start..<min(start + 500, digests.count)] { objects.append(try Self.hash(digest)) }
            try appendLeaf(.repaired(objects: objects, nonce: context.newID()))
        }
    }

    /// Makes documented what cannot be had back: `loss` leaves name each blob that is gone, and new packs take up what
    /// is whole of the damaged ones.
    ///
    /// - Parameter packs: sealed packs that are missing or are not what their names say, by SHA-256.
    /// - Throws: `.damaged` if not even a pack's place in its writer's chain can be told.
    package func acceptLoss(
        of packs: Set<[UInt8]>, follow: @Sendable (CompactedPacks) throws -> Void
    ) async throws(ArchiveError) -> LossSummary {
        try checkRunning()
        giveBackPack()
        var summary = LossSummary()
        let leaves = try named(packs)
        for (digest, pack) in leaves.packs.sorted(by: { $0.key.hex < $1.key.hex }) {
            let left = try leftOver(of: digest, leaves)
            let link = try PackLink.find(
                digest, pack: pack, archive.layout, archive.keys, last: state.counters.nextPackSequence - 1)
            let new = try copyLive(left.entries, of: digest)
            let bodies = try lossLeaves(left.lost, object: Self.hash(digest))
            _ = try commitReplacement(
                of: [.sealed(pack, digest: digest)], by: new, also: bodies, links: [digest: link], follow)
            summary.targets += left.lost
            summary.packCount += 1
        }
        let open = try dropDamagedOpenBlobs()
        summary.targets += open
        return summary
    }

    private func lossLeaves(
        _ targets: [ErasureRecord.Target], object: MerkleHash?
    ) throws(ArchiveError) -> [LeafBody] {
        guard !targets.isEmpty else { return [] }
        let limit = LossRecord.maximumTargets
        return stride(from: 0, to: targets.count, by: limit).map { start in
            .lost(
                LossRecord(
                    object: object, targets: Array(targets[start..<min(start + limit, targets.count)]),
                    nonce: context.newID()))
        }
    }

    /// What leaves say of packs: their ids, and every record that leaves put anywhere.
    private struct NamedPacks {
        var packs: [[UInt8]: RandomID] = [:]
        /// Keys that a leaf accounts for.
        var explained: Set<RandomID> = []
        /// Messages and event records by key id.
        var records: [RandomID: ErasureRecord.Kind] = [:]
    }

    private func named(_ wanted: Set<[UInt8]>) throws(ArchiveError) -> NamedPacks {
        var named = NamedPacks()
        do throws(LedgerError) {
            var reader = ledger.leaves()
            while let read = try reader.next() {
                switch Leaf(parsing: read.text)?.body {
                case .pack(let object, let pack, _) where wanted.contains(object.octets):
                    named.packs[object.octets] = pack
                case .packReplaced(let change): named.packs[change.object.octets] = nil
                case .erased(let record): named.explained.formUnion(record.targets.map(\.keyID))
                case .lost(let loss): named.explained.formUnion(loss.targets.map(\.keyID))
                case .ingest(let commitment): named.records[commitment.keyID] = .message
                case .events(let commitment, _, _): named.records[commitment.keyID] = .events
                default: continue
                }
            }
        } catch { throw ArchiveError(error, archive.layout) }
        return named
    }

    /// What of a pack is whole, and what is not.
    private func leftOver(
        of digest: [UInt8], _ named: NamedPacks
    ) throws(ArchiveError) -> (entries: [FooterEntry], lost: [ErasureRecord.Target]) {
        let file = try? SystemFile(archive.layout.pack(digest.hex), .read)
        let assembly = PackAssembly(
            digest: digest, files: file.map { [$0] } ?? [],
            copy: PackIndex(layout: archive.layout, keys: archive.keys).copy(of: digest), keys: archive.keys)
        let keys = try keyStates()
        guard let frame = assembly.frame() else { return ([], try unaccounted(named, keys, but: digest)) }
        var (whole, lost): ([FooterEntry], [ErasureRecord.Target]) = ([], [])
        for entry in try frame.entries(archive.keys).sorted(by: { $0.offset < $1.offset }) {
            guard keys[entry.keyID] == true else { continue }
            if try assembly.source(of: entry) != nil {
                whole.append(entry)
            } else if !named.explained.contains(entry.keyID) {
                lost.append(ErasureRecord.Target(Self.kind(entry.kind), entry.keyID))
            }
        }
        return (whole, lost)
    }

    /// By key id: true for a key, false for an erased one.
    private func keyStates() throws(ArchiveError) -> [RandomID: Bool] {
        var states: [RandomID: Bool] = [:]
        for shard in try archive.vault.files.root().root.shards {
            for record in VaultRecord.parse(try archive.vault.files.records(of: shard)) ?? [] {
                states[record.keyID] = !record.isErased
            }
        }
        return states
    }

    /// Every blob that has a key and is in no pack that can be read, except those of other packs that are missing.
    private func unaccounted(
        _ named: NamedPacks, _ keys: [RandomID: Bool], but digest: [UInt8]
    ) throws(ArchiveError) -> [ErasureRecord.Target] {
        var present: Set<RandomID> = []
        for name in try archive.layout.packNames().sealed where name != digest {
            guard let file = try? SystemFile(archive.layout.pack(name.hex), .read) else { continue }
            let assembly = PackAssembly(
                digest: name, files: [file],
                copy: PackIndex(layout: archive.layout, keys: archive.keys).copy(of: name), keys: archive.keys)
            guard let entries = try assembly.frame()?.entries(archive.keys) else { continue }
            present.formUnion(entries.map(\.keyID))
        }
        for other in named.packs.keys where other != digest {
            let copy = PackIndex(layout: archive.layout, keys: archive.keys).copy(of: other)
            present.formUnion((try? copy?.entries(archive.keys))?.map(\.keyID) ?? [])
        }
        for blobs in state.blobs.values { present.formUnion(blobs.map(\.entry.keyID)) }
        return keys.filter { $0.value && !present.contains($0.key) && !named.explained.contains($0.key) }.keys
            .sorted { $0.octets.lexicographicallyPrecedes($1.octets) }
            .map { ErasureRecord.Target(named.records[$0] ?? .part, $0) }
    }

    /// Takes blobs out of the journal that are not in their open pack as they should be.
    private func dropDamagedOpenBlobs() throws(ArchiveError) -> [ErasureRecord.Target] {
        var targets: [ErasureRecord.Target] = []
        var kept = state.blobs
        for (id, pack) in packs {
            let blobs = state.blobs[id] ?? []
            var whole: [JournalState.Blob] = []
            for blob in blobs {
                if try PackAssembly.isWhole(blob.entry, in: pack.file) {
                    whole.append(blob)
                } else {
                    targets.append(ErasureRecord.Target(Self.kind(blob.entry.kind), blob.entry.keyID))
                }
            }
            kept[id] = whole
        }
        guard !targets.isEmpty else { return [] }
        // ORDER: the loss is told before the journal forgets the blobs.
        _ = try appendLeaves(try lossLeaves(targets, object: nil))
        state.blobs = kept
        try syncLedger()
        try rewriteJournal()
        return targets
    }

    private static func kind(_ kind: BlobKind) -> ErasureRecord.Kind {
        switch kind {
        case .recipe: .message
        case .part: .part
        case .events: .events
        }
    }

    /// Copies these blobs of a damaged pack into a new one; `nil` if there are none.
    private func copyLive(_ entries: [FooterEntry], of digest: [UInt8]) throws(ArchiveError) -> WholePack? {
        guard !entries.isEmpty else { return nil }
        let copy = try PackCopy(context)
        do throws(ArchiveError) {
            try copy.append(entries, of: SystemFile(archive.layout.pack(digest.hex), .read))
            return try wholePack(copy)
        } catch {
            // Nothing names the copy yet.
            try? FileTree.remove(copy.file.path)
            throw error
        }
    }
}
