public import ArchiveCompression
public import ArchiveCrypto
import ArchiveLedger
import MailCore

/// How an archive begins.
public struct CreationOptions: Sendable {
    /// The first key slot.
    public var secret: ArchiveSecret
    public var label = ""
    /// scrypt's cost, for a passphrase.
    public var cost = Scrypt.Cost.standard
    /// Copied into the archive, so that it needs nothing but itself to be read.
    public var dictionaries: [CompressionDictionary] = [.builtIn]
    public var random = RandomSource.system
    /// Seconds since 1970-01-01T00:00:00Z.
    public var now: Int64

    public init(secret: ArchiveSecret, now: Int64) { (self.secret, self.now) = (secret, now) }
}

extension Archive {
    /// Creates an archive at `path`, which must not exist or be an empty directory, and opens it.
    ///
    /// - Throws: `.alreadyExists`, `.ioFailed`, `.diskFull`.
    public static func create(at path: String, _ options: CreationOptions) throws(ArchiveError) -> Archive {
        let layout = ArchiveLayout(path)
        guard try FileTree.names(in: layout.root).isEmpty else {
            throw ArchiveError(.alreadyExists, "the directory is not empty", path: layout.root)
        }
        for directory in layout.directories { try FileTree.makeDirectory(directory) }
        let random = options.random
        guard let id = RandomID(octets: random.octets(16)) else {
            throw ArchiveError(.internalError, "16 octets make an id")
        }
        let keys = KeyHierarchy(rootKey: random.octets(32), archiveID: id)
        let (logSeed, writerSeed) = (random.octets(32), random.octets(32))
        let identity = ArchiveIdentity(
            archive: id, created: CivilTime(secondsSinceEpoch: options.now).rfc3339,
            logKey: try publicKey(logSeed), writer: random.octets(8))
        let slot = try KeySlots.make(
            options.secret, cost: options.cost, label: options.label, created: options.now, keys: keys, random: random)
        try FileTree.replace("\(layout.keys)/\(slot.id).slot", with: slot.octets)
        let writerFile = ArchiveIdentity.writerFile(
            archive: id, writer: identity.writer, key: try publicKey(writerSeed), keys: keys)
        try FileTree.replace(layout.writer(identity.writer.hex), with: writerFile)
        let secrets = [
            "catalog": random.octets(32), "state": random.octets(32), "dict": random.octets(32), "log-key": logSeed,
            "writer-key": writerSeed,
        ]
        try beginVault(layout, keys, secrets, random)
        for dictionary in options.dictionaries {
            try DictionarySet.store(
                dictionary, layout, archive: id, key: secrets["dict"] ?? [], random: random)
        }
        try beginLedger(layout, identity, keys, slot: slot, logSeed: logSeed, options)
        // ORDER: MAILARC comes last; without it there is no archive.
        try FileTree.replace(layout.identity, with: identity.file(keys))
        return try Archive(layout, identity, keys, access: .local)
    }

    private static func publicKey(_ seed: [UInt8]) throws(ArchiveError) -> [UInt8] {
        do { return try Ed25519.publicKey(seed: seed) } catch {
            throw ArchiveError(.internalError, "a signing key cannot be made", cause: error)
        }
    }

    private static func beginVault(
        _ layout: ArchiveLayout, _ keys: KeyHierarchy, _ secrets: [String: [UInt8]], _ random: RandomSource
    ) throws(ArchiveError) {
        let erasure = ErasureSecret(epoch: 0, secret: random.octets(32), archive: keys.archiveID.description)
        try FileTree.replace(layout.erasure, with: erasure.octets)
        let files = VaultFiles(layout: layout, keys: keys, access: .local)
        let shard = VaultRoot.Shard(
            number: 0, generation: 0, key: random.octets(32), recordCount: 0, isSealed: false,
            fileDigest: [UInt8](repeating: 0, count: 32))
        try FileTree.replace(layout.openShard(0, generation: 0), with: files.openHeader(shard))
        try VaultWriter.write(
            VaultRoot(epoch: 0, revision: 0, shards: [shard], secrets: secrets), files: files, random: random,
            fault: nil)
    }

    /// Leaves 0 and 1, in the journal and in the ledger.
    private static func beginLedger(
        _ layout: ArchiveLayout, _ identity: ArchiveIdentity, _ keys: KeyHierarchy, slot: KeySlot, logSeed: [UInt8],
        _ options: CreationOptions
    ) throws(ArchiveError) {
        guard let first = RandomID(octets: options.random.octets(16)),
            let second = RandomID(octets: options.random.octets(16)),
            let hash = MerkleHash(octets: SHA256.hash(slot.octets))
        else { throw ArchiveError(.internalError, "16 octets make an id") }
        let leaves = [
            Leaf(
                sequence: 0, time: options.now, writer: identity.writer,
                .initial(archive: identity.archive, suite: 1, logKey: identity.logKey, nonce: first)),
            Leaf(sequence: 1, time: options.now, writer: identity.writer, .keyAdded(slot: hash, nonce: second)),
        ]
        let records: [JournalRecord] =
            leaves.map { .leaf(index: $0.sequence, text: $0.text) } + [.counters(JournalRecord.Counters())]
        _ = try JournalFile(layout, replacingWith: records, keys: keys, random: options.random)
        do throws(LedgerError) {
            var ledger = try Ledger.open(
                directory: layout.log, origin: identity.origin, publicKey: identity.logKey,
                bundleKey: BundleKey(key: keys.meta, archive: identity.archive, codec: .archive))
            try ledger.append(leaves.map(\.text))
            try ledger.publish(signingSeed: logSeed, keeping: true)
            try ledger.sync()
        } catch { throw ArchiveError(error, layout) }
    }
}
