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
    /// Where in the source it is; of imports, where that is known.
    public var place: String?
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
    /// Names given with `--mailbox` that no mailbox of the account has.
    public var unmatched: [String] = []
    /// Deleted in the source, each with what proves that the archive has it; of `--delete-source-after`.
    public var deleted: [DeletedRow] = []
    /// What else was found; of imports.
    public var source: ImportFacts?
}

/// What an import found besides its counts.
public struct ImportFacts: Codable, Sendable {
    public var kind: ImportSource.Kind
    /// The dialect of each mbox that was read.
    public var dialects: [DialectRow] = []
    /// Files that hold no mail; `nil` where nobody counts them.
    public var otherFiles: Int?
    /// Of the new messages, those that are octet for octet what the source holds.
    public var exact = 0
    /// Of the new messages, those whose quoting of From_ lines was undone.
    public var unescaped = 0
    /// Of the new messages, those that were put together from pieces.
    public var reconstructed = 0
    /// What should be known of how it was read.
    public var notes: [String] = []

    /// How one mbox tells messages apart.
    public struct DialectRow: Codable, Sendable {
        public var mailbox: String
        /// `mboxo`, `mboxrd`, `mboxcl`, `mboxcl2`.
        public var dialect: String
    }
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
    /// What the server says it can do, in its own words.
    public var offers: [String]?
    /// What of that is used, and what it means.
    public var uses: [String]?
    /// What the server offers for the login, and what of it was taken (`LOGIN`, `USER`: the protocol's own).
    public var mechanisms: [String]?
    public var mechanism: String?
    /// Of an OAuth account.
    public var token: TokenReport?
}
