public import MailCore

/// A message of the source that the destination holds: one UID tied to one archived message.
public struct Link: Sendable, Hashable {
    public var uid: UID
    public var message: RandomID
    public var flags: FlagSet
    /// As the source announced it; a hint for re-pairing.
    public var octetCount: Int?
    public var internalDate: InternalDate?
    public var objectID: String?

    public init(
        uid: UID, message: RandomID, flags: FlagSet, octetCount: Int? = nil, internalDate: InternalDate? = nil,
        objectID: String? = nil
    ) {
        (self.uid, self.message, self.flags) = (uid, message, flags)
        (self.octetCount, self.internalDate, self.objectID) = (octetCount, internalDate, objectID)
    }
}

/// A message that could not be taken, and how often it was tried.
public struct QuarantineEntry: Sendable, Hashable {
    public var summary: MessageSummary
    public var refusal: Refusal
    public var attempts: Int

    public init(summary: MessageSummary, refusal: Refusal, attempts: Int) {
        (self.summary, self.refusal, self.attempts) = (summary, refusal, attempts)
    }
}

/// What the last runs left of one mailbox, without its messages.
public struct BaseMailbox: Sendable, Hashable {
    public var name: MailboxName
    public var role: MailboxRole?
    public var mailboxID: String?
    /// UIDVALIDITY of the last look.
    public var uidValidity: UIDValidity
    /// The counters that ``links`` reflect; `nil` while the mailbox was never finished.
    public var status: MailboxStatus?
    /// Links under ``uidValidity``, at the time ``status`` was saved.
    public var linkedCount: Int
    public var quarantinedCount: Int
    /// Links under an earlier UIDVALIDITY wait to be paired.
    public var hasStaleLinks: Bool

    public init(
        name: MailboxName, role: MailboxRole? = nil, mailboxID: String? = nil, uidValidity: UIDValidity,
        status: MailboxStatus? = nil, linkedCount: Int = 0, quarantinedCount: Int = 0, hasStaleLinks: Bool = false
    ) {
        (self.name, self.role, self.mailboxID, self.uidValidity) = (name, role, mailboxID, uidValidity)
        (self.status, self.linkedCount) = (status, linkedCount)
        (self.quarantinedCount, self.hasStaleLinks) = (quarantinedCount, hasStaleLinks)
    }
}

/// A link of an earlier UIDVALIDITY (or of a mailbox without persistent UIDs).
public struct StaleLink: Sendable, Hashable {
    public var uidValidity: UIDValidity
    public var link: Link

    public init(uidValidity: UIDValidity, link: Link) { (self.uidValidity, self.link) = (uidValidity, link) }
}

/// What the last runs left of the messages of one mailbox.
public struct BaseMessages: Sendable, Hashable {
    /// Under the UIDVALIDITY observed now, ascending by UID. For a delta: at least those it speaks of.
    public var links: [Link]
    /// Ascending by UIDVALIDITY, then UID.
    public var stale: [StaleLink]
    public var quarantine: [UID: QuarantineEntry]
    /// Every UID linked or quarantined under the UIDVALIDITY observed now.
    public var knownUIDs: UIDSet
    /// Archived messages by the source's content id, for the ids the observation shows.
    public var messagesByObjectID: [String: RandomID]
    /// Erased here, maybe still in the source: never taken again. Under the UIDVALIDITY observed now.
    public var erasedUIDs = UIDSet()

    public init(
        links: [Link] = [], stale: [StaleLink] = [], quarantine: [UID: QuarantineEntry] = [:],
        knownUIDs: UIDSet? = nil, messagesByObjectID: [String: RandomID] = [:]
    ) {
        (self.links, self.stale, self.quarantine) = (links, stale, quarantine)
        self.knownUIDs = knownUIDs ?? UIDSet(links.map(\.uid) + quarantine.keys)
        self.messagesByObjectID = messagesByObjectID
    }
}

/// What is known of a source from the runs before: the side a source is compared with, never anything else.
public struct SyncBase: Sendable, Hashable {
    public var mailboxes: [BaseMailbox]
    /// By the name the mailbox has in the base; only for mailboxes that were looked at.
    public var messages: [MailboxName: BaseMessages]

    public init(mailboxes: [BaseMailbox] = [], messages: [MailboxName: BaseMessages] = [:]) {
        (self.mailboxes, self.messages) = (mailboxes, messages)
    }
}

/// What a source shows now.
public struct SourceView: Sendable {
    public var listings: [MailboxListing]
    /// False when the listing broke off: then no mailbox is gone.
    public var isComplete: Bool
    public var hasPersistentUIDs: Bool
    /// The mailboxes looked at, by the name they have now.
    public var observations: [MailboxName: MailboxObservation]

    public init(
        listings: [MailboxListing], isComplete: Bool = true, hasPersistentUIDs: Bool = true,
        observations: [MailboxName: MailboxObservation] = [:]
    ) {
        (self.listings, self.isComplete) = (listings, isComplete)
        (self.hasPersistentUIDs, self.observations) = (hasPersistentUIDs, observations)
    }
}
