public import MailCore

/// What an archive did with a message it was given.
public struct IngestedMessage: Sendable, Hashable {
    /// The archive's handle of these octets; equal octets have equal handles.
    public var message: RandomID
    /// False when the archive had these octets.
    public var isNew: Bool
    /// Of the whole message.
    public var octetCount: Int

    public init(message: RandomID, isNew: Bool, octetCount: Int) {
        (self.message, self.isNew, self.octetCount) = (message, isNew, octetCount)
    }
}

/// A destination cannot take one message; the others go on, and this one goes to quarantine.
public struct MessageRefused: Error, Sendable {
    public var refusal: Refusal

    public init(_ refusal: Refusal) { self.refusal = refusal }
}

/// A mailbox as a destination records it.
public struct RecordedMailbox: Sendable, Hashable {
    public var name: MailboxName
    public var role: MailboxRole?
    public var uidValidity: UIDValidity

    public init(name: MailboxName, role: MailboxRole? = nil, uidValidity: UIDValidity) {
        (self.name, self.role, self.uidValidity) = (name, role, uidValidity)
    }
}

/// An occurrence that has not ended.
public struct OccurrenceRow: Sendable, Hashable {
    public var mailbox: MailboxName
    public var uidValidity: UIDValidity
    public var uid: UID
    public var message: RandomID
    public var flags: FlagSet
    public var internalDate: InternalDate?
    /// Of the archived octets.
    public var octetCount: Int?

    public init(
        mailbox: MailboxName, uidValidity: UIDValidity, uid: UID, message: RandomID, flags: FlagSet,
        internalDate: InternalDate?, octetCount: Int?
    ) {
        (self.mailbox, self.uidValidity, self.uid, self.message) = (mailbox, uidValidity, uid, message)
        (self.flags, self.internalDate, self.octetCount) = (flags, internalDate, octetCount)
    }
}

/// Where history goes: an archive, seen as one account.
///
/// Events become durable in the order in which they were recorded, together with everything ingested before; after a
/// crash exactly the commits that returned, and at most one more, are there. `ingest` is called by several lanes at
/// once, `record` and `commit` never by two, though beside `ingest`.
public protocol HistoryDestination: Sendable {
    /// Takes one message; returns once its octets are accepted into the present commit group (not yet durable).
    ///
    /// Reads `message` to its end. When its `next()` throws, nothing of the message is kept and the error goes on
    /// unchanged. A message without any event that places it may be dropped.
    /// - Throws: ``MessageRefused`` for this message alone; any other error ends the run.
    func ingest(
        _ message: any IncomingMessage, channel: Channel, fidelity: Fidelity, lane: Int
    ) async throws -> IngestedMessage

    /// Records `events` in order, after everything ingested before; durable with the next ``commit()``.
    func record(_ events: [OccurrenceEvent]) async throws

    /// Makes everything up to now durable and ledgered; the sequence that ``eventSequence`` then has.
    func commit() async throws -> UInt64

    /// The mailboxes of this account that have not been deleted, in any order.
    func currentMailboxes() async throws -> [RecordedMailbox]

    /// The occurrences of this account that have not ended, in any order.
    func currentOccurrences(_ each: @Sendable (OccurrenceRow) throws -> Void) async throws

    /// Grows with every commit that recorded events of this account; 0 before the first. A number that also grows with
    /// other accounts is right, but makes each run compare everything.
    var eventSequence: UInt64 { get async throws }
}
