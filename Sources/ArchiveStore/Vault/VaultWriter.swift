import ArchiveCrypto
import MailCore

/// Appends keys to the vault; one at a time, owned by the archive's writer.
struct VaultWriter {
    private let files: VaultFiles
    private let random: RandomSource
    private let fault: (@Sendable (FaultStep) -> Void)?
    private(set) var root: VaultRoot
    private var shard: VaultRoot.Shard
    private var file: SystemFile
    private var end: UInt64
    private var frameCount: UInt64
    /// Records in the open shard.
    private(set) var count: Int
    private var records: [UInt8]

    var shardNumber: UInt32 { shard.number }
    var room: Int { VaultRecord.shardCapacity - count }

    /// Opens the open shard and cuts what no journal frame names.
    /// - Parameter counters: of the last journal frame.
    init(
        files: VaultFiles, counters: JournalRecord.Counters, random: RandomSource,
        fault: (@Sendable (FaultStep) -> Void)?
    ) throws(ArchiveError) {
        (self.files, self.random, self.fault) = (files, random, fault)
        root = try files.root().root
        guard let shard = root.shards.last, !shard.isSealed else {
            throw ArchiveError(.damaged, "the vault has no open shard", path: files.layout.current)
        }
        self.shard = shard
        let path = files.layout.openShard(shard.number, generation: shard.generation)
        let open = try files.openShard(shard)
        // A shard that was opened after the last journal frame has nothing yet that counts.
        let expected = counters.openShard == shard.number ? Int(counters.openShardCount) : 0
        var end = UInt64(ShortHeader.length)
        var frames: UInt64 = 0
        var count = 0
        for frame in open.frameEnds where frame.records <= expected {
            (count, end) = frame
            frames += 1
        }
        guard count == expected, counters.openShard <= shard.number else {
            throw ArchiveError(
                .damaged, "the journal names \(expected) keys in the open shard, \(count) are there", path: path)
        }
        file = try SystemFile(path, .readWrite)
        if try file.size() > end {
            try file.truncate(to: end)
            try file.sync()
        }
        (self.end, frameCount, self.count) = (end, frames, count)
        records = Array(open.records.prefix(count * VaultRecord.octetCount))
    }

    /// Appends one frame and makes it durable; the slot of the first record.
    /// - Precondition: `new.count` ≤ ``room``.
    mutating func append(_ new: [VaultRecord]) throws(ArchiveError) -> UInt32 {
        precondition(new.count <= room, "a group of keys does not fit its shard")
        let first = count
        guard !new.isEmpty else { return UInt32(first) }
        let frame: [UInt8]
        do {
            frame = try SealedBody.sealFrame(
                new, number: frameCount, header: files.openHeader(shard), key: shard.key, random: random)
        } catch { throw ArchiveError(.internalError, "keys cannot be sealed", cause: error) }
        try file.write(frame, at: end)
        try file.syncData()
        fault?(.vaultSync)
        end += UInt64(frame.count)
        frameCount += 1
        count += new.count
        for record in new { records += record.octets }
        return UInt32(first)
    }

    /// Seals the open shard and opens the next one under a fresh key.
    ///
    /// Called only while every key of the shard is named by the journal.
    mutating func rollOver() throws(ArchiveError) {
        let layout = files.layout
        let header = ShortHeader.encode(.shard, archive: files.archive, shard.number, shard.generation)
        let sealed: [UInt8]
        do { sealed = try SealedBody.seal(records, header: header, key: shard.key, random: random) } catch {
            throw ArchiveError(.internalError, "a vault shard cannot be sealed", cause: error)
        }
        try FileTree.replace(layout.shard(shard.number, generation: shard.generation), with: sealed)
        let next = VaultRoot.Shard(
            number: shard.number + 1, generation: 0, key: random.octets(32), recordCount: 0, isSealed: false,
            fileDigest: [UInt8](repeating: 0, count: 32))
        let nextPath = layout.openShard(next.number, generation: 0)
        try FileTree.replace(nextPath, with: files.openHeader(next))
        var changed = root
        let last = changed.shards.count - 1
        changed.shards[last].isSealed = true
        changed.shards[last].recordCount = UInt32(count)
        changed.shards[last].fileDigest = SHA256.hash(sealed)
        changed.shards.append(next)
        changed.revision += 1
        let old = root
        try Self.write(changed, files: files, random: random, fault: fault)
        // ORDER: CURRENT points at the new root; the old names lead nowhere now.
        try FileTree.remove(layout.vaultRoot(epoch: old.epoch, revision: old.revision))
        try FileTree.remove(layout.openShard(shard.number, generation: shard.generation))
        root = changed
        shard = next
        file = try SystemFile(nextPath, .readWrite)
        (end, frameCount, count, records) = (UInt64(ShortHeader.length), 0, 0, [])
    }

    /// Changes named secrets in a new revision of the root; `nil` removes one.
    mutating func change(_ secrets: [String: [UInt8]?]) throws(ArchiveError) {
        var changed = root
        for (name, value) in secrets { changed.secrets[name] = value }
        changed.revision += 1
        try Self.write(changed, files: files, random: random, fault: fault)
        // ORDER: CURRENT points at the new root; the old name leads nowhere now.
        try FileTree.remove(files.layout.vaultRoot(epoch: root.epoch, revision: root.revision))
        root = changed
    }

    /// Writes `root` under the erasure secret of its epoch and points `CURRENT` at it; the digest of the file.
    ///
    /// - Parameters:
    ///   - secret: 32 octets; `nil` for the one of the present epoch.
    ///   - verify: has a last look before `CURRENT` is turned.
    @discardableResult
    static func write(
        _ root: VaultRoot, files: VaultFiles, secret: [UInt8]? = nil, random: RandomSource,
        fault: (@Sendable (FaultStep) -> Void)?, verify: () throws(ArchiveError) -> Void = {}
    ) throws(ArchiveError) -> [UInt8] {
        let secret = if let secret { secret } else { try files.secrets.secret(epoch: root.epoch) }
        let header = ShortHeader.encode(.vaultRoot, archive: files.archive, root.epoch, root.revision)
        let sealed: [UInt8]
        do {
            sealed = try SealedBody.seal(
                root.octets, header: header, key: files.keys.vaultRootKey(erasureSecret: secret, epoch: root.epoch),
                random: random)
        } catch { throw ArchiveError(.internalError, "the vault root cannot be sealed", cause: error) }
        let path = files.layout.vaultRoot(epoch: root.epoch, revision: root.revision)
        try FileTree.replace(path, with: sealed)
        fault?(.vaultRoot)
        try verify()
        let digest = SHA256.hash(sealed)
        let pointer = VaultPointer(epoch: root.epoch, revision: root.revision, rootDigest: digest.hex)
        try FileTree.replace(files.layout.current, with: pointer.octets)
        fault?(.currentFlip)
        return digest
    }
}
