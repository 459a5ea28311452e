import MailCore

/// What an erasure would take away; nothing has happened.
public struct ErasurePlanReport: Codable, Sendable {
    public struct Place: Codable, Sendable {
        public var account: String
        public var mailbox: String
        public var occurrences: Int
        /// Nothing else was ever in it: its name goes, too.
        public var goes: Bool
    }

    public var messages: Int
    /// Of the messages.
    public var octets: Int
    /// Occurrences, ended ones included.
    public var occurrences: Int
    public var mailboxes: [Place]
    /// Attachments and bodies no other message has.
    public var dyingParts: Int
    /// Attachments and bodies that stay because another message has them, too.
    public var sharedParts: Int
    /// Event records that are written again without these messages, or go.
    public var eventRecords: Int
    /// Stored octets without a key afterwards: what compaction gives back.
    public var deadOctets: Int
    /// Occurrences a mail server held when it was last looked at.
    public var onServer: Int
    /// Names of the places outside the archive that hold its erasure secret; empty: it lies inside.
    public var anchors: [String]
    /// The first messages, newest first.
    public var sample: [MessageRow]
}

/// What is retained for good now.
public struct RetainReport: Codable, Sendable {
    public var messages = 0
    /// Occurrences that had an end.
    public var occurrences = 0
}

/// The messages an erasure is about.
public struct ErasureSelection: Sendable {
    public let report: ErasurePlanReport
    let messages: [RandomID]
}

/// What an erasure did.
public struct ErasureReport: Codable, Sendable {
    public var plan: ErasurePlanReport
    public var basis: String
    /// The ledger leaf that says it was intended.
    public var intent: UInt64
    /// The vault's epoch since.
    public var epoch: UInt32
    /// Keys that went: of messages, parts and event records.
    public var keys: Int
    /// What each anchor said of the old secret's destruction.
    public var anchors: [String]
    /// No tombstones were left: the next pull takes again what is still on the server.
    public var isForgotten: Bool
    /// An anchor could not be reached: the messages are hidden, and their keys go with the next command that reaches it.
    public var isPending: Bool
    /// Why it is pending.
    public var reason: String?
    /// Write-only hosts whose latest segments still open with the archive's keys, for who has a copy of them.
    public var writerHosts: [WriterHostRow]
}
