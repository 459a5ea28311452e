public import MailCore

/// What an erasure takes out of one event record.
public struct EventScope: Sendable, Hashable {
    /// A mailbox of an account.
    public struct Mailbox: Sendable, Hashable {
        public var account: String
        public var name: MailboxName

        public init(account: String, name: MailboxName) { (self.account, self.name) = (account, name) }
    }

    public var sequence: UInt64
    /// The record that counts for the sequence.
    public var keyID: RandomID
    /// Where the erased messages were just before the record.
    public var addresses: Set<OccurrenceAddress> = []
    /// Where they were placed later.
    public var laterAddresses: Set<OccurrenceAddress> = []
    /// Where the message before ended because an erased one took its UID.
    public var endings: Set<OccurrenceAddress> = []
    /// Mailboxes that go, by the name they had just before the record.
    public var mailboxes: Set<Mailbox> = []
    /// Mailboxes that go and began with the record.
    public var newMailboxes: Set<Mailbox> = []

    public init(sequence: UInt64, keyID: RandomID) { (self.sequence, self.keyID) = (sequence, keyID) }
}

/// Passes over the events of one record in order and leaves out what is about erased messages and mailboxes.
///
/// Everything else stays as it is; addresses are followed through renames and new UIDs on the way.
struct EventFilter {
    private let messages: Set<RandomID>
    private var scope: EventScope

    init(messages: Set<RandomID>, scope: EventScope) { (self.messages, self.scope) = (messages, scope) }

    /// The event to be kept for `event`, `nil` for none.
    mutating func keep(_ event: OccurrenceEvent) -> OccurrenceEvent? {
        switch event {
        case .placed(let message, let address, _, _, _, _, _):
            guard messages.contains(message) else {
                scope.addresses.remove(address)
                return event
            }
            scope.addresses.insert(address)
            return scope.endings.remove(address).map { .gone(at: $0, movedTo: nil) }
        case .flagsChanged(let address, _, _): return scope.addresses.contains(address) ? nil : event
        case .delivered(let address, _): return scope.addresses.contains(address) ? nil : event
        case .gone(let address, _): return scope.addresses.remove(address) == nil ? event : nil
        case .quarantined(let address, _):
            return scope.addresses.contains(address) || scope.laterAddresses.contains(address) ? nil : event
        default: return keepOfMailbox(event)
        }
    }

    private mutating func keepOfMailbox(_ event: OccurrenceEvent) -> OccurrenceEvent? {
        switch event {
        case .mailboxCreated(let account, let name, _, _):
            let mailbox = EventScope.Mailbox(account: account, name: name)
            guard !scope.mailboxes.contains(mailbox) else { return nil }
            guard scope.newMailboxes.remove(mailbox) != nil else { return event }
            scope.mailboxes.insert(mailbox)
            return nil
        case .mailboxRenamed(let account, let from, let to):
            let old = EventScope.Mailbox(account: account, name: from)
            let new = EventScope.Mailbox(account: account, name: to)
            move(old, to: new)
            guard scope.mailboxes.remove(old) != nil else { return event }
            scope.mailboxes.insert(new)
            return nil
        case .mailboxDeleted(let account, let name):
            let mailbox = EventScope.Mailbox(account: account, name: name)
            scope.addresses = scope.addresses.filter { !$0.isIn(mailbox) }
            return scope.mailboxes.remove(mailbox) == nil ? event : nil
        case .uidValidityChanged(let account, let name, let from, let to, let mapping):
            return renumber(account, name, from, to, mapping)
        case .uidsGiven(let account, let name, _, _):
            return scope.mailboxes.contains(EventScope.Mailbox(account: account, name: name)) ? nil : event
        default: return event
        }
    }

    private mutating func move(_ old: EventScope.Mailbox, to new: EventScope.Mailbox) {
        func moved(_ addresses: Set<OccurrenceAddress>) -> Set<OccurrenceAddress> {
            Set(
                addresses.map { address in
                    guard address.isIn(old) else { return address }
                    var address = address
                    address.mailbox = new.name
                    return address
                })
        }
        scope.addresses = moved(scope.addresses.filter { !$0.isIn(new) })
        scope.laterAddresses = moved(scope.laterAddresses)
    }

    /// The pairs of others stay, and the event with them even if there are none: it is a fact of the mailbox.
    private mutating func renumber(
        _ account: String, _ name: MailboxName, _ from: UIDValidity, _ to: UIDValidity, _ mapping: [UID: UID]
    ) -> OccurrenceEvent? {
        var kept: [UID: UID] = [:]
        var renumbered: [OccurrenceAddress] = []
        for (old, new) in mapping {
            var address = OccurrenceAddress(account: account, mailbox: name, uidValidity: from, uid: old)
            guard scope.addresses.remove(address) != nil else {
                kept[old] = new
                continue
            }
            (address.uidValidity, address.uid) = (to, new)
            renumbered.append(address)
        }
        scope.addresses.formUnion(renumbered)
        guard !scope.mailboxes.contains(EventScope.Mailbox(account: account, name: name)) else { return nil }
        return .uidValidityChanged(account: account, mailbox: name, from: from, to: to, mapping: kept)
    }
}

extension OccurrenceAddress {
    fileprivate func isIn(_ mailbox: EventScope.Mailbox) -> Bool {
        account == mailbox.account && self.mailbox == mailbox.name
    }
}
