import ArchiveCrypto
public import MailCore

/// An erasure that has begun: the file `vault/erasing` (ArchiveFormat.md §6.7), from which a crash resumes.
///
/// ```
/// version 1 (1) ‖ flags (1: 1 leave no tombstones) ‖ le64 leaf of the intent ‖ string basis
/// varint targets: kind (1: 1 message, 2 part, 6 event record) ‖ key id (16) ‖ le64 event sequence, else 0
/// ```
public struct PendingErasure: Sendable, Hashable {
    /// An event record that goes.
    public struct Record: Sendable, Hashable {
        public var sequence: UInt64
        public var keyID: RandomID
    }

    /// Index of the intent's leaf.
    public var intent: UInt64
    public var basis: String
    /// No tombstones: the next pull takes what is still on the server again.
    public var forgets: Bool
    public var messages: [RandomID]
    public var parts: [RandomID]
    public var records: [Record]

    /// Key ids of everything that dies.
    public var targets: [RandomID] { messages + parts + records.map(\.keyID) }

    /// LIMIT: 25 octets a target: forty million of them.
    static let maximumLength = 1 << 30

    func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + 25 * targets.count)
        writer.u8(1)
        writer.u8(forgets ? 1 : 0)
        writer.u64(intent)
        writer.string(basis.utf8)
        writer.varint(UInt64(targets.count))
        func add(_ kind: BlobKind, _ keyID: RandomID, _ sequence: UInt64) {
            writer.u8(kind.rawValue)
            writer.bytes(keyID.octets)
            writer.u64(sequence)
        }
        for message in messages { add(.recipe, message, 0) }
        for part in parts { add(.part, part, 0) }
        for record in records { add(.events, record.keyID, record.sequence) }
        return writer.octets
    }

    init(
        intent: UInt64, basis: String, forgets: Bool, messages: [RandomID], parts: [RandomID], records: [Record]
    ) {
        (self.intent, self.basis, self.forgets) = (intent, basis, forgets)
        (self.messages, self.parts, self.records) = (messages, parts, records)
    }

    /// - Throws: `.unsupported` for another version, flag or kind; `.damaged`.
    init(decoding octets: [UInt8]) throws(ArchiveError) {
        var reader = ByteReader(octets)
        guard let version = reader.u8(), let flags = reader.u8() else { throw Self.malformed }
        guard version == 1, flags <= 1 else {
            throw ArchiveError(.unsupported, "erasure version \(version), flags \(flags)")
        }
        guard let intent = reader.u64(), let basis = reader.string().flatMap({ String(validating: $0, as: UTF8.self) }),
            let count = reader.count(limit: reader.remaining / 25)
        else { throw Self.malformed }
        self.init(intent: intent, basis: basis, forgets: flags == 1, messages: [], parts: [], records: [])
        for _ in 0..<count {
            guard let kind = reader.u8(), let keyID = reader.bytes(16).flatMap({ RandomID(octets: Array($0)) }),
                let sequence = reader.u64()
            else { throw Self.malformed }
            switch BlobKind(rawValue: kind) {
            case .recipe: messages.append(keyID)
            case .part: parts.append(keyID)
            case .events: records.append(Record(sequence: sequence, keyID: keyID))
            case nil: throw ArchiveError(.unsupported, "erasure of blobs of kind \(kind)")
            }
        }
        guard reader.isAtEnd else { throw Self.malformed }
    }

    private static let malformed = ArchiveError(.damaged, "the file of the erasure that has begun is malformed")
}

extension Archive {
    /// The erasure that has begun and is not finished; `nil` if there is none.
    public func pendingErasure() throws(ArchiveError) -> PendingErasure? {
        let octets: [UInt8]
        do throws(ArchiveError) {
            octets = try FileTree.read(layout.erasing, limit: PendingErasure.maximumLength)
        } catch {
            guard error.kind == .missing else { throw error }
            return nil
        }
        do throws(ArchiveError) { try FileHeader.check(Array(octets.prefix(64)), .erasing, archive: id) } catch {
            throw ArchiveError(error.kind, error.message, path: layout.erasing, offset: error.offset)
        }
        let body: [UInt8]
        do { body = try SealedBody.open(octets, key: keys.meta) } catch {
            throw ArchiveError(.damaged, "the file does not open", path: layout.erasing, cause: error)
        }
        return try PendingErasure(decoding: body)
    }

    /// False once an erasure began another epoch since this archive was opened: what is remembered of it is stale.
    public func isOfPresentEpoch() throws(ArchiveError) -> Bool {
        try vault.files.pointer().epoch == vault.root.epoch
    }

    /// What stands for a mailbox in the tombstones of the sync state: keyed, so that it tells no name.
    public func placeName(account: String, mailbox: MailboxName) -> String {
        var writer = ByteWriter(capacity: 256)
        writer.bytes("mailarc/1/erased-place\0".utf8)
        writer.string(account.utf8)
        writer.bytes(mailbox.octets)
        return Array(HMAC.sha256(key: keys.contentID, writer.octets).prefix(16)).hex
    }

    /// What stands for two ends of a sync in the name of their state's file: keyed, so that it tells nothing of them.
    public func pairName(_ ends: String) -> String {
        var writer = ByteWriter(capacity: 256)
        writer.bytes("mailarc/1/pair-name\0".utf8)
        writer.string(ends.utf8)
        return Array(HMAC.sha256(key: keys.contentID, writer.octets).prefix(12)).hex
    }

    /// Those of `keyIDs` that still have a key in the vault as it is on disk now.
    public func living(_ keyIDs: [RandomID]) throws(ArchiveError) -> Set<RandomID> {
        let wanted = Set(keyIDs)
        var living: Set<RandomID> = []
        for shard in try vault.files.root().root.shards {
            let records = try vault.files.records(of: shard)
            for start in stride(from: 0, to: records.count, by: VaultRecord.octetCount)
            where records[start + 49] & 1 == 0 {
                guard let keyID = RandomID(octets: Array(records[start..<start + 16])), wanted.contains(keyID) else {
                    continue
                }
                living.insert(keyID)
            }
        }
        return living
    }
}
