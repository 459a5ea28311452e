import ArchiveCrypto
import MailCore
import Synchronization

/// A pack that is being written: one lane appends, the writer syncs and seals it.
final class PackFile: Sendable {
    let file: SystemFile
    let header: PackHeader
    private let durable: Mutex<UInt64>
    private let written: Mutex<UInt64>
    private let blobs: Mutex<Int>
    private let prefix = Mutex<PackPrefix?>(nil)

    var id: RandomID { header.pack }

    /// - Parameter blobCount: of those within `durableLength`.
    init(file: SystemFile, header: PackHeader, durableLength: UInt64, blobCount: Int) {
        (self.file, self.header) = (file, header)
        durable = Mutex(durableLength)
        written = Mutex(durableLength)
        blobs = Mutex(blobCount)
    }

    /// Digests everything written, so that whoever seals the pack need not; called when no lane writes to it any more.
    func digestPrefix() throws(ArchiveError) {
        let digested = try PackPrefix(of: file, length: writtenLength)
        prefix.withLock { $0 = digested }
    }

    /// SHA-256 of the first `length` octets, to go on with.
    func prefixHash(length: UInt64) throws(ArchiveError) -> SHA256 {
        if let digested = prefix.withLock({ $0 }), digested.length == length { return digested.hash }
        return try PackPrefix(of: file, length: length).hash
    }

    /// Blobs in it, committed or not.
    var blobCount: Int { blobs.withLock { $0 } }

    func addBlobs(_ count: Int) { blobs.withLock { $0 += count } }

    /// The end of the last whole message or record, committed or not: where the next lane goes on.
    var writtenLength: UInt64 {
        get { written.withLock { $0 } }
        set { written.withLock { $0 = newValue } }
    }

    /// What the journal says is there, or will say with the frame being made.
    var durableLength: UInt64 {
        get { durable.withLock { $0 } }
        set { durable.withLock { $0 = newValue } }
    }
}

/// The digest of the beginning of a pack.
private final class PackPrefix: @unchecked Sendable {
    // SAFETY: nothing changes after `init`; whoever goes on does so with a copy.
    let length: UInt64
    private let state: SHA256

    /// Reads the first `length` octets of `file`.
    init(of file: SystemFile, length: UInt64) throws(ArchiveError) {
        var hash = SHA256()
        var at: UInt64 = 0
        while at < length {
            let octets = try file.read(Int(min(1 << 18, length - at)), at: at)
            hash.update(octets.span)
            at += UInt64(octets.count)
        }
        self.length = length
        state = hash
    }

    var hash: SHA256 { state.copy() }
}

/// A blob that lies in a pack and is not yet in a journal frame.
struct NewBlob: Sendable {
    let keyID: RandomID
    let secret: [UInt8]
    let kind: BlobKind
    let packID: RandomID
    let offset: UInt64
    let storedLength: UInt64
    let rawLength: UInt64
    let dictionary: UInt16
    let checksum: UInt32
    let contentID: [UInt8]
    let sealedContentID: [UInt8]

    func entry(ledgerIndex: UInt64) -> FooterEntry {
        FooterEntry(
            keyID: keyID, offset: offset, storedLength: storedLength, rawLength: rawLength, kind: kind,
            dictionary: dictionary, checksum: checksum, sealedContentID: sealedContentID, ledgerIndex: ledgerIndex)
    }
}

/// A message that is whole in its lane's pack and waits for the next commit.
struct NewMessage: Sendable {
    let keyID: RandomID
    /// The commitment's salt and the digest it opens to.
    let salt: [UInt8]
    let digest: [UInt8]
    let octetCount: UInt64
    /// Parts first, the recipe last.
    let blobs: [NewBlob]
    let pack: PackFile
    let packEnd: UInt64
}
