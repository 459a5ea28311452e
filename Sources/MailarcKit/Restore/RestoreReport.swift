/// What to restore, to where, and how.
public struct RestoreOptions: Sendable {
    public var query: String
    /// Seconds since 1970: the archive as it was; `nil` for now.
    public var moment: Int64?
    /// A mailbox of the account below which everything goes.
    public var prefix = ""
    /// Mailboxes that go to other names, with what lies below them.
    public var map: [(from: String, to: String)] = []
    public var usesSpecialUse = true
    public var restoresFlags = true
    public var subscribes = true
    /// Everything is read back and compared.
    public var verifies = false
    public var isDryRun = false

    public init(query: String) { self.query = query }
}

/// What became of one mailbox of the account.
public struct RestoredMailbox: Codable, Sendable {
    /// Of the account.
    public var mailbox: String
    /// Of the archive, `account:mailbox`.
    public var from: [String]
    public var isCreated = false
    /// Messages the archive has for it.
    public var wanted = 0
    /// Of these, those that were there.
    public var present = 0
    /// Of these, those sent by this run.
    public var restored = 0
    public var refused = 0
    /// Of the restored ones, those whose line ends became CRLF.
    public var converted = 0
    /// Read back and found equal; 0 without `--verify`.
    public var verified = 0
    public var isBalanced: Bool { wanted == present + restored + refused }
}

/// A message that was not restored, or is there in another form.
public struct RestoreFinding: Codable, Sendable {
    /// Of the account.
    public var mailbox: String
    /// Of the message in the archive.
    public var id: String
    public var reason: String
    public var detail: String
}

/// A flag the account does not keep.
public struct LostFlag: Codable, Sendable {
    public var mailbox: String
    public var flag: String
    public var messages: Int
}

/// What became of a restore.
public struct RestoreReport: Codable, Sendable {
    public var account: String
    public var mailboxes: [RestoredMailbox] = []
    public var refused: [RestoreFinding] = []
    /// What was read back and is not what the archive has: `octets`, `flags`, `internal-date`, `missing`.
    public var differences: [RestoreFinding] = []
    public var flagsNotKept: [LostFlag] = []
    /// Sentences of what would be done; with `--dry-run` only.
    public var plan: [String] = []
    public var wanted = 0
    public var present = 0
    public var restored = 0
    public var converted = 0
    public var verified = 0
    public var octetsSent = 0
    public var isVerified = false
    /// Every wanted message is there as it should be.
    public var isComplete = true

    init(account: String) { self.account = account }
}
