public import MailCore

/// Everything one commit group adds; applied in one transaction.
public struct CatalogGroup: Sendable {
    public var packs: [PackRow]
    public var blobs: [BlobRow]
    public var messages: [CatalogEntry]
    /// Ascending by sequence.
    public var events: [EventRecord]
    /// The ledger's size and root after this group.
    public var ledger: LedgerState?

    public init(
        packs: [PackRow] = [], blobs: [BlobRow] = [], messages: [CatalogEntry] = [], events: [EventRecord] = [],
        ledger: LedgerState? = nil
    ) {
        (self.packs, self.blobs, self.messages) = (packs, blobs, messages)
        (self.events, self.ledger) = (events, ledger)
    }
}

/// A pack, open or sealed.
public struct PackRow: Sendable, Hashable {
    public var id: RandomID
    /// The name of the sealed pack, 32 octets; `nil` while it is open.
    public var digest: [UInt8]?
    public var octetCount: UInt64

    public init(id: RandomID, digest: [UInt8]? = nil, octetCount: UInt64) {
        (self.id, self.digest, self.octetCount) = (id, digest, octetCount)
    }
}

/// Where one blob is and how it is stored.
public struct BlobRow: Sendable, Hashable {
    /// The keyed content id, 32 octets; `nil` for kinds that are not de-duplicated.
    public var contentID: [UInt8]?
    public var keyID: RandomID
    public var pack: RandomID
    public var offset: UInt64
    public var storedOctetCount: UInt64
    public var rawOctetCount: UInt64
    public var kind: UInt8
    public var codec: UInt8
    public var dictionary: UInt16
    public var chunkLog2: UInt8
    public var vaultShard: UInt32
    public var vaultSlot: UInt32

    public init(
        contentID: [UInt8]?, keyID: RandomID, pack: RandomID, offset: UInt64, storedOctetCount: UInt64,
        rawOctetCount: UInt64, kind: UInt8, codec: UInt8 = 0, dictionary: UInt16 = 0, chunkLog2: UInt8 = 20,
        vaultShard: UInt32 = 0, vaultSlot: UInt32 = 0
    ) {
        (self.contentID, self.keyID, self.pack, self.offset) = (contentID, keyID, pack, offset)
        (self.storedOctetCount, self.rawOctetCount, self.kind) = (storedOctetCount, rawOctetCount, kind)
        (self.codec, self.dictionary, self.chunkLog2) = (codec, dictionary, chunkLog2)
        (self.vaultShard, self.vaultSlot) = (vaultShard, vaultSlot)
    }
}

/// One message: what list, search and show need of it.
public struct CatalogEntry: Sendable, Hashable {
    /// The key id of the message's blob.
    public var keyID: RandomID
    /// The ledger leaf that introduced it; unique.
    public var leafIndex: UInt64
    public var octetCount: UInt64
    /// Seconds since 1970: the Date field, or the best there is. Searches and orders go by it.
    public var date: Int64
    /// Without angle brackets.
    public var messageID: String?
    public var subject: String
    /// As people read them: `Anna <anna@example.org>`, separated by `, `.
    public var from: String
    public var to: String
    public var cc: String
    /// Seconds since 1970.
    public var archivedAt: Int64
    public var fidelity: Fidelity
    public var defectCount: Int
    public var attachmentCount: Int
    /// Key ids of the blobs its recipe refers to, in order, and those of its text.
    public var references: [RandomID]

    public init(
        keyID: RandomID, leafIndex: UInt64, octetCount: UInt64, date: Int64, messageID: String? = nil,
        subject: String = "", from: String = "", to: String = "", cc: String = "", archivedAt: Int64,
        fidelity: Fidelity = .exact, defectCount: Int = 0, attachmentCount: Int = 0, references: [RandomID] = [],
        text: IndexedText? = nil
    ) {
        (self.keyID, self.leafIndex, self.octetCount, self.date) = (keyID, leafIndex, octetCount, date)
        (self.messageID, self.subject, self.from, self.to, self.cc) = (messageID, subject, from, to, cc)
        (self.archivedAt, self.fidelity) = (archivedAt, fidelity)
        (self.defectCount, self.attachmentCount) = (defectCount, attachmentCount)
        (self.references, self.text) = (references, text)
    }

    /// Only on the way in; entries read back have `nil`.
    public var text: IndexedText?
}

/// The words by which a message is found; stored only as an index.
public struct IndexedText: Sendable, Hashable {
    public var subject: String
    public var from: String
    public var to: String
    /// Cc and Bcc.
    public var cc: String
    public var body: String
    /// Text inside attachments.
    public var attachment: String
    public var fileNames: String

    public init(
        subject: String = "", from: String = "", to: String = "", cc: String = "", body: String = "",
        attachment: String = "", fileNames: String = ""
    ) {
        (self.subject, self.from, self.to, self.cc) = (subject, from, to, cc)
        (self.body, self.attachment, self.fileNames) = (body, attachment, fileNames)
    }
}

/// One event record: facts seen together.
public struct EventRecord: Sendable, Hashable {
    /// Counts over the archive, ascending; gaps are those of erased records.
    public var sequence: UInt64
    /// Seconds since 1970.
    public var time: Int64
    public var events: [OccurrenceEvent]
    /// The blob the record is in, and the ledger leaf that introduced it; of several records with one sequence the one
    /// of the highest leaf counts.
    public var blob: Blob?

    public struct Blob: Sendable, Hashable {
        public var keyID: RandomID
        public var leafIndex: UInt64

        public init(keyID: RandomID, leafIndex: UInt64) { (self.keyID, self.leafIndex) = (keyID, leafIndex) }
    }

    public init(sequence: UInt64, time: Int64, events: [OccurrenceEvent], blob: Blob? = nil) {
        (self.sequence, self.time, self.events, self.blob) = (sequence, time, events, blob)
    }
}

/// What of the ledger the catalog reflects.
public struct LedgerState: Sendable, Hashable {
    public var size: UInt64
    /// 32 octets.
    public var root: [UInt8]

    public init(size: UInt64, root: [UInt8]) { (self.size, self.root) = (size, root) }
}
