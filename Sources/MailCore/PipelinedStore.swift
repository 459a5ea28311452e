/// A mailbox to look at.
public struct ObservationRequest: Sendable {
    public var mailbox: MailboxName
    public var cursor: MailboxCursor?
    /// Its listing said how many messages it holds.
    public var isCounted = false

    public init(mailbox: MailboxName, cursor: MailboxCursor?) { (self.mailbox, self.cursor) = (mailbox, cursor) }
}

/// A store that looks at many mailboxes in fewer round trips than one after the other.
public protocol PipelinedStore: MailStore {
    /// Looks at each of `requests`; hands each result over as it comes, once per request, in any order.
    ///
    /// What concerns one mailbox is in its result; `.limitExceeded` when more than `limit` of its messages would have to
    /// be described.
    /// - Throws: connection errors, after which the requests without a result were not looked at.
    func observe(
        _ requests: [ObservationRequest], limit: Int?,
        _ consume: (MailboxName, Result<MailboxObservation, StoreError>) -> Void
    ) async throws(StoreError)
}

/// A mailbox to make.
public struct NewMailbox: Sendable {
    public var name: MailboxName
    public var role: MailboxRole?

    public init(_ name: MailboxName, role: MailboxRole? = nil) { (self.name, self.role) = (name, role) }
}

/// A store that gets many mailboxes ready in fewer round trips than one after the other.
public protocol PipelinedDeliveryStore: DeliveryStore {
    /// Makes and subscribes each of `mailboxes`, in order, as ``DeliveryStore/create(_:role:isSubscribed:)`` does.
    ///
    /// - Throws: connection errors, after which nobody knows which of them are there.
    func create(_ mailboxes: [NewMailbox]) async throws(StoreError) -> [Result<Void, StoreError>]

    /// What each of `mailboxes` keeps, as ``DeliveryStore/deliveryTraits(of:)`` tells it; `nil` where that has to be
    /// asked for.
    func deliveryTraits(of mailboxes: [MailboxName]) async throws(StoreError) -> [DeliveryTraits?]
}
