/// A mailbox as a listing shows it.
public struct MailboxListing: Sendable, Hashable {
    public var name: MailboxName
    public var role: MailboxRole?
    /// False for `\Noselect` and `\NonExistent`: a container only.
    public var isSelectable: Bool
    /// The server's own stable id (OBJECTID), if it has one. RFC 8474 §4.
    public var mailboxID: String?
    /// The store keeps it by itself, whatever its user does: it is neither emptied nor removed for being in one store
    /// alone, and what it shows may be a view of messages that lie elsewhere, too (Gmail's system labels).
    public var isSystem = false
    /// `nil` when the server sent no STATUS for it: *unknown*, never *gone*.
    public var status: MailboxStatus?

    public init(
        name: MailboxName, role: MailboxRole? = nil, isSelectable: Bool = true, mailboxID: String? = nil,
        status: MailboxStatus? = nil
    ) {
        (self.name, self.role, self.isSelectable) = (name, role, isSelectable)
        (self.mailboxID, self.status) = (mailboxID, status)
    }
}

/// The counters by which a mailbox shows that it did or did not change.
///
/// - SeeAlso: RFC 9051 §6.3.11, RFC 7162 §3.1.7
public struct MailboxStatus: Sendable, Hashable, Codable {
    public var uidValidity: UIDValidity
    /// `nil` when the server does not say (then the mailbox is always looked at).
    public var uidNext: UID?
    public var messageCount: Int
    /// `nil` without CONDSTORE or with NOMODSEQ.
    public var highestModSeq: ModSeq?

    public init(uidValidity: UIDValidity, uidNext: UID?, messageCount: Int, highestModSeq: ModSeq?) {
        (self.uidValidity, self.uidNext) = (uidValidity, uidNext)
        (self.messageCount, self.highestModSeq) = (messageCount, highestModSeq)
    }
}

/// What one message is known by without its octets.
public struct MessageSummary: Sendable, Hashable {
    public var uid: UID
    public var flags: FlagSet
    public var internalDate: InternalDate?
    /// What the store announces (RFC822.SIZE); a hint, never trusted.
    public var octetCount: Int?
    public var modSeq: ModSeq?
    /// The server's stable content id (EMAILID, X-GM-MSGID, X-GUID), prefixed by its kind; same id = same content.
    public var objectID: String?
    /// How true the octets that are fetched are, where that is not the same for all of the store.
    public var fidelity: Fidelity?

    public init(
        uid: UID, flags: FlagSet, internalDate: InternalDate? = nil, octetCount: Int? = nil, modSeq: ModSeq? = nil,
        objectID: String? = nil, fidelity: Fidelity? = nil
    ) {
        (self.uid, self.flags, self.internalDate) = (uid, flags, internalDate)
        (self.octetCount, self.modSeq, self.objectID) = (octetCount, modSeq, objectID)
        self.fidelity = fidelity
    }
}

/// What is known of a mailbox from the last completed run; never ahead of it.
public struct MailboxCursor: Sendable, Hashable {
    public var status: MailboxStatus
    /// Every UID known at the last run.
    public var knownUIDs: UIDSet

    public init(status: MailboxStatus, knownUIDs: UIDSet) {
        (self.status, self.knownUIDs) = (status, knownUIDs)
    }
}

/// What one look at a mailbox showed.
public struct MailboxObservation: Sendable {
    public enum Content: Sendable {
        /// Every message, ascending by UID.
        case full([MessageSummary])
        /// New and re-flagged messages ascending by UID, and the expunged ones, relative to the cursor given; verified
        /// against the message count.
        case delta(changed: [MessageSummary], vanished: UIDSet)
    }

    /// From the SELECT that opened the look; the next cursor's status.
    public var status: MailboxStatus
    public var content: Content
    /// False when anything hints at a listing with holes: then nothing may be taken as gone.
    public var isComplete: Bool

    public init(status: MailboxStatus, content: Content, isComplete: Bool) {
        (self.status, self.content, self.isComplete) = (status, content, isComplete)
    }
}
