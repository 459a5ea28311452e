import ArchiveCrypto
import MailCore

extension LeafCommitment {
    static let prefix = "hmac-sha256:"

    var lines: [Leaf.Line] {
        [.init("commit", Self.prefix + commit.description), .init("keyid", "\(keyID)"), .init("size", "\(size)")]
    }

    /// HMAC-SHA-256(`salt`, "sha256 <hex>\n"), suite 1: what the `commit` line of a blob with that digest says.
    /// - Parameter salt: 32 octets, from the blob's DEK; dies with it.
    public static func digest(salt: [UInt8], sha256: [UInt8]) -> MerkleHash {
        MerkleHash(unchecked: HMAC.sha256(key: salt, Array("sha256 \(sha256.hex)\n".utf8)))
    }
}
