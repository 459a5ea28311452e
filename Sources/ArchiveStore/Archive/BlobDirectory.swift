public import MailCore

/// Which pack a blob is in.
public enum PackPlace: Sendable, Hashable {
    /// Still being written: `open/<pack id>.pk`.
    case open(RandomID)
    /// `packs/<aa>/<digest>`; `digest` is the SHA-256 of the file, 32 octets.
    case sealed(RandomID, digest: [UInt8])

    public var id: RandomID {
        switch self {
        case .open(let id), .sealed(let id, _): id
        }
    }

    /// Where the file is, relative to the archive.
    public var relativePath: String {
        switch self {
        case .open(let id): "open/\(id).pk"
        case .sealed(_, let digest): "packs/\(digest.hex.prefix(2))/\(digest.hex)"
        }
    }
}

/// All there is to know to read one blob: its footer entry, its pack, and where its key is.
///
/// A catalog keeps these; they can always be had again from the packs and the vault (``ArchiveContents``).
public struct BlobLocation: Sendable, Hashable {
    public var keyID: RandomID
    public var kind: BlobKind
    public var pack: PackPlace
    /// Octets from the start of the pack.
    public var offset: UInt64
    public var storedLength: UInt64
    public var rawLength: UInt64
    public var dictionary: UInt16
    /// CRC-32C of the stored octets.
    public var checksum: UInt32
    /// 32 octets; for a recipe that of the message it rebuilds. Secret: it confirms guesses.
    public var contentID: [UInt8]
    public var ledgerIndex: UInt64
    public var vaultShard: UInt32
    public var vaultSlot: UInt32

    public init(
        keyID: RandomID, kind: BlobKind, pack: PackPlace, offset: UInt64, storedLength: UInt64, rawLength: UInt64,
        dictionary: UInt16, checksum: UInt32, contentID: [UInt8], ledgerIndex: UInt64, vaultShard: UInt32,
        vaultSlot: UInt32
    ) {
        (self.keyID, self.kind, self.pack, self.offset) = (keyID, kind, pack, offset)
        (self.storedLength, self.rawLength, self.dictionary) = (storedLength, rawLength, dictionary)
        (self.checksum, self.contentID, self.ledgerIndex) = (checksum, contentID, ledgerIndex)
        (self.vaultShard, self.vaultSlot) = (vaultShard, vaultSlot)
    }
}

/// A content the archive has already.
public struct KnownContent: Sendable, Hashable {
    public var keyID: RandomID
    public var rawLength: UInt64

    public init(keyID: RandomID, rawLength: UInt64) { (self.keyID, self.rawLength) = (keyID, rawLength) }
}

/// Finds blobs: what the archive needs of a catalog. Calls may come from several tasks at once.
///
/// Must know every committed blob except those of the last ``CommittedGroup`` (which the writer remembers itself until
/// the next commit).
public protocol BlobDirectory: Sendable {
    /// The blob with this content id, if there is one; of several any.
    func blob(contentID: [UInt8]) throws -> KnownContent?
    func location(keyID: RandomID) throws -> BlobLocation?
}

extension BlobDirectory {
    func known(_ contentID: [UInt8]) throws(ArchiveError) -> KnownContent? {
        do { return try blob(contentID: contentID) } catch {
            throw ArchiveError(.directoryFailed, "the blob directory cannot be read", cause: error)
        }
    }

    func find(_ keyID: RandomID) throws(ArchiveError) -> BlobLocation {
        do {
            if let location = try location(keyID: keyID) { return location }
        } catch {
            throw ArchiveError(.directoryFailed, "the blob directory cannot be read", cause: error)
        }
        throw ArchiveError(.missing, "no blob has the key id \(keyID)")
    }
}
