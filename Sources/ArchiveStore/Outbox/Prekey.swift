import ArchiveCrypto
package import MailCore

/// What a write-only host seals to for a while; the private half is in the archive's vault and nowhere else.
package struct Prekey: Sendable, Hashable {
    package var id: RandomID
    /// Seconds since 1970.
    package var begins: Int64
    package var ends: Int64
    /// X25519, 32 octets.
    package var publicKey: [UInt8]

    /// LIMIT: how long one is used; what is sealed to it dies with it.
    package static let lifetime: Int64 = 7 * 86_400

    package init(id: RandomID, begins: Int64, publicKey: [UInt8]) {
        (self.id, self.begins, ends, self.publicKey) = (id, begins, begins + Self.lifetime, publicKey)
    }

    /// Of a line `<id> <begins> <ends> <public key, base64>`.
    init(parsing line: String) throws(CryptoError) {
        let words = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 4, let id = RandomID(hex: words[0]), let begins = Int64(words[1]),
            let ends = Int64(words[2]), begins < ends, let key = Base64.decode(words[3]), key.count == 32
        else { throw CryptoError(.malformed, "a line of a prekey is malformed") }
        (self.id, self.begins, self.ends, publicKey) = (id, begins, ends, key)
    }

    var line: String { "\(id) \(begins) \(ends) \(Base64.encode(publicKey))" }

    /// Where the vault keeps the private half.
    var secretName: String { "prekey.\(id)" }

    /// The key of one segment, from either half of the agreement (ArchiveFormat.md §17).
    static func segmentKey(sharedSecret: [UInt8], ephemeral: [UInt8], prekey: [UInt8]) -> [UInt8] {
        HKDF.derive(
            inputKey: sharedSecret, salt: ephemeral + prekey, info: Array("mailarc/1/segment".utf8), count: 32)
    }
}
