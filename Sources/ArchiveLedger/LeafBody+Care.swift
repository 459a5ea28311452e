public import MailCore

// Leaves of what happens to an archive over the years: erasure, compaction, loss, repair, keys (LedgerFormat.md).

/// Blobs are about to be erased; what they are stands in the leaf that follows the deed.
public struct ErasureIntent: Hashable, Sendable {
    /// Why: `gdpr-17`, `retention`, `court`, or another word of a-z, 0-9 and `-`.
    public var basis: String
    /// Messages meant.
    public var count: UInt64
    /// 128 random bits, so that the leaf's hash reveals nothing.
    public var nonce: RandomID

    public init(basis: String, count: UInt64, nonce: RandomID) {
        (self.basis, self.count, self.nonce) = (basis, count, nonce)
    }
}

/// Keys of blobs are gone; an erasure of many is told in several leaves.
public struct ErasureRecord: Hashable, Sendable {
    /// What an erased key belonged to.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case message, part, events, payload
    }

    /// One blob whose key is gone.
    public struct Target: Hashable, Sendable {
        public var kind: Kind
        /// The blob's handle in the vault.
        public var keyID: RandomID

        public init(_ kind: Kind, _ keyID: RandomID) { (self.kind, self.keyID) = (kind, keyID) }
    }

    /// LIMIT: 50 octets a target; the leaf stays below its 64 KiB.
    public static let maximumTargets = 1_000

    /// Index of the intent's leaf.
    public var intent: UInt64
    /// The vault's epoch from now on.
    public var epoch: UInt32
    /// SHA-256 of the first root file of that epoch.
    public var root: MerkleHash
    /// At most ``maximumTargets``.
    public var targets: [Target]
    /// What each anchor said of the secret's destruction: `inside destroyed`, `vault2 destroyed`, `vault3 unreachable`.
    public var anchors: [String]
    /// 128 random bits, so that the leaf's hash reveals nothing.
    public var nonce: RandomID

    public init(
        intent: UInt64, epoch: UInt32, root: MerkleHash, targets: [Target], anchors: [String], nonce: RandomID
    ) {
        (self.intent, self.epoch, self.root) = (intent, epoch, root)
        (self.targets, self.anchors, self.nonce) = (targets, anchors, nonce)
    }
}

/// What is gone and could not be had back from anywhere.
public struct LossRecord: Hashable, Sendable {
    /// LIMIT: as of ``ErasureRecord``.
    public static let maximumTargets = 1_000

    /// The file it was in, by its SHA-256; `nil` if that is not known.
    public var object: MerkleHash?
    /// At most ``maximumTargets``.
    public var targets: [ErasureRecord.Target]
    /// 128 random bits, so that the leaf's hash reveals nothing.
    public var nonce: RandomID

    public init(object: MerkleHash?, targets: [ErasureRecord.Target], nonce: RandomID) {
        (self.object, self.targets, self.nonce) = (object, targets, nonce)
    }
}

/// A pack gave its place to others that hold what lived of it.
public struct PackReplacement: Hashable, Sendable {
    public var object: MerkleHash
    public var pack: RandomID
    /// Packs that were sealed before; none if nothing lived.
    public var successors: [MerkleHash]
    /// 128 random bits, so that the leaf's hash reveals nothing.
    public var nonce: RandomID

    public init(object: MerkleHash, pack: RandomID, successors: [MerkleHash], nonce: RandomID) {
        (self.object, self.pack, self.successors, self.nonce) = (object, pack, successors, nonce)
    }
}

extension ErasureRecord.Target {
    fileprivate var line: Leaf.Line { .init(kind.rawValue, "\(keyID)") }
}

/// Takes lines off the front, one after the other.
struct LeafLines {
    var rest: ArraySlice<Leaf.Line>

    mutating func take<Value>(_ key: String, _ parse: (String) -> Value?) -> Value? {
        guard let line = rest.first, line.key == key, let value = parse(line.value) else { return nil }
        rest.removeFirst()
        return value
    }

    /// As many as there are; a malformed one ends them.
    mutating func takeAll<Value>(_ key: String, _ parse: (String) -> Value?) -> [Value] {
        var values: [Value] = []
        while let value = take(key, parse) { values.append(value) }
        return values
    }

    mutating func takeTargets() -> [ErasureRecord.Target] {
        var targets: [ErasureRecord.Target] = []
        while let line = rest.first, let kind = ErasureRecord.Kind(rawValue: line.key),
            let keyID = RandomID(hex: line.value)
        {
            targets.append(.init(kind, keyID))
            rest.removeFirst()
        }
        return targets
    }
}

extension LeafBody {
    /// The lines of the leaves of this file; `nil` for others.
    var careLines: [Leaf.Line]? {
        switch self {
        case .eraseIntent(let intent):
            [.init("basis", intent.basis), .init("count", "\(intent.count)"), .init("nonce", "\(intent.nonce)")]
        case .erased(let record):
            [
                .init("intent", "\(record.intent)"), .init("epoch", "\(record.epoch)"),
                .init("root", "sha256:\(record.root)"),
            ] + record.targets.map(\.line) + record.anchors.map { .init("anchor", $0) } + [
                .init("nonce", "\(record.nonce)")
            ]
        case .packReplaced(let change):
            [.init("object", "sha256:\(change.object)"), .init("pack", "\(change.pack)")]
                + change.successors.map { .init("by", "sha256:\($0)") } + [.init("nonce", "\(change.nonce)")]
        case .lost(let loss):
            (loss.object.map { [.init("object", "sha256:\($0)")] } ?? []) + loss.targets.map(\.line) + [
                .init("nonce", "\(loss.nonce)")
            ]
        case .repaired(let objects, let nonce):
            objects.map { .init("object", "sha256:\($0)") } + [.init("nonce", "\(nonce)")]
        case .dictionary(let object, let number, let nonce):
            [.init("object", "sha256:\(object)"), .init("id", "\(number)"), .init("nonce", "\(nonce)")]
        case .logKey(let key, let nonce): [.init("key", Base64.encode(key)), .init("nonce", "\(nonce)")]
        case .anchorAdded(let name, let kind, let nonce), .anchorRemoved(let name, let kind, let nonce):
            [.init("name", name), .init("kind", kind), .init("nonce", "\(nonce)")]
        case .hostAdded(let writer, let name, let key, let nonce):
            [
                .init("host", writer.hex), .init("name", name), .init("key", Base64.encode(key)),
                .init("nonce", "\(nonce)"),
            ]
        case .hostRemoved(let writer, let name, let nonce):
            [.init("host", writer.hex), .init("name", name), .init("nonce", "\(nonce)")]
        case .adopted(let writer, let sequence, let object, let count, let nonce):
            [
                .init("host", writer.hex), .init("sequence", "\(sequence)"), .init("object", "sha256:\(object)"),
                .init("count", "\(count)"), .init("nonce", "\(nonce)"),
            ]
        case .skipped(let record): record.reasons.map(\.line) + [.init("nonce", "\(record.nonce)")]
        default: nil
        }
    }

    /// Takes the lines of a leaf of this file off the front of `lines`; `nil` if they are not that, or of another type.
    static func care(type: String, lines: inout ArraySlice<Leaf.Line>) -> LeafBody? {
        var taken = LeafLines(rest: lines)
        defer { lines = taken.rest }
        let number: (String) -> UInt64? = { UInt64($0) }
        let id: (String) -> RandomID? = { RandomID(hex: $0) }
        switch type {
        case "erase-intent":
            guard let basis = taken.take("basis", word), let count = taken.take("count", number),
                let nonce = taken.take("nonce", id)
            else { return nil }
            return .eraseIntent(ErasureIntent(basis: basis, count: count, nonce: nonce))
        case "erase":
            guard let intent = taken.take("intent", number), let epoch = taken.take("epoch", { UInt32($0) }),
                let root = taken.take("root", digest)
            else { return nil }
            let targets = taken.takeTargets()
            let anchors = taken.takeAll("anchor") { $0 }
            guard let nonce = taken.take("nonce", id) else { return nil }
            return .erased(
                ErasureRecord(
                    intent: intent, epoch: epoch, root: root, targets: targets, anchors: anchors, nonce: nonce))
        case "pack-replace":
            guard let object = taken.take("object", digest), let pack = taken.take("pack", id) else { return nil }
            let successors = taken.takeAll("by", digest)
            guard let nonce = taken.take("nonce", id) else { return nil }
            return .packReplaced(
                PackReplacement(object: object, pack: pack, successors: successors, nonce: nonce))
        case "loss":
            let object = taken.take("object", digest)
            let targets = taken.takeTargets()
            guard let nonce = taken.take("nonce", id) else { return nil }
            return .lost(LossRecord(object: object, targets: targets, nonce: nonce))
        case "repair":
            let objects = taken.takeAll("object", digest)
            guard let nonce = taken.take("nonce", id) else { return nil }
            return .repaired(objects: objects, nonce: nonce)
        case "dict":
            guard let object = taken.take("object", digest), let number = taken.take("id", { UInt16($0) }),
                let nonce = taken.take("nonce", id)
            else { return nil }
            return .dictionary(object: object, number: number, nonce: nonce)
        case "log-key":
            guard let key = taken.take("key", { Base64.decode($0) }), key.count == 32,
                let nonce = taken.take("nonce", id)
            else { return nil }
            return .logKey(key, nonce: nonce)
        case "anchor-add", "anchor-remove":
            guard let name = taken.take("name", word), let kind = taken.take("kind", word),
                let nonce = taken.take("nonce", id)
            else { return nil }
            return type == "anchor-add"
                ? .anchorAdded(name: name, kind: kind, nonce: nonce)
                : .anchorRemoved(name: name, kind: kind, nonce: nonce)
        case "writer-add", "writer-remove", "adopt": return host(type, &taken)
        case "skip":
            let reasons = taken.takeAll("skipped", SkipRecord.Reason.init(parsing:))
            guard !reasons.isEmpty, let nonce = taken.take("nonce", id) else { return nil }
            return .skipped(SkipRecord(reasons: reasons, nonce: nonce))
        default: return nil
        }
    }

    static let careTypes: Set<String> = [
        "erase-intent", "erase", "pack-replace", "loss", "repair", "dict", "log-key", "anchor-add", "anchor-remove",
        "writer-add", "writer-remove", "adopt", "skip",
    ]

    /// A leaf about a write-only host.
    private static func host(_ type: String, _ taken: inout LeafLines) -> LeafBody? {
        let id: (String) -> RandomID? = { RandomID(hex: $0) }
        let number: (String) -> UInt64? = { UInt64($0) }
        guard let writer = taken.take("host", { [UInt8](hex: $0) }), writer.count == 8 else { return nil }
        guard type != "adopt" else {
            guard let sequence = taken.take("sequence", number), let object = taken.take("object", digest),
                let count = taken.take("count", number), let nonce = taken.take("nonce", id)
            else { return nil }
            return .adopted(writer: writer, sequence: sequence, object: object, count: count, nonce: nonce)
        }
        guard let name = taken.take("name", word) else { return nil }
        guard type == "writer-add" else {
            return taken.take("nonce", id).map { .hostRemoved(writer: writer, name: name, nonce: $0) }
        }
        guard let key = taken.take("key", { Base64.decode($0) }), key.count == 32, let nonce = taken.take("nonce", id)
        else { return nil }
        return .hostAdded(writer: writer, name: name, key: key, nonce: nonce)
    }

    /// One word of at most 64 of the characters a-z, 0-9, `.`, `_` and `-`.
    static func word(_ text: String) -> String? {
        let isWord = text.utf8.allSatisfy { octet in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) || "._-".utf8.contains(octet)
        }
        return isWord && (1...64).contains(text.utf8.count) ? text : nil
    }
}
