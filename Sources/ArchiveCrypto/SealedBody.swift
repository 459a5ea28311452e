import MailCore

/// Bodies sealed behind a file header, and the frames of an open shard (ArchiveFormat.md §6.1, §6.3).
public enum SealedBody {
    /// `header ‖ nonce ‖ ciphertext ‖ tag`: vault root, shard, dictionary.
    public static func seal(
        _ body: [UInt8], header: [UInt8], key: [UInt8], random: RandomSource = .system
    ) throws(CryptoError) -> [UInt8] {
        header + (try XAES256GCM.seal(body, key: key, aad: fileAAD(header), random: random))
    }

    /// The body of a file made by ``seal(_:header:key:random:)``, whose header has `headerCount` octets.
    public static func open(_ file: [UInt8], headerCount: Int = 64, key: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard file.count > headerCount else { throw CryptoError(.malformed, "shorter than its header") }
        return try XAES256GCM.open(
            Array(file[headerCount...]), key: key, aad: fileAAD(Array(file[..<headerCount])))
    }

    /// `le32 record count ‖ nonce ‖ ciphertext ‖ tag`: frame `number` of an open shard.
    public static func sealFrame(
        _ records: [VaultRecord], number: UInt64, header: [UInt8], key: [UInt8], random: RandomSource = .system
    ) throws(CryptoError) -> [UInt8] {
        let body = records.flatMap(\.octets)
        return littleEndian(UInt32(records.count))
            + (try XAES256GCM.seal(body, key: key, aad: frameAAD(header, number), random: random))
    }

    /// The frame that starts `octets` and its length; `nil` for a torn or failing one.
    public static func openFrame(
        _ octets: ArraySlice<UInt8>, number: UInt64, header: [UInt8], key: [UInt8]
    ) -> (records: [VaultRecord], octetCount: Int)? {
        guard octets.count >= 4 else { return nil }
        let count = Int(UInt32(littleEndian: octets.prefix(4)))
        guard count <= VaultRecord.shardCapacity else { return nil }
        let length = 4 + XAES256GCM.nonceCount + count * VaultRecord.octetCount + AESGCM.tagCount
        guard octets.count >= length else { return nil }
        let sealed = Array(octets.prefix(length).dropFirst(4))
        guard let body = try? XAES256GCM.open(sealed, key: key, aad: frameAAD(header, number)),
            let records = VaultRecord.parse(body)
        else { return nil }
        return (records, length)
    }

    private static func fileAAD(_ header: [UInt8]) -> [UInt8] { Array("mailarc/1/file\0".utf8) + header }

    private static func frameAAD(_ header: [UInt8], _ number: UInt64) -> [UInt8] {
        Array("mailarc/1/vault-open\0".utf8) + header + littleEndian(number)
    }
}

/// The secret without which the vault root does not open: `keys/erasure`, and every anchor (ArchiveFormat.md §6.4).
public struct ErasureSecret: Sendable {
    public var epoch: UInt32
    /// 32 octets.
    public var secret: [UInt8]
    public var archive: String

    public init(epoch: UInt32, secret: [UInt8], archive: String) {
        (self.epoch, self.secret, self.archive) = (epoch, secret, archive)
    }

    public init(parsing octets: [UInt8]) throws(CryptoError) {
        let file = try TextFile(parsing: octets, type: "mailarc-erasure/1")
        self.init(
            epoch: try file.number("epoch"), secret: try file.base64("secret", count: 32),
            archive: try file.hex("archive", count: 16).hex)
    }

    public var octets: [UInt8] {
        var file = TextFile(type: "mailarc-erasure/1")
        file.append("archive", archive)
        file.append("epoch", String(epoch))
        file.append("secret", Base64.encode(secret))
        return file.octets
    }
}

/// Which root is the vault's: `vault/CURRENT`.
public struct VaultPointer: Sendable, Hashable {
    public var epoch: UInt32
    public var revision: UInt32
    /// SHA-256 of the root file, hex.
    public var rootDigest: String

    public init(epoch: UInt32, revision: UInt32, rootDigest: String) {
        (self.epoch, self.revision, self.rootDigest) = (epoch, revision, rootDigest)
    }

    public init(parsing octets: [UInt8]) throws(CryptoError) {
        let file = try TextFile(parsing: octets, type: "mailarc-vault/1")
        self.init(
            epoch: try file.number("epoch"), revision: try file.number("rev"),
            rootDigest: try file.hex("root", count: 32).hex)
    }

    public var octets: [UInt8] {
        var file = TextFile(type: "mailarc-vault/1")
        file.append("epoch", String(epoch))
        file.append("rev", String(revision))
        file.append("root", rootDigest)
        return file.octets
    }
}
