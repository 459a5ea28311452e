import ArchiveCrypto
import ArchiveLedger
import MailCore

/// The part of a group that becomes one journal frame: blobs, their keys, the leaves that name them.
struct CommitBatch {
    /// LIMIT: the keys of one frame fit one vault shard, so that a shard is only ever sealed between frames.
    static let blobLimit = VaultRecord.shardCapacity - 2

    let time: Int64
    private let firstLeaf: UInt64
    private let writer: [UInt8]
    private(set) var blobs: [(blob: NewBlob, ledgerIndex: UInt64)] = []
    private(set) var leaves: [Leaf] = []
    private(set) var messages: [CommittedGroup.Message] = []
    private(set) var eventSequence: UInt64?
    /// Of the event record's leaf.
    private(set) var eventLedgerIndex: UInt64?
    /// New durable length of each pack.
    private(set) var packs: [RandomID: (pack: PackFile, end: UInt64)] = [:]

    init(time: Int64, firstLeaf: UInt64, writer: [UInt8]) {
        (self.time, self.firstLeaf, self.writer) = (time, firstLeaf, writer)
    }

    var isEmpty: Bool { leaves.isEmpty }
    private var nextLeaf: UInt64 { firstLeaf + UInt64(leaves.count) }

    mutating func add(_ message: NewMessage) {
        let index = nextLeaf
        let commitment = LeafCommitment(
            commit: LeafCommitment.digest(salt: message.salt, sha256: message.digest), keyID: message.keyID,
            size: message.octetCount)
        leaves.append(Leaf(sequence: index, time: time, writer: writer, .ingest(commitment)))
        blobs += message.blobs.map { ($0, index) }
        messages.append(
            CommittedGroup.Message(keyID: message.keyID, octetCount: message.octetCount, ledgerIndex: index))
        grow(message.pack, to: message.packEnd)
    }

    mutating func add(_ record: NewRecord) {
        let index = nextLeaf
        let commitment = LeafCommitment(
            commit: LeafCommitment.digest(
                salt: BlobKeys(dek: record.blob.secret, keyID: record.blob.keyID).salt, sha256: record.digest),
            keyID: record.blob.keyID, size: record.blob.rawLength)
        leaves.append(
            Leaf(
                sequence: index, time: time, writer: writer,
                .events(commitment, sequence: record.sequence, count: UInt64(record.eventCount))))
        blobs.append((record.blob, index))
        if !record.isRewritten { (eventSequence, eventLedgerIndex) = (record.sequence, index) }
        grow(record.pack, to: record.packEnd)
    }

    /// A leaf of messages that are not kept.
    mutating func add(_ record: SkipRecord) {
        leaves.append(Leaf(sequence: nextLeaf, time: time, writer: writer, .skipped(record)))
    }

    private mutating func grow(_ pack: PackFile, to end: UInt64) {
        packs[pack.id] = (pack, max(end, packs[pack.id]?.end ?? 0))
    }

    /// The vault's records, in order of ``blobs``.
    var vaultRecords: [VaultRecord] {
        let day = UInt32(max(0, time) / 86_400)
        return blobs.map {
            VaultRecord(
                keyID: $0.blob.keyID, dek: $0.blob.secret, kind: $0.blob.kind.rawValue, day: day,
                ledgerIndex: $0.ledgerIndex)
        }
    }
}

/// An event record that lies in a pack and waits for its frame.
struct NewRecord {
    let blob: NewBlob
    /// SHA-256 of the record.
    let digest: [UInt8]
    let sequence: UInt64
    let eventCount: Int
    /// It has the sequence of a record that it replaces.
    let isRewritten: Bool
    let pack: PackFile
    let packEnd: UInt64
}
