public import MailCore

/// An X25519 public key that a slot is wrapped for, written as age writes it: `age1…`.
public struct X25519Recipient: Sendable, Hashable, CustomStringConvertible {
    /// 32.
    public let octets: [UInt8]

    public init?(octets: [UInt8]) {
        guard octets.count == 32 else { return nil }
        self.octets = octets
    }

    /// Reads `age1…`; `nil` for anything else.
    public init?(_ text: String) {
        guard let (prefix, octets) = Bech32.decode(text), prefix == "age", text == text.lowercased() else { return nil }
        self.init(octets: octets)
    }

    public var description: String { Bech32.encode(prefix: "age", octets) }
}

/// An X25519 private key, written as age writes it: `AGE-SECRET-KEY-1…`.
public struct X25519Identity: Sendable {
    public let secret: SecretBytes
    public let recipient: X25519Recipient

    /// `octets`: 32.
    public init(octets: [UInt8]) throws(CryptoError) {
        let key = try X25519.publicKey(privateKey: octets)
        guard let recipient = X25519Recipient(octets: key) else { throw CryptoError(.backend, "no public key") }
        (secret, self.recipient) = (SecretBytes(octets), recipient)
    }

    /// Reads `AGE-SECRET-KEY-1…`; `nil` for anything else.
    public init?(_ text: String) {
        guard let (prefix, octets) = Bech32.decode(text), prefix == "age-secret-key-", text == text.uppercased(),
            let identity = try? X25519Identity(octets: octets)
        else { return nil }
        self = identity
    }
}

/// What a key agreement is asked for that happens elsewhere: in a token, an agent, another machine.
public struct AgreementRequest: Sendable, Hashable {
    public var archiveID: RandomID
    public var recipient: X25519Recipient
    /// The slot's ephemeral public key, 32 octets.
    public var ephemeral: [UInt8]
    public var label: String

    public init(archiveID: RandomID, recipient: X25519Recipient, ephemeral: [UInt8], label: String) {
        (self.archiveID, self.recipient, self.ephemeral, self.label) = (archiveID, recipient, ephemeral, label)
    }
}
