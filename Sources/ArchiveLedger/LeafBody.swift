public import MailCore

/// What a leaf says. Every case holds at least 128 random bits, so its hash reveals nothing.
public enum LeafBody: Hashable, Sendable {
    /// The archive began. `logKey`: 32 octets, Ed25519.
    case initial(archive: RandomID, suite: Int, logKey: [UInt8], nonce: RandomID)
    /// A way to the root key was added; `slot` is the SHA-256 of its file.
    case keyAdded(slot: MerkleHash, nonce: RandomID)
    case keyRemoved(slot: MerkleHash, nonce: RandomID)
    /// A message was taken.
    case ingest(LeafCommitment)
    /// An event record of `count` events was taken.
    case events(LeafCommitment, sequence: UInt64, count: UInt64)
    /// A pack was sealed; `object` is its SHA-256.
    case pack(object: MerkleHash, pack: RandomID, nonce: RandomID)
    case eraseIntent(ErasureIntent)
    case erased(ErasureRecord)
    case packReplaced(PackReplacement)
    case lost(LossRecord)
    /// Files that were mended, by the SHA-256 they have again.
    case repaired(objects: [MerkleHash], nonce: RandomID)
    /// A compression dictionary was added; `object` is the SHA-256 of its file.
    case dictionary(object: MerkleHash, number: UInt16, nonce: RandomID)
    /// Checkpoints of larger trees are signed with this key, 32 octets, Ed25519.
    case logKey([UInt8], nonce: RandomID)
    /// A place of the erasure secret was added or given up; names and kinds are words.
    case anchorAdded(name: String, kind: String, nonce: RandomID)
    case anchorRemoved(name: String, kind: String, nonce: RandomID)
    /// A write-only host was added, or is no more. `writer`: its id, 8 octets; `key`: Ed25519, 32 octets.
    case hostAdded(writer: [UInt8], name: String, key: [UInt8], nonce: RandomID)
    case hostRemoved(writer: [UInt8], name: String, nonce: RandomID)
    /// What a write-only host sealed was taken: `count` messages; `object` is the SHA-256 of its segment.
    case adopted(writer: [UInt8], sequence: UInt64, object: MerkleHash, count: UInt64, nonce: RandomID)
    /// Messages were taken and not kept, for reasons that a rule's owner named.
    case skipped(SkipRecord)
    /// A type this version does not know, or a reserved one.
    case other(type: String, lines: [Leaf.Line])
}

/// What a leaf says of a blob without revealing it.
public struct LeafCommitment: Hashable, Sendable {
    /// ``digest(salt:sha256:)``
    public var commit: MerkleHash
    public var keyID: RandomID
    /// Octets of the message, or of the event record.
    public var size: UInt64

    public init(commit: MerkleHash, keyID: RandomID, size: UInt64) {
        (self.commit, self.keyID, self.size) = (commit, keyID, size)
    }
}

extension LeafBody {
    public var type: String {
        switch self {
        case .initial: "init"
        case .keyAdded: "key-add"
        case .keyRemoved: "key-remove"
        case .ingest: "ingest"
        case .events: "events"
        case .pack: "pack"
        case .eraseIntent: "erase-intent"
        case .erased: "erase"
        case .packReplaced: "pack-replace"
        case .lost: "loss"
        case .repaired: "repair"
        case .dictionary: "dict"
        case .logKey: "log-key"
        case .anchorAdded: "anchor-add"
        case .anchorRemoved: "anchor-remove"
        case .hostAdded: "writer-add"
        case .hostRemoved: "writer-remove"
        case .adopted: "adopt"
        case .skipped: "skip"
        case .other(let type, _): type
        }
    }

    var lines: [Leaf.Line] {
        switch self {
        case .initial(let archive, let suite, let logKey, let nonce):
            [
                .init("archive", "\(archive)"), .init("suite", "\(suite)"), .init("log-key", Base64.encode(logKey)),
                .init("nonce", "\(nonce)"),
            ]
        case .keyAdded(let slot, let nonce), .keyRemoved(let slot, let nonce):
            [.init("slot", "sha256:\(slot)"), .init("nonce", "\(nonce)")]
        case .ingest(let commitment): commitment.lines
        case .events(let commitment, let sequence, let count):
            commitment.lines + [.init("sequence", "\(sequence)"), .init("count", "\(count)")]
        case .pack(let object, let pack, let nonce):
            [.init("object", "sha256:\(object)"), .init("pack", "\(pack)"), .init("nonce", "\(nonce)")]
        case .other(_, let lines): lines
        default: careLines ?? []
        }
    }

    /// Takes the lines of `type` off the front of `lines`; all of them if the type is unknown.
    ///
    /// The caller compares what it builds with what it read, so other spellings of a value need no care here.
    init?(type: String, lines: inout ArraySlice<Leaf.Line>) {
        func take<Value>(_ key: String, _ parse: (String) -> Value?) -> Value? {
            guard let line = lines.first, line.key == key, let value = parse(line.value) else { return nil }
            lines.removeFirst()
            return value
        }
        let id: (String) -> RandomID? = { RandomID(hex: $0) }
        let number: (String) -> UInt64? = { UInt64($0) }
        switch type {
        case "init":
            guard let archive = take("archive", id), let suite = take("suite", { Int($0) }),
                let logKey = take("log-key", { Base64.decode($0) }), logKey.count == 32, let nonce = take("nonce", id)
            else { return nil }
            self = .initial(archive: archive, suite: suite, logKey: logKey, nonce: nonce)
        case "key-add", "key-remove":
            guard let slot = take("slot", Self.digest), let nonce = take("nonce", id) else { return nil }
            self = type == "key-add" ? .keyAdded(slot: slot, nonce: nonce) : .keyRemoved(slot: slot, nonce: nonce)
        case "ingest", "events":
            guard let commit = take("commit", Self.commit), let keyID = take("keyid", id),
                let size = take("size", number)
            else { return nil }
            let commitment = LeafCommitment(commit: commit, keyID: keyID, size: size)
            if type == "ingest" {
                self = .ingest(commitment)
                return
            }
            guard let sequence = take("sequence", number), let count = take("count", number) else { return nil }
            self = .events(commitment, sequence: sequence, count: count)
        case "pack":
            guard let object = take("object", Self.digest), let pack = take("pack", id), let nonce = take("nonce", id)
            else { return nil }
            self = .pack(object: object, pack: pack, nonce: nonce)
        case let type where Self.careTypes.contains(type):
            guard let body = Self.care(type: type, lines: &lines) else { return nil }
            self = body
        default:
            self = .other(type: type, lines: Array(lines))
            lines = []
        }
    }

    static func digest(_ text: String) -> MerkleHash? { hash(text, after: "sha256:") }
    private static func commit(_ text: String) -> MerkleHash? { hash(text, after: LeafCommitment.prefix) }

    private static func hash(_ text: String, after prefix: String) -> MerkleHash? {
        guard text.hasPrefix(prefix) else { return nil }
        return [UInt8](hex: String(text.dropFirst(prefix.count))).flatMap { MerkleHash(octets: $0) }
    }
}
