public import MailCore

/// What the catalog knows of messages that are to be erased: the parts that die with them, and the event records that
/// speak of them.
public struct ErasureFacts: Sendable, Hashable {
    /// Those of the messages asked for that are in the catalog.
    public var messages: [CatalogEntry] = []
    /// Parts no other message refers to.
    public var dyingParts: [RandomID] = []
    /// Parts another message refers to, too.
    public var sharedParts: [RandomID] = []
    /// Occurrences, ended ones included.
    public var occurrences: [OccurrenceAddress] = []
    /// Those of the occurrences that have not ended.
    public var currentOccurrences: [OccurrenceAddress] = []
    /// How many of these came from a mail server, which may still hold them.
    public var serverOccurrences = 0
    /// Mailboxes without a role in which nothing but these messages ever was; their names go, too.
    public var mailboxes: [ErasedMailbox] = []
    /// Ascending by sequence.
    public var records: [ErasureRecordFacts] = []

    public init() {}
}

/// A mailbox in which nothing ever was but what is erased.
public struct ErasedMailbox: Sendable, Hashable {
    public var account: String
    public var name: MailboxName
    /// False for one that was deleted in the source.
    public var isCurrent: Bool

    public init(account: String, name: MailboxName, isCurrent: Bool) {
        (self.account, self.name, self.isCurrent) = (account, name, isCurrent)
    }
}

/// An event record that may speak of messages to be erased.
public struct ErasureRecordFacts: Sendable, Hashable {
    public var sequence: UInt64
    /// The record that counts for the sequence.
    public var keyID: RandomID
    /// Where the messages were just before the record.
    public var addresses: Set<OccurrenceAddress> = []
    /// Where they were placed later, of records that tell why they could not be taken.
    public var laterAddresses: Set<OccurrenceAddress> = []
    /// Where a message began at an address whose last message ended with it; that must still end.
    public var endings: Set<OccurrenceAddress> = []
    /// Mailboxes that go, by the name they had just before the record.
    public var mailboxes: Set<MailboxPlace> = []
    /// Mailboxes that go and began with the record.
    public var newMailboxes: Set<MailboxPlace> = []

    public init(sequence: UInt64, keyID: RandomID) { (self.sequence, self.keyID) = (sequence, keyID) }
}

/// A mailbox of an account.
public struct MailboxPlace: Sendable, Hashable {
    public var account: String
    public var mailbox: MailboxName

    public init(account: String, mailbox: MailboxName) { (self.account, self.mailbox) = (account, mailbox) }
}
