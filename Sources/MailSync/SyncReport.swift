public import MailCore

/// What a run found and did in one mailbox.
public struct MailboxReport: Sendable, Hashable {
    public var mailbox: MailboxName
    /// Messages in the source, without those that left while the run went on.
    public var serverCount = 0
    /// Messages of them that are in the archive, now or since an earlier run.
    public var archivedCount = 0
    public var quarantinedCount = 0
    /// Messages of the source that were erased here and stay so.
    public var erasedCount = 0
    /// Placed for the first time in this mailbox.
    public var placedCount = 0
    /// Of the placed ones, those whose octets the archive did not have.
    public var newCount = 0
    /// Of the placed ones, those whose quoting of From_ lines was undone.
    public var unescapedCount = 0
    /// Of the placed ones, those that were put together from pieces.
    public var reconstructedCount = 0
    public var flagChangeCount = 0
    /// Left without coming to another mailbox.
    public var expungedCount = 0
    /// Left for another mailbox of this account.
    public var movedCount = 0
    /// Paired again after a UIDVALIDITY change.
    public var pairedAgainCount = 0
    /// Its former name, when it was renamed.
    public var renamedFrom: MailboxName?
    public var isNew = false
    public var isDeleted = false
    /// Whether the source's listing had no holes.
    public var isComplete = true
    /// Fetched.
    public var octetCount: Int64 = 0
    public var quarantine: [UID: QuarantineEntry] = [:]
    /// Deleted in the source, each with what proves that the archive has it.
    public var deleted: [DeletedInSource] = []
    /// Old enough to be deleted in the source, but not found equal when both sides were read.
    public var unverifiedCount = 0
    /// Old enough, but changed or gone since they were archived: they stay for this time.
    public var touchedCount = 0
    /// Why the mailbox could not be looked at or finished.
    public var failure: StoreError?

    public init(mailbox: MailboxName) { self.mailbox = mailbox }

    /// Whether every message of the source is accounted for.
    public var isBalanced: Bool {
        failure == nil && (isDeleted || serverCount == archivedCount + quarantinedCount + erasedCount)
    }

    public static func == (left: MailboxReport, right: MailboxReport) -> Bool {
        left.mailbox == right.mailbox && left.counts == right.counts && left.quarantine == right.quarantine
            && left.failure?.kind == right.failure?.kind
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(mailbox) }
    private var counts: [Int] {
        [
            serverCount, archivedCount, quarantinedCount, erasedCount, placedCount, newCount, flagChangeCount,
            expungedCount, unescapedCount, reconstructedCount,
            movedCount, pairedAgainCount, deleted.count, unverifiedCount, touchedCount, isNew ? 1 : 0,
            isDeleted ? 1 : 0, isComplete ? 1 : 0, Int(octetCount),
        ]
    }
}

/// What a run found and did.
public struct SyncReport: Sendable {
    /// In listing order; deleted mailboxes last.
    public var mailboxes: [MailboxReport] = []
    /// What the run did, or with a dry run would do; only filled by a dry run.
    public var plannedActions: [SyncAction] = []
    /// Commit groups that became durable.
    public var commitCount = 0
    /// The source told of all its mailboxes.
    public var isListComplete = true
    /// The source broke off; what is counted here is safe, and the next run goes on.
    public var interruption: StoreError?
    /// The state was behind the destination (a crash, or it was lost) and was rebuilt.
    public var rebuiltState = false

    public init() {}

    public var isBalanced: Bool { interruption == nil && isListComplete && mailboxes.allSatisfy(\.isBalanced) }
    /// No difference was found and nothing was written.
    public var isUnchanged: Bool { commitCount == 0 && plannedActions.isEmpty && interruption == nil && !rebuiltState }

    public func total(_ count: (MailboxReport) -> Int) -> Int { mailboxes.reduce(0) { $0 + count($1) } }
    public var octetCount: Int64 { mailboxes.reduce(0) { $0 + $1.octetCount } }
}

/// How far a run is.
public struct SyncProgress: Sendable, Hashable {
    /// The mailbox that just advanced.
    public var mailbox: MailboxName
    public var messagesDone: Int
    /// As far as listings and looks tell so far.
    public var messagesTotal: Int
    public var octetsDone: Int64
    /// Announced by the mailboxes looked at so far.
    public var octetsTotal: Int64
}
