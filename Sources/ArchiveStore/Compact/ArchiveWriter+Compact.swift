import ArchiveCrypto
import ArchiveLedger
public import MailCore

/// Packs that gave their place to one new pack; everything a catalog needs to follow.
public struct CompactedPacks: Sendable {
    /// `nil` if nothing lived.
    public var successor: SealedPack?
    /// Every blob of the successor that lay elsewhere before, with its new offset.
    public var moved: [(keyID: RandomID, offset: UInt64)] = []
    /// Pack ids.
    public var replaced: [RandomID] = []
    public var ledgerSize: UInt64
    /// 32 octets.
    public var ledgerRoot: [UInt8]
}

/// What a compaction did.
public struct CompactionSummary: Sendable {
    /// What was replaced, and why.
    public var plan: CompactionPlan
    public var newPackCount = 0
    /// Of the files of the new packs.
    public var newOctetCount: UInt64 = 0
}

extension ArchiveWriter {
    /// Puts new packs in the place of those that hold what is dead (ArchiveFormat.md §7.5).
    ///
    /// Lanes must be finished. `follow` is told of each new pack while the old ones are still there, so that whoever
    /// looks a blob up always finds it; it must have made its change when it returns.
    /// - Throws: `.damaged` where a live blob does not agree with its checksum, or a key is missing that no leaf
    ///   accounts for: the packs concerned are left as they are.
    public func compact(
        _ options: CompactionOptions, follow: @Sendable (CompactedPacks) throws -> Void
    ) async throws(ArchiveError) -> CompactionSummary {
        try checkRunning()
        giveBackPack()
        var contents = try ArchiveContents(archive)
        var plan = CompactionPlan(contents.packs, options)
        if !plan.openCandidates.isEmpty {
            try sealOpen(plan.openCandidates, follow)
            contents = try ArchiveContents(archive)
            plan = CompactionPlan(contents.packs, options)
        }
        try checkKeys(of: plan, contents)
        var summary = CompactionSummary(plan: plan)
        var (done, copied): (Int, UInt64) = (0, 0)
        for group in plan.groups {
            options.progress?(done, plan.candidates.count, copied)
            let change = try await replace(group.map { plan.candidates[$0].pack.place }, contents, follow)
            done += group.count
            guard let successor = change.successor else { continue }
            summary.newPackCount += 1
            summary.newOctetCount += successor.octetCount
            copied += successor.octetCount
        }
        options.progress?(done, plan.candidates.count, copied)
        if wantsParity, !plan.candidates.isEmpty { _ = try renewParity { _, _ in } }
        return summary
    }

    private func sealOpen(
        _ candidates: [CompactionPlan.Candidate], _ follow: (CompactedPacks) throws -> Void
    ) throws(ArchiveError) {
        do throws(ArchiveError) {
            for candidate in candidates {
                guard let pack = packs[candidate.pack.place.id] else { continue }
                precondition(pending.withdraw(pack.id), "a lane is still at work")
                for sealed in try seal([pack]) {
                    try tell(
                        follow,
                        CompactedPacks(
                            successor: sealed, ledgerSize: ledger.size, ledgerRoot: ledger.root.octets))
                }
            }
        } catch {
            pending.fail(error)
            throw error
        }
    }

    /// A blob whose key the vault does not know at all is dropped only if a leaf says what became of the key.
    private func checkKeys(of plan: CompactionPlan, _ contents: ArchiveContents) throws(ArchiveError) {
        var unknown: [RandomID: String] = [:]
        for candidate in plan.candidates where candidate.pack.erasedBlobCount > 0 {
            guard case .sealed(_, let digest) = candidate.pack.place else { continue }
            for (entry, key) in try contents.entries(in: candidate.pack.place) where key == .unknown {
                unknown[entry.keyID] = archive.layout.pack(digest.hex)
            }
        }
        guard !unknown.isEmpty else { return }
        do throws(LedgerError) {
            var leaves = ledger.leaves()
            while let leaf = try leaves.next() {
                switch Leaf(parsing: leaf.text)?.body {
                case .erased(let record): for target in record.targets { unknown[target.keyID] = nil }
                case .lost(let loss): for target in loss.targets { unknown[target.keyID] = nil }
                default: continue
                }
            }
        } catch { throw ArchiveError(error, archive.layout) }
        if let (keyID, path) = unknown.first {
            throw ArchiveError(.damaged, "the vault has no key for blob \(keyID), and no leaf says why", path: path)
        }
    }

    /// Replaces the packs at `places`, sealed ones, by one new pack or by nothing.
    private func replace(
        _ places: [PackPlace], _ contents: ArchiveContents, _ follow: (CompactedPacks) throws -> Void
    ) async throws(ArchiveError) -> CompactedPacks {
        try commitReplacement(of: places, by: try await copyLive(of: places, contents), follow)
    }

    /// A whole new pack, not yet named by the journal.
    struct WholePack {
        var id: RandomID
        var digest: [UInt8]
        var octetCount: UInt64
        var entries: [FooterEntry]
    }

    /// Copies what lives at `places` into a new file and closes it; `nil` if nothing lives.
    private func copyLive(
        of places: [PackPlace], _ contents: ArchiveContents
    ) async throws(ArchiveError) -> WholePack? {
        var copy: PackCopy?
        do throws(ArchiveError) {
            for place in places {
                let live = try contents.entries(in: place).filter { $0.key == .live }.map(\.entry)
                guard !live.isEmpty, case .sealed(_, let digest) = place else { continue }
                if copy == nil { copy = try PackCopy(context) }
                let source = try SystemFile(archive.layout.pack(digest.hex), .read)
                // What the writer signs anew must be what was signed before: a checksum alone can be matched.
                async let whole = PackCopy.digest(of: source)
                try copy?.append(live, of: source)
                guard try await whole.get() == digest else {
                    throw ArchiveError(.damaged, "its octets are not those of its name", path: source.path)
                }
            }
            return try copy.map { copy throws(ArchiveError) in try wholePack(copy) }
        } catch {
            // Nothing names the copy yet.
            if let copy { try? FileTree.remove(copy.file.path) }
            throw error
        }
    }

    /// Closes a copy: footer, trailer, durable.
    func wholePack(_ copy: PackCopy) throws(ArchiveError) -> WholePack {
        let (digest, length) = try finish(
            copy.file, copy.header, copy.entries, at: copy.end, sequence: state.counters.nextPackSequence, &copy.hash)
        try FileTree.syncDirectory(archive.layout.open)
        options.fault?(.compactSeal)
        return WholePack(id: copy.header.pack, digest: digest, octetCount: length, entries: copy.entries)
    }

    /// - Parameters:
    ///   - bodies: leaves of the same frame.
    ///   - links: of old packs whose files do not tell.
    func commitReplacement(
        of places: [PackPlace], by new: WholePack?, also bodies: [LeafBody] = [], links: [[UInt8]: PackLink] = [:],
        _ follow: (CompactedPacks) throws -> Void
    ) throws(ArchiveError) -> CompactedPacks {
        do throws(ArchiveError) {
            var counters = state.counters
            var leaves: [Leaf] = []
            var records: [JournalRecord] = []
            func add(_ body: LeafBody) {
                leaves.append(
                    Leaf(
                        sequence: ledger.size + UInt64(leaves.count), time: context.now(),
                        writer: archive.identity.writer, body))
            }
            if let new {
                records.append(.sealed(new.id, digest: new.digest, sequence: counters.nextPackSequence))
                add(.pack(object: try Self.hash(new.digest), pack: new.id, nonce: context.newID()))
                counters.nextPackSequence += 1
                counters.lastPack = new.digest
            }
            var replacements: [(replacement: PackReplacement, index: UInt64)] = []
            for case .sealed(let id, let digest) in places {
                let replacement = PackReplacement(
                    object: try Self.hash(digest), pack: id,
                    successors: try new.map { new throws(ArchiveError) in [try Self.hash(new.digest)] } ?? [],
                    nonce: context.newID())
                replacements.append((replacement, ledger.size + UInt64(leaves.count)))
                add(.packReplaced(replacement))
            }
            for body in bodies { add(body) }
            let texts = leaves.map(\.text)
            records += zip(leaves, texts).map { .leaf(index: $0.sequence, text: $1) }
            // ORDER: the new pack is whole and durable; from this frame on it counts and the old ones do not.
            try appendToJournal(records + [.counters(counters)])
            if let new { try Self.move(new.id, new.digest, archive.layout) }
            options.fault?(.packSeal)
            try appendToLedger(texts)
            try publish(keeping: true)
            return try finishReplacement(
                replacements, by: new, sequence: counters.nextPackSequence - 1, links, follow)
        } catch {
            pending.fail(error)
            throw error
        }
    }

    private func finishReplacement(
        _ replacements: [(replacement: PackReplacement, index: UInt64)], by new: WholePack?, sequence: UInt64,
        _ links: [[UInt8]: PackLink], _ follow: (CompactedPacks) throws -> Void
    ) throws(ArchiveError) -> CompactedPacks {
        let packs = ReplacedPacks(
            layout: archive.layout, keys: archive.keys, signer: archive.identity.writer, seed: packSeed,
            fault: options.fault)
        for (replacement, index) in replacements {
            try packs.leaveRecord(replacement, ledgerIndex: index, links[replacement.object.octets])
        }
        var change = CompactedPacks(
            replaced: replacements.map(\.replacement.pack), ledgerSize: ledger.size, ledgerRoot: ledger.root.octets)
        if let new {
            change.successor = SealedPack(
                id: new.id, digest: new.digest, sequence: sequence, octetCount: new.octetCount,
                ledgerIndex: (replacements.first?.index ?? ledger.size) - 1)
            change.moved = new.entries.map { ($0.keyID, $0.offset) }
        }
        // ORDER: whoever looks a blob up is sent to the new pack before the old one goes.
        try tell(follow, change)
        try packs.remove(replacements.map(\.replacement))
        // ORDER: the journal names the replaced packs until they are away for good.
        try syncLedger()
        try rewriteJournal()
        return change
    }

    private func tell(
        _ follow: (CompactedPacks) throws -> Void, _ change: CompactedPacks
    ) throws(ArchiveError) {
        do { try follow(change) } catch {
            throw ArchiveError(.directoryFailed, "the blob directory cannot follow", cause: error)
        }
    }
}
