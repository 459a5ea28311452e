public import MailCore

/// The long-lived keys of an archive, all derived from its root key (ArchiveFormat.md §4).
public struct KeyHierarchy: Sendable {
    public let archiveID: RandomID
    /// 32 octets; what slots wrap.
    public let rootKey: [UInt8]
    /// Journal and ledger entry bundles.
    public let meta: [UInt8]
    /// Content ids.
    public let contentID: [UInt8]
    /// MAC over text files.
    public let slot: [UInt8]
    private let vault: [UInt8]

    public init(rootKey: [UInt8], archiveID: RandomID) {
        precondition(rootKey.count == 32)
        func derive(_ label: String) -> [UInt8] {
            HKDF.derive(
                inputKey: rootKey, salt: archiveID.octets, info: Array("mailarc/1/\(label)".utf8), count: 32)
        }
        (self.rootKey, self.archiveID) = (rootKey, archiveID)
        (meta, contentID, slot, vault) = (derive("meta"), derive("id"), derive("slot"), derive("vault"))
    }

    /// The key of a pack's footer.
    /// - Parameter writerID: 8 octets.
    public func footerKey(writerID: [UInt8], packID: RandomID) -> [UInt8] {
        let writer = HKDF.derive(
            inputKey: rootKey, salt: archiveID.octets, info: Array("mailarc/1/writer/\(writerID.hex)".utf8), count: 32)
        return HKDF.derive(
            inputKey: writer, salt: packID.octets, info: Array("mailarc/1/footer".utf8), count: 32)
    }

    /// The key of the vault root in `epoch`, under that epoch's erasure secret.
    public func vaultRootKey(erasureSecret: [UInt8], epoch: UInt32) -> [UInt8] {
        let info = Array("mailarc/1/vault-root".utf8) + (0..<4).map { UInt8(epoch >> (24 - 8 * $0) & 0xFF) }
        return HKDF.derive(inputKey: vault + erasureSecret, salt: archiveID.octets, info: info, count: 32)
    }

    /// The id of content by its keyed digest: 32 octets.
    /// - Parameter digest: SHA-256 of the octets.
    public func contentID(kind: UInt8, digest: [UInt8]) -> [UInt8] {
        HMAC.sha256(key: contentID, [kind] + digest)
    }

    /// The last line of a text file, without its LF.
    public func macLine(over text: [UInt8]) -> [UInt8] { HMAC.sha256(key: slot, text) }
}

/// The keys of one blob, from its DEK (ArchiveFormat.md §4).
public struct BlobKeys: Sendable {
    /// Seals the chunks.
    public let blob: [UInt8]
    /// Hides the content id in footers.
    public let sealedID: [UInt8]
    /// Salt of the ledger commitment.
    public let salt: [UInt8]

    public init(dek: [UInt8], keyID: RandomID) {
        precondition(dek.count == 32)
        let keys = HKDF.expand(dek, info: Array("mailarc/1/dek".utf8) + keyID.octets, count: 128)
        (blob, sealedID, salt) = (Array(keys[0..<32]), Array(keys[64..<96]), Array(keys[96..<128]))
    }

    /// Content id to sealed content id and back.
    public func masked(_ contentID: [UInt8]) -> [UInt8] { zip(contentID, sealedID).map { $0 ^ $1 } }
}
