/// A mailbox after a run: the server's count beside what the archive holds.
public struct MailboxOutcome: Codable, Sendable {
    public var mailbox: String
    /// Messages the source lists.
    public var server: Int
    /// Of these, in the archive.
    public var archived: Int
    /// Of these, refused with a reason code.
    public var quarantined: Int
    /// Of these, erased here and not taken again.
    public var erased: Int
    public var new: Int
    public var flagChanges: Int
    public var expunged: Int
    public var moved: Int
    /// "renamed from X", "UIDVALIDITY changed, re-paired", …; empty when there is nothing to say.
    public var note: String
    public var isBalanced: Bool { server == archived + quarantined + erased }
}

/// A message that could not be taken.
public struct QuarantineRow: Codable, Sendable {
    public var mailbox: String
    public var uid: UInt32
    /// The code of `Refusal.Reason`.
    public var reason: String
    public var detail: String
}

/// What became of a pull or import.
public struct PullReport: Codable, Sendable {
    public var account: String
    public var mailboxes: [MailboxOutcome]
    public var quarantined: [QuarantineRow]
    /// Whole mailboxes that could not be looked at, as sentences.
    public var problems: [String]
    /// Sentences of what would be done; with `--dry-run` only.
    public var plan: [String]
    public var newMessages: Int
    /// Of the new occurrences, those whose octets the archive already had.
    public var knownContents: Int
    public var octetsFetched: Int
    public var isUnchanged: Bool
    public var isBalanced: Bool
    /// The source broke off; the last of the problems says how.
    public var isInterrupted: Bool
    /// Deleted in the source, each with what proves that the archive has it; of `--delete-source-after`.
    public var deleted: [DeletedRow] = []
}

/// A message that was deleted in the source once it had been read back from the archive.
public struct DeletedRow: Codable, Sendable {
    public var mailbox: String
    public var uidValidity: UInt32
    public var uid: UInt32
    /// The message's id in the archive.
    public var id: String
    /// Of the octets the source gave and the archive gave back, in hexadecimal digits.
    public var sha256: String
    public var octets: Int
    /// The ledger's entry that introduced it.
    public var ledgerIndex: UInt64
}

/// What `account test` saw.
public struct AccountTestReport: Codable, Sendable {
    public var account: String
    public var server: String?
    public var mailboxes: Int
    public var messages: Int
    public var sample: [String]
}
