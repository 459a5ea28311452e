import ArchiveCrypto
package import MailCore

/// What shall be different in the next epoch of the vault.
package struct VaultChange: Sendable {
    /// Keys that go for good.
    package var erasing: Set<RandomID>
    /// The shards they are in, where that is known; else all are looked through.
    package var shards: Set<UInt32>?
    /// Named secrets with a new value, 32 octets.
    package var secrets: [String: [UInt8]]
    /// Where the erasure secret is from now on; `nil` leaves it where it is.
    package var anchors: [AnchorEntry]?

    package init(
        erasing: Set<RandomID> = [], shards: Set<UInt32>? = nil, secrets: [String: [UInt8]] = [:],
        anchors: [AnchorEntry]? = nil
    ) { (self.erasing, self.shards, self.secrets, self.anchors) = (erasing, shards, secrets, anchors) }
}

/// What became of a ``VaultChange``.
package struct VaultChangeResult: Sendable {
    package var epoch: UInt32
    /// SHA-256 of the first root file of the epoch, 32 octets.
    package var rootDigest: [UInt8]
    /// Keys that were there and are erased now.
    package var erasedCount: Int
    /// What each anchor of the old epoch said: `inside destroyed`, `vault2 unreachable`.
    package var attestations: [String]
}

/// Takes the vault to its next epoch (ArchiveFormat.md §6.6): new shards, new secret, new root, then the old secret
/// goes. The rename of `CURRENT` is the commit point; ``AnchorRecovery`` goes on after a crash.
struct EpochChange {
    let files: VaultFiles
    let random: RandomSource
    let fault: (@Sendable (FaultStep) -> Void)?

    private var layout: ArchiveLayout { files.layout }
    private var secrets: ErasureSecrets { files.secrets }

    func run(_ change: VaultChange) throws(ArchiveError) -> VaultChangeResult {
        let (old, _) = try files.root()
        let list = try secrets.list()
        let next = change.anchors ?? list.anchors
        let epoch = old.epoch + 1
        let changing = list.changing(to: next, epoch: epoch)
        if list != .inside || next != [.inside] { try changing.write(layout, files.keys) }
        var root = old
        (root.epoch, root.revision) = (epoch, 0)
        root.secrets.merge(change.secrets) { $1 }
        let rewritten = try rewriteShards(&root, change)
        fault?(.vaultShards)
        let secret = ErasureSecret(epoch: epoch, secret: random.octets(32), archive: files.archive.description)
        do throws(ArchiveError) { try store(secret, in: next, joining: changing.joining) } catch {
            _ = try? AnchorRecovery(files: files, fault: nil).run()
            throw error
        }
        fault?(.anchorPending)
        let digest = try VaultWriter.write(root, files: files, secret: secret.secret, random: random, fault: fault) {
            () throws(ArchiveError) in try verify(root, rewritten.shards, secret: secret.secret)
        }
        let attestations = try AnchorRecovery(files: files, fault: fault).run(previous: list.anchors, epoch: old.epoch)
        return VaultChangeResult(
            epoch: epoch, rootDigest: digest, erasedCount: rewritten.count, attestations: attestations)
    }

    /// Writes the shards that hold a key to erase again, under fresh keys.
    private func rewriteShards(
        _ root: inout VaultRoot, _ change: VaultChange
    ) throws(ArchiveError) -> (shards: Set<UInt32>, count: Int) {
        var rewritten: Set<UInt32> = []
        var total = 0
        guard !change.erasing.isEmpty else { return (rewritten, total) }
        for index in root.shards.indices where change.shards?.contains(root.shards[index].number) ?? true {
            var records = try files.records(of: root.shards[index])
            let count = VaultRecord.erase(change.erasing, in: &records)
            guard count > 0 else { continue }
            total += count
            rewritten.insert(root.shards[index].number)
            root.shards[index].generation += 1
            root.shards[index].key = random.octets(32)
            try write(&root.shards[index], records)
        }
        return (rewritten, total)
    }

    private func write(_ shard: inout VaultRoot.Shard, _ records: [UInt8]) throws(ArchiveError) {
        do {
            guard shard.isSealed else {
                let header = files.openHeader(shard)
                let frame = try SealedBody.sealFrame(
                    VaultRecord.parse(records) ?? [], number: 0, header: header, key: shard.key, random: random)
                try FileTree.replace(layout.openShard(shard.number, generation: shard.generation), with: header + frame)
                return
            }
            let header = ShortHeader.encode(.shard, archive: files.archive, shard.number, shard.generation)
            let sealed = try SealedBody.seal(records, header: header, key: shard.key, random: random)
            shard.fileDigest = SHA256.hash(sealed)
            try FileTree.replace(layout.shard(shard.number, generation: shard.generation), with: sealed)
        } catch let error as ArchiveError { throw error } catch {
            throw ArchiveError(.internalError, "a vault shard cannot be sealed", cause: error)
        }
    }

    /// Every anchor of the next epoch has the secret and gives it back, or nothing changes.
    private func store(
        _ secret: ErasureSecret, in anchors: [AnchorEntry], joining: [AnchorEntry]
    ) throws(ArchiveError) {
        for entry in anchors {
            do throws(ArchiveError) {
                let anchor = try secrets.anchor(entry)
                if joining.contains(entry) { try anchor.prepare() }
                try anchor.store(secret.octets, epoch: secret.epoch)
                guard try anchor.read(epoch: secret.epoch) == secret.octets else {
                    throw ArchiveError(.damaged, "it gives back something else than was stored")
                }
            } catch {
                throw ArchiveError(
                    .anchorUnavailable, "the anchor \(entry.name) does not take the new secret: \(error.message)",
                    path: error.path, cause: error.cause, retry: .later)
            }
        }
    }

    /// The new root opens from disk, and every rewritten shard with it.
    private func verify(_ root: VaultRoot, _ rewritten: Set<UInt32>, secret: [UInt8]) throws(ArchiveError) {
        let path = layout.vaultRoot(epoch: root.epoch, revision: root.revision)
        let found = try files.openRoot(
            FileTree.read(path, limit: 1 << 30), secret: secret, epoch: root.epoch, path: path)
        for shard in found.shards where rewritten.contains(shard.number) { _ = try files.records(of: shard) }
        guard found.octets == root.octets else {
            throw ArchiveError(.damaged, "the new vault root is not what was written", path: path)
        }
    }
}

/// Ends an epoch change: destroys what is not of the present epoch, wherever it is, and removes its files.
struct AnchorRecovery {
    let files: VaultFiles
    let fault: (@Sendable (FaultStep) -> Void)?

    /// Makes whole what a dead writer left; costs nothing where nothing was under way.
    func runIfNeeded() throws(ArchiveError) {
        let list = try files.secrets.list()
        let inside = try InsideAnchor(layout: files.layout).epochs()
        let epoch = try files.pointer().epoch
        guard list.change != nil || inside.contains(where: { $0 != epoch }) else { return }
        _ = try run()
    }

    /// - Parameters:
    ///   - previous: the anchors of the old epoch; `nil` for those the list names.
    ///   - epoch: the old epoch; `nil` for whatever is not the present one.
    /// - Returns: what each anchor said.
    func run(previous: [AnchorEntry]? = nil, epoch old: UInt32? = nil) throws(ArchiveError) -> [String] {
        let list = try files.secrets.list()
        let current = try files.pointer().epoch
        var settled = list.settled(succeeded: (list.change ?? current) <= current)
        let asked = previous ?? (list.change == nil ? [.inside] : list.all)
        var attestations: [String] = []
        for entry in asked + list.joining.filter({ !asked.contains($0) }) {
            let outcome = destroy(entry, current: current)
            for epoch in outcome.left { settled.outstanding.append(.init(epoch: epoch, entry: entry)) }
            if asked.contains(entry) { attestations.append("\(entry.name) \(outcome.word)") }
            fault?(.anchorDestroy)
        }
        if let old { files.secrets.forget(epoch: old) }
        settled.outstanding.removeAll { left in
            list.outstanding.contains(left)
                && (try? files.secrets.anchor(left.entry).destroyAll(but: current)) != nil
        }
        try removeOldFiles()
        fault?(.vaultUnlink)
        if settled != list { try settled.write(files.layout, files.keys) }
        return attestations
    }

    private func destroy(_ entry: AnchorEntry, current: UInt32) -> (word: String, left: [UInt32]) {
        do throws(ArchiveError) {
            try files.secrets.anchor(entry).destroyAll(but: current)
            return ("destroyed", [])
        } catch { return ("unreachable", current > 0 ? [current - 1] : []) }
    }

    /// Removes vault files the root does not name: of an earlier epoch, or left by a crash.
    func removeOldFiles() throws(ArchiveError) {
        let root = try files.root().root
        var known: Set<String> = ["CURRENT", "root.\(root.epoch).\(root.revision)"]
        for shard in root.shards {
            known.insert("\(shard.isSealed ? "shard" : "open").\(shard.number).\(shard.generation)")
        }
        for name in try FileTree.names(in: files.layout.vault)
        where ["root.", "shard.", "open."].contains(where: name.hasPrefix) && !known.contains(name) {
            try FileTree.remove("\(files.layout.vault)/\(name)")
        }
    }
}
