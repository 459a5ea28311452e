public import MailCore

/// A pack that was closed for ever.
public struct SealedPack: Sendable, Hashable {
    public var id: RandomID
    /// SHA-256 of the file, 32 octets; its name.
    public var digest: [UInt8]
    /// The writer's running number, from 1.
    public var sequence: UInt64
    public var octetCount: UInt64
    public var ledgerIndex: UInt64
}

/// An event record that was written again.
public struct RewrittenEvents: Sendable, Hashable {
    public var sequence: UInt64
    public var keyID: RandomID
    public var ledgerIndex: UInt64
}

/// What one commit made durable; everything a catalog needs to follow.
public struct CommittedGroup: Sendable {
    public struct Message: Sendable, Hashable {
        public var keyID: RandomID
        public var octetCount: UInt64
        public var ledgerIndex: UInt64
    }
    /// Parts, recipes and event records, with their places as of before ``sealedPacks``.
    public var blobs: [BlobLocation] = []
    /// In ledger order.
    public var messages: [Message] = []
    /// Of the event record, if there were events.
    public var eventSequence: UInt64?
    public var eventLedgerIndex: UInt64?
    /// Event records that were written again with the sequence they had.
    public var rewrittenEvents: [RewrittenEvents] = []
    /// Seconds since 1970-01-01T00:00:00Z.
    public var time: Int64
    /// Packs that are sealed now: blobs with `.open` of these ids are in `.sealed`.
    public var sealedPacks: [SealedPack] = []
    public var ledgerSize: UInt64 = 0
    /// 32 octets.
    public var ledgerRoot: [UInt8] = []
}
