/// A mail store that is only read from, as the source of a sync.
public struct ReadOnlyStore: SyncStore {
    private let base: any MailStore
    private let delimiter: UInt8?

    /// - Parameter delimiter: what parts the names of `base`.
    public init(_ base: any MailStore, delimiter: UInt8?) { (self.base, self.delimiter) = (base, delimiter) }

    public var traits: StoreTraits { get async throws(StoreError) { try await base.traits } }

    public var abilities: StoreAbilities {
        get async throws(StoreError) { StoreAbilities(isReadOnly: true) }
    }

    public func hierarchy() async throws(StoreError) -> StoreHierarchy { StoreHierarchy(delimiter: delimiter) }

    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        try await base.mailboxes()
    }

    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        try await base.observe(mailbox, since: cursor)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try await base.fetch(messages, from: mailbox, uidValidity: uidValidity, consume)
    }

    // MARK: Nothing is changed

    private static func refusal(_ mailbox: MailboxName) -> StoreError {
        StoreError(.refused, "It can only be read", mailbox: mailbox)
    }

    public func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError) {
        throw Self.refusal(mailbox)
    }

    public func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        throw Self.refusal(mailbox)
    }

    public func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        throw Self.refusal(mailbox)
    }

    public func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        throw Self.refusal(mailbox)
    }

    public func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        throw Self.refusal(target)
    }

    public func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        throw Self.refusal(target)
    }

    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        throw Self.refusal(mailbox)
    }

    public func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        throw Self.refusal(mailbox)
    }

    public func remove(_ mailbox: MailboxName) async throws(StoreError) { throw Self.refusal(mailbox) }
}
