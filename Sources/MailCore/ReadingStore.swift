/// A store that takes nothing in and changes nothing, but for what it says itself: every other change is refused.
public protocol ReadingStore: SyncStore {}

extension StoreError {
    fileprivate static func onlyRead(_ mailbox: MailboxName) -> StoreError {
        StoreError(.refused, "It can only be read", mailbox: mailbox)
    }
}

extension ReadingStore {
    public func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError) {
        throw .onlyRead(mailbox)
    }

    public func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        throw .onlyRead(mailbox)
    }

    public func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        throw .onlyRead(mailbox)
    }

    public func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        throw .onlyRead(mailbox)
    }

    public func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        throw .onlyRead(target)
    }

    public func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        throw .onlyRead(target)
    }

    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        throw .onlyRead(mailbox)
    }

    public func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        throw .onlyRead(mailbox)
    }

    public func remove(_ mailbox: MailboxName) async throws(StoreError) { throw .onlyRead(mailbox) }
}
