/// A place that holds mailboxes of messages: an IMAP account, a Maildir++ tree, an mbox tree, an archive.
///
/// The contract every store keeps and one conformance suite checks. Reading never changes the store (no `\Seen`).
/// UIDs mean something only with the mailbox and UIDVALIDITY they came with.
public protocol MailStore: Sendable {
    /// What this store can and cannot do; constant once connected.
    var traits: StoreTraits { get async throws(StoreError) }

    /// All mailboxes, each once. `isComplete` is false when the listing broke off.
    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool)

    /// Looks at `mailbox`: a delta when `cursor` allows one, else everything.
    ///
    /// - Throws: `.noSuchMailbox`, connection errors.
    func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError) -> MailboxObservation

    /// Streams the exact octets of `messages` (ascending UIDs) to `consume`, one message at a time, in any order.
    ///
    /// `consume` must take what it wants before it returns; the rest of the message is skipped. An error it throws ends
    /// the call, wrapped in `.consumerFailed`. A message that cannot be had is in the report, and the others go on.
    /// - Throws: `.uidValidityChanged` before anything is delivered; connection errors.
    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport
}

/// One message on its way in. Valid only inside the `consume` call it was handed to.
public protocol IncomingMessage: AnyObject {
    var uid: UID { get }
    /// The literal's announced length, where there is one.
    var announcedOctetCount: Int? { get }
    /// The next octets (1 to about 64 KiB), or `nil` at the end.
    func next() async throws(StoreError) -> [UInt8]?
}

/// What became of a fetch.
public struct FetchReport: Sendable {
    /// Fully handed over, ascending.
    public var delivered: UIDSet
    /// Not to be had, and why.
    public var refused: [UID: Refusal]

    /// What became of the messages asked for; of nothing, where nothing was.
    public init(delivered: UIDSet = UIDSet(), refused: [UID: Refusal] = [:]) {
        (self.delivered, self.refused) = (delivered, refused)
    }
}

/// Why one message could not be taken. The raw value is the reason code in every report.
public struct Refusal: Sendable, Hashable, Codable {
    /// What happened to the message; each has a code of its own in reports.
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// The server answered NO for this message.
        case refusedByServer = "server-refused"
        /// The server answered OK and sent no such message, though it still lists it.
        case notDelivered = "not-delivered"
        /// The body came as NIL or with 0 octets although the server announces more.
        case emptyBody = "empty-body"
        /// The literal was longer or shorter than announced, or the response around it is not IMAP.
        case garbled
        /// The connection broke in this message three times.
        case connectionLost = "connection-lost"
        /// It went away between the listing and the fetch; no loss.
        case expunged
        /// A file or mbox entry could not be read.
        case unreadable
    }
    /// What happened.
    public var reason: Reason
    /// The server's or system's own words; no mail content.
    public var detail: String

    /// A refusal for `reason`, with the other end's own words.
    public init(_ reason: Reason, detail: String = "") { (self.reason, self.detail) = (reason, detail) }
}

/// What a store is like.
public struct StoreTraits: Sendable, Hashable {
    /// How many `fetch` calls may usefully run at once.
    public var fetchConcurrency: Int
    /// UIDs survive sessions (false: every run identifies by content).
    public var hasPersistentUIDs: Bool
    /// Server name and version if it says (ID), for the log.
    public var implementation: String?

    /// A store of one lane with UIDs that last, unless told otherwise.
    public init(fetchConcurrency: Int = 1, hasPersistentUIDs: Bool = true, implementation: String? = nil) {
        (self.fetchConcurrency, self.hasPersistentUIDs) = (fetchConcurrency, hasPersistentUIDs)
        self.implementation = implementation
    }
}

/// An error of a mail store.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What went wrong; exit codes and hints follow from it.
    public enum Kind: Sendable, Hashable {
        case connectionFailed, connectionLost, tlsFailed, authenticationFailed, protocolViolation, limitExceeded
        case noSuchMailbox, uidValidityChanged, refused, capabilityMissing, throttled
        case ioFailed, diskFull, consumerFailed, cancelled
    }
    /// Whether trying again can help: not at all, at once, or in a later run.
    public enum Retry: Sendable, Hashable { case no, now, later }

    /// What went wrong.
    public var kind: Kind
    /// What happened, to what; one sentence, no mail content.
    public var message: String
    /// The mailbox it is about; `nil`: the store as a whole.
    public var mailbox: MailboxName?
    /// Whether trying again can help.
    public var retry: Retry
    /// The error below this one, for the log.
    public var cause: (any Error)?

    /// An error of `kind`; `message` is one sentence without mail content.
    public init(
        _ kind: Kind, _ message: String, mailbox: MailboxName? = nil, retry: Retry = .no, cause: (any Error)? = nil
    ) {
        (self.kind, self.message, self.mailbox, self.retry, self.cause) = (kind, message, mailbox, retry, cause)
    }

    public var description: String { mailbox.map { "\($0): \(message)" } ?? message }
}
