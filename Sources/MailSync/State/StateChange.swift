internal import MailCore

/// One change of the state, with the event that tells the destination the same, if it is to be told.
struct StateChange: Sendable {
    enum Kind: Sendable {
        case create(RecordedMailbox, mailboxID: String?)
        case rename(from: MailboxName, to: MailboxName)
        case delete(MailboxName)
        /// Inserted under `validity`; clears quarantine at that UID.
        case link(Link, mailbox: MailboxName, validity: UIDValidity, isKnownContent: Bool)
        case flags(UID, mailbox: MailboxName, validity: UIDValidity, FlagSet)
        case unlink(UID, mailbox: MailboxName, validity: UIDValidity)
        case remap(mailbox: MailboxName, from: UIDValidity, to: UIDValidity, mapping: [UID: UID])
        case quarantine(QuarantineEntry, mailbox: MailboxName, validity: UIDValidity)
        case dropQuarantine(UID, mailbox: MailboxName, validity: UIDValidity)
        /// The source does not hold these erased messages any more.
        case dropErased([UID], mailbox: MailboxName, validity: UIDValidity)
        /// The message moved here is not a move's target any more.
        case consumeMove(UID, mailbox: MailboxName, validity: UIDValidity)
        /// The look is finished: `status` equals what the links reflect. `nil`: looked at, not finished.
        case cursor(MailboxListing, validity: UIDValidity, status: MailboxStatus?)
        case operation(Int, state: OperationState)
        /// Links left between two looks: what the base says of the mailbox's number follows.
        case recount(MailboxName)
    }

    var kind: Kind
    var event: OccurrenceEvent?
    /// Octets this change adds to the commit group.
    var octetCount = 0

    init(_ kind: Kind, event: OccurrenceEvent? = nil, octetCount: Int = 0) {
        (self.kind, self.event, self.octetCount) = (kind, event, octetCount)
    }
}

/// Where an operation of the journal stands.
enum OperationState: Int, Sendable {
    case planned = 0
    case sent = 1
    case done = 2
    case void = 3
}
