import ArchiveCompression
public import ArchiveCrypto
public import ArchiveLedger
public import MailCore

/// What opens, or shall open, an archive.
public enum ArchiveSecret: Sendable {
    /// Octets of a passphrase without the line end.
    case passphrase([UInt8])
    /// The key file as it stands.
    case keyFile([UInt8])
    /// Nothing: the archive protects nothing.
    case plain
    /// An X25519 private key: opens the slots of its recipient.
    case identity(X25519Identity)
    /// A key agreement elsewhere: X25519(identity, ephemeral), 32 octets; `nil` if there is no identity for the request.
    case agreement(@Sendable (AgreementRequest) -> [UInt8]?)
    /// For a new slot: whoever has the private key of this recipient.
    case recipient(X25519Recipient)
}

/// A mail archive, open for reading. Several processes may read while one writes.
public final class Archive: Sendable {
    public let path: String
    public let identity: ArchiveIdentity
    package let layout: ArchiveLayout
    package let keys: KeyHierarchy
    let vault: VaultReader
    let dictionaries: DictionarySet

    public var id: RandomID { identity.archive }

    init(
        _ layout: ArchiveLayout, _ identity: ArchiveIdentity, _ keys: KeyHierarchy, access: AnchorAccess
    ) throws(ArchiveError) {
        path = layout.root
        (self.layout, self.identity, self.keys) = (layout, identity, keys)
        vault = try VaultReader(files: VaultFiles(layout: layout, keys: keys, access: access))
        guard let key = vault.root.secrets["dict"] else {
            throw ArchiveError(.damaged, "the vault lacks the secret dict", path: layout.current)
        }
        dictionaries = try DictionarySet.load(layout, archive: identity.archive, key: key)
    }

    /// Opens the archive at `path` with the first of `secrets` that fits a slot; a plain slot needs none.
    ///
    /// - Throws: `.notAnArchive`, `.unsupported`; `.wrongKey` if no slot opens; `.damaged` if a slot opens and was
    ///   changed, or `MAILARC` was; `.anchorUnavailable` if no anchor gives the erasure secret.
    public static func open(
        at path: String, unlocking secrets: [ArchiveSecret], anchors access: AnchorAccess = .local
    ) throws(ArchiveError) -> Archive {
        let layout = ArchiveLayout(path)
        let (identity, file) = try ArchiveIdentity.read(layout)
        let keys = try KeySlots(layout: layout, archive: identity.archive).unlock(secrets)
        guard file.isAuthentic(keys) else {
            throw ArchiveError(.damaged, "MAILARC was changed: its MAC is wrong", path: layout.identity)
        }
        return try Archive(layout, identity, keys, access: access)
    }

    /// The slots of the archive at `path`; needs no secret, and nothing of it is authenticated.
    public static func slots(at path: String) throws(ArchiveError) -> [SlotDescription] {
        let layout = ArchiveLayout(path)
        let (identity, _) = try ArchiveIdentity.read(layout)
        return try KeySlots(layout: layout, archive: identity.archive).descriptions()
    }

    /// The octets of a slot's file; needs no secret.
    public static func slotFile(_ id: String, at path: String) throws(ArchiveError) -> [UInt8] {
        try FileTree.read("\(ArchiveLayout(path).keys)/\(id).slot", limit: 65_536)
    }

    public func slots() throws(ArchiveError) -> [SlotDescription] {
        try KeySlots(layout: layout, archive: id).descriptions()
    }

    /// True when a slot without secret opens the archive.
    public func isPlain() throws(ArchiveError) -> Bool { try slots().contains { $0.kind == "plain" } }

    /// The key of the catalog databases, 32 octets.
    public func catalogKey() throws(ArchiveError) -> [UInt8] { try secret("catalog") }
    /// The key of the state database, 32 octets.
    public func stateKey() throws(ArchiveError) -> [UInt8] { try secret("state") }

    /// The database id of the encrypting VFS for `fileName`, 16 octets (ArchiveFormat.md §11).
    public func databaseID(fileName: String) -> [UInt8] {
        let octets = Array("mailarc/1/database\0".utf8) + id.octets + Array(fileName.utf8)
        return Array(SHA256.hash(octets).prefix(16))
    }

    /// Directories for databases.
    public var catalogDirectory: String { layout.catalog }
    public var stateDirectory: String { layout.state }

    /// The id of content by its SHA-256; what a catalog looks contents up by.
    public func contentID(kind: BlobKind, digest: ContentDigest) -> [UInt8] {
        keys.contentID(kind: kind.rawValue, digest: digest.octets)
    }

    package func secret(_ name: String) throws(ArchiveError) -> [UInt8] {
        guard let value = vault.root.secrets[name] else {
            throw ArchiveError(.damaged, "the vault lacks the secret \(name)", path: layout.current)
        }
        return value
    }

    /// The ledger as it is now, for reading.
    public func ledger() throws(ArchiveError) -> Ledger { try openLedger() }

    var bundleKey: BundleKey { BundleKey(key: keys.meta, archive: id, codec: .archive) }

    func openLedger() throws(ArchiveError) -> Ledger {
        let logKeys = try logKeys()
        do {
            return try Ledger.open(
                directory: layout.log, origin: identity.origin, keys: logKeys, bundleKey: bundleKey)
        } catch { throw ArchiveError(error, layout) }
    }
}

extension ArchiveError {
    init(_ error: LedgerError, _ layout: ArchiveLayout) {
        let kind: ArchiveError.Kind =
            switch error.kind {
            case .ioFailed: .ioFailed
            case .damaged, .authenticationFailed, .conflict, .gap, .diverged: .damaged
            case .invalidLeaf, .outOfRange, .keyMissing, .wrongSigningKey: .internalError
            }
        self.init(kind, "the ledger: \(error.message)", path: error.path.map { "\(layout.log)/\($0)" }, cause: error)
    }
}

extension BundleCodec {
    /// Raw deflate by ArchiveCompression.
    static var archive: BundleCodec {
        BundleCodec { octets in
            var output: [UInt8] = []
            let isSmaller = try? Compressor().compress(octets[...], method: .deflate, level: 6, into: &output)
            return isSmaller == true ? output : nil
        } inflate: { octets, count in
            var output: [UInt8] = []
            guard
                (try? Decompressor().decompress(octets[...], method: .deflate, rawOctetCount: count, into: &output))
                    != nil
            else { return nil }
            return output
        }
    }
}

extension Archive {
    /// The secret without which today's vault does not open: what a recovery kit holds, until the next erasure.
    public func erasureSecret() throws(ArchiveError) -> ErasureSecret {
        let epoch = try vault.files.pointer().epoch
        return ErasureSecret(
            epoch: epoch, secret: try vault.files.secrets.secret(epoch: epoch), archive: id.description)
    }

    /// Where the erasure secret is kept, and what of it is still to be destroyed.
    package func anchors() throws(ArchiveError) -> AnchorList { try vault.files.secrets.list() }

    /// The anchor `entry` names.
    package func anchor(_ entry: AnchorEntry) throws(ArchiveError) -> any Anchor {
        try vault.files.secrets.anchor(entry)
    }
}
