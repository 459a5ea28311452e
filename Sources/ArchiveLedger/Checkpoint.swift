import ArchiveCrypto

/// How many leaves there are and the root over them.
///
/// ```
/// mailarc/<archive id>
/// <size>
/// <root, base64>
/// ```
/// - SeeAlso: C2SP tlog-checkpoint
public struct Checkpoint: Hashable, Sendable {
    /// Also the name of the key that signs.
    public var origin: String
    public var size: UInt64
    public var root: MerkleHash

    public init(origin: String, size: UInt64, root: MerkleHash) {
        (self.origin, self.size, self.root) = (origin, size, root)
    }

    /// What is signed: three lines.
    public var body: String { "\(origin)\n\(size)\n\(Base64.encode(root.octets))\n" }

    /// `nil` unless `body` is what ``body`` writes.
    public init?(body: String) {
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 4, !lines[0].isEmpty, let size = UInt64(lines[1]),
            let root = Base64.decode(lines[2]).flatMap({ MerkleHash(octets: $0) })
        else { return nil }
        self.init(origin: String(lines[0]), size: size, root: root)
        guard self.body == body else { return nil }
    }
}

/// A checkpoint with its signatures: the file `log/checkpoint`.
///
/// Ed25519 is deterministic, so the note of a size, root and key is always the same octets.
/// - SeeAlso: C2SP signed-note
public struct CheckpointNote: Hashable, Sendable {
    public let checkpoint: Checkpoint
    /// In the order of the file. Lines of other keys (witnesses) are kept and not judged.
    public let signatures: [Signature]

    public struct Signature: Hashable, Sendable {
        public var name: String
        /// 4 octets: which key of that name.
        public var keyHash: [UInt8]
        /// 64 octets for Ed25519.
        public var octets: [UInt8]
    }

    /// LIMIT: a log's line and those of a hundred witnesses fit.
    public static let maximumOctetCount = 65_536

    /// Signs `checkpoint` under its origin. `seed`: 32 octets.
    public static func sign(_ checkpoint: Checkpoint, seed: [UInt8]) throws(LedgerError) -> CheckpointNote {
        do {
            let publicKey = try Ed25519.publicKey(seed: seed)
            let octets = try Ed25519.sign(Array(checkpoint.body.utf8), seed: seed)
            let hash = keyHash(name: checkpoint.origin, publicKey: publicKey)
            return CheckpointNote(
                checkpoint: checkpoint,
                signatures: [Signature(name: checkpoint.origin, keyHash: hash, octets: octets)])
        } catch {
            throw LedgerError(.wrongSigningKey, "the checkpoint cannot be signed", cause: error)
        }
    }

    /// With the line of another key of the same name behind its own.
    func signedAlso(seed: [UInt8]) throws(LedgerError) -> CheckpointNote {
        let other = try Self.sign(checkpoint, seed: seed)
        return CheckpointNote(checkpoint: checkpoint, signatures: signatures + other.signatures)
    }

    /// Whether the key `publicKey` of the origin signed it: one line of that key, and it verifies.
    public func isSigned(by publicKey: [UInt8]) -> Bool {
        let hash = Self.keyHash(name: checkpoint.origin, publicKey: publicKey)
        let own = signatures.filter { $0.name == checkpoint.origin && $0.keyHash == hash }
        guard own.count == 1 else { return false }
        return Ed25519.verify(own[0].octets, of: Array(checkpoint.body.utf8), publicKey: publicKey)
    }

    /// The first 4 octets of SHA-256(`name` ‖ LF ‖ 01 ‖ `publicKey`).
    public static func keyHash(name: String, publicKey: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(Array(name.utf8) + [0x0A, 0x01] + publicKey)[..<4])
    }
}

extension CheckpointNote {
    public var text: [UInt8] {
        var text = checkpoint.body + "\n"
        for signature in signatures {
            text += "\(Self.dash) \(signature.name) \(Base64.encode(signature.keyHash + signature.octets))\n"
        }
        return Array(text.utf8)
    }

    /// The note that `text` is, or `nil` if it is none or has no signature line. Says nothing of their truth.
    public init?(parsing text: [UInt8]) {
        guard text.count <= Self.maximumOctetCount, let string = String(validating: text, as: UTF8.self),
            !text.contains(where: { $0 < 0x20 && $0 != 0x0A })
        else { return nil }
        let lines = string.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 6, lines[3].isEmpty, lines[lines.count - 1].isEmpty,
            let checkpoint = Checkpoint(body: lines[..<3].joined(separator: "\n") + "\n")
        else { return nil }
        var signatures: [Signature] = []
        for line in lines[4..<(lines.count - 1)] {
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            guard fields.count == 3, fields[0] == Self.dash, !fields[1].isEmpty,
                let octets = Base64.decode(fields[2]), octets.count > 4
            else { return nil }
            signatures.append(
                Signature(name: String(fields[1]), keyHash: Array(octets[..<4]), octets: Array(octets[4...])))
        }
        (self.checkpoint, self.signatures) = (checkpoint, signatures)
        guard self.text == text else { return nil }
    }

    private static let dash = "\u{2014}"
}
