/// What became of `init`.
public struct CreationReport: Codable, Sendable {
    public var archive: String
    public var path: String
    public var slot: String
    public var isPlain: Bool
}

/// One way to the archive's root key.
public struct KeyRow: Codable, Sendable {
    /// SHA-256 of the slot file, 64 hex digits.
    public var id: String
    /// `scrypt`, `keyfile`, `plain`, `x25519`; `unknown` (of a later version) and `damaged` open nothing here.
    public var type: String
    public var label: String
    public var created: String
    /// Whom an `x25519` key is for: `age1…`.
    public var recipient: String?
}

/// What `key rotate --slot` did, or would do.
public struct KeyRotation: Codable, Sendable {
    public var removed: KeyRow
    /// `nil` of a dry run.
    public var added: KeyRow?
}

/// A key slot's file, for safe-keeping.
public struct SlotExport: Codable, Sendable {
    public var key: KeyRow
    /// Below the archive: `keys/<id>.slot`.
    public var path: String
    /// The file, as it stands.
    public var text: String
}

/// A public key of the log.
public struct LogKeyRow: Codable, Sendable {
    /// SHA-256 of the key's 32 octets, 64 hex digits.
    public var fingerprint: String
    /// The key, 32 octets, base64.
    public var key: String
    /// The smallest tree it signs, or signed.
    public var firstSize: UInt64
    /// The largest one; `nil` of the present key.
    public var lastSize: UInt64?
    /// SubjectPublicKeyInfo in PEM, for `openssl pkeyutl -verify`.
    public var pem: String
    /// By this key over ``handoverText``, base64; `nil` of the present key.
    public var handover: String?
    /// What the key signed to name the next one.
    public var handoverText: String?
}

/// The keys behind the log's checkpoints, in the order they signed; the last one signs now.
public struct LogKeysReport: Codable, Sendable {
    public var origin: String
    public var keys: [LogKeyRow]
}
