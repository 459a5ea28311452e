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

    var id: RandomID { header.pack }

    /// - Parameter blobCount: of those within `durableLength`.
    init(file: SystemFile, header: PackHeader, durableLength: UInt64, blobCount: Int) {
        (self.file, self.header) = (file, header)
        durable = Mutex(durableLength)
        written = Mutex(durableLength)
        blobs = Mutex(blobCount)
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
