/// A mail store that is only read from, as the source of a sync.
public struct ReadOnlyStore: ReadingStore {
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
}
