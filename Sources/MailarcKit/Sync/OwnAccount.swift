import ArchiveCatalog
import MailCore

/// An account of the archive's own: the archive gives its mailboxes their UIDs, and says so in events.
///
/// Whoever uses it is the only writer from the look at the catalog until what came of it is in the catalog.
struct OwnAccount {
    let name: String
    let catalog: Catalog

    /// The events by which those of `mailboxes` that are not there are made.
    func creation(of mailboxes: [NewMailbox]) throws(StoreError) -> [OccurrenceEvent] {
        var events: [OccurrenceEvent] = []
        do throws(CatalogError) {
            var known = Set(try catalog.mailboxes(account: name, counts: false).map(\.name))
            var validity = try nextUIDValidity()
            for mailbox in mailboxes where known.insert(mailbox.name).inserted {
                let uidValidity = UIDValidity(validity)
                events.append(
                    .mailboxCreated(
                        account: name, mailbox: mailbox.name, role: mailbox.role, uidValidity: uidValidity))
                events.append(
                    .uidsGiven(account: name, mailbox: mailbox.name, uidValidity: uidValidity, next: .min))
                validity &+= 1
            }
        } catch { throw ArchivedAccount.failure(error) }
        return events
    }

    /// Higher than any the account had; by the clock, so that one that was erased is not given again either.
    private func nextUIDValidity() throws(CatalogError) -> UInt32 {
        let highest = try catalog.highestUIDValidity(of: name)?.value ?? 0
        guard highest < .max else { throw CatalogError(.failed, "every UIDVALIDITY was given") }
        return max(highest + 1, UInt32(clamping: Clock.now()))
    }
}

/// The UIDs of one mailbox as they are given.
struct GivenUIDs {
    private let mailbox: MailboxName
    private let uidValidity: UIDValidity
    private let first: UID
    private var uid: UID?

    /// - Throws: `.refused` for a mailbox that has the UIDs of its source.
    init(_ row: ArchiveCatalog.MailboxRow) throws(StoreError) {
        guard let next = row.uidNext, let uidValidity = row.uidValidity else {
            throw StoreError(.refused, "It follows its source, which gives its UIDs", mailbox: row.name)
        }
        (mailbox, self.uidValidity, first, uid) = (row.name, uidValidity, next, next)
    }

    /// The address of the next message.
    mutating func next(_ account: String) throws(StoreError) -> OccurrenceAddress {
        // The largest one is never given: what comes next can always be told.
        guard let uid, let following = uid.successor else {
            throw StoreError(.refused, "Every UID of it was given", mailbox: mailbox)
        }
        self.uid = following
        return OccurrenceAddress(account: account, mailbox: mailbox, uidValidity: uidValidity, uid: uid)
    }

    /// Adds the event that says which UIDs were given, if any were.
    func note(_ events: inout [OccurrenceEvent], _ account: String) {
        guard let uid, uid != first else { return }
        events.append(.uidsGiven(account: account, mailbox: mailbox, uidValidity: uidValidity, next: uid))
    }
}
