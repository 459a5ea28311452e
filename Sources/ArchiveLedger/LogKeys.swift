import ArchiveCrypto

/// The keys that sign a log's checkpoints: the present one, and those before it with the size up to which each signed.
///
/// A key's last checkpoint, over the leaf that names the next key, is signed by both.
public struct LogKeys: Hashable, Sendable {
    /// A key that signs no more.
    public struct Former: Hashable, Sendable {
        /// 32 octets.
        public var key: [UInt8]
        /// The size of the last tree it signed: that with the leaf that names ``next``.
        public var lastSize: UInt64
        /// The key after it, 32 octets.
        public var next: [UInt8]
        /// By ``key``, over ``message(origin:lastSize:next:)``; 64 octets.
        public var signature: [UInt8]

        public init(key: [UInt8], lastSize: UInt64, next: [UInt8], signature: [UInt8]) {
            (self.key, self.lastSize, self.next, self.signature) = (key, lastSize, next, signature)
        }

        /// Hands the log over from the key of `seed` to the key `next`.
        public init(seed: [UInt8], origin: String, lastSize: UInt64, next: [UInt8]) throws(LedgerError) {
            do {
                key = try Ed25519.publicKey(seed: seed)
                signature = try Ed25519.sign(
                    Self.message(origin: origin, lastSize: lastSize, next: next), seed: seed)
            } catch { throw LedgerError(.wrongSigningKey, "the log key cannot be handed over", cause: error) }
            (self.lastSize, self.next) = (lastSize, next)
        }

        /// What the old key signs, so that whoever trusts it needs nothing else to trust the next one.
        public static func message(origin: String, lastSize: UInt64, next: [UInt8]) -> [UInt8] {
            Array("mailarc/1/log-key\n\(origin)\n\(lastSize)\n\(Base64.encode(next))\n".utf8)
        }

        public func isSigned(origin: String) -> Bool {
            Ed25519.verify(
                signature, of: Self.message(origin: origin, lastSize: lastSize, next: next), publicKey: key)
        }
    }

    /// Signs every tree of at least the last former key's last size; 32 octets.
    public var current: [UInt8]
    /// In the order in which they signed.
    public var former: [Former]

    public init(current: [UInt8], former: [Former] = []) { (self.current, self.former) = (current, former) }

    /// Whether a key signed the note that may sign trees of its size.
    public func areBehind(_ note: CheckpointNote) -> Bool {
        let size = note.checkpoint.size
        if size >= former.last?.lastSize ?? 0, note.isSigned(by: current) { return true }
        var first: UInt64 = 0
        for key in former {
            if (first...key.lastSize).contains(size), note.isSigned(by: key.key) { return true }
            first = key.lastSize
        }
        return false
    }

    /// What is wrong with the chain from the first key to ``current``; `nil` if every key was handed over to the next.
    public func defect(origin: String) -> String? {
        var size: UInt64 = 0
        for (index, key) in former.enumerated() {
            // A writer that died between two steps leaves the last key in both places.
            let isLast = index + 1 == former.count
            let next = isLast ? (key.key == current ? key.next : current) : former[index + 1].key
            if key.lastSize <= size { return "the sizes up to which the keys signed do not ascend" }
            if key.next != next { return "a log key was handed over to another key than the one after it" }
            if !key.isSigned(origin: origin) { return "a log key was not handed over by the key before it" }
            size = key.lastSize
        }
        return nil
    }
}
