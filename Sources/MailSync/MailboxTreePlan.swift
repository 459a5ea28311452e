package import MailCore

/// A mailbox of the source, and what the base calls it.
package struct MatchedMailbox: Sendable, Hashable {
    package var listing: MailboxListing
    /// `nil` when it is new.
    package var base: BaseMailbox?

    package init(listing: MailboxListing, base: BaseMailbox?) { (self.listing, self.base) = (listing, base) }

    /// Whether the saved counters prove that nothing changed.
    ///
    /// Without HIGHESTMODSEQ a flag change is invisible, without UIDNEXT an arrival with an expunge is; such a mailbox is
    /// always looked at unless it is and was empty.
    package var isUnchanged: Bool {
        guard let base, let saved = base.status, let status = listing.status, base.name == listing.name else {
            return false
        }
        guard saved == status, status.uidValidity == base.uidValidity else { return false }
        guard base.quarantinedCount == 0, !base.hasStaleLinks else { return false }
        guard base.role == listing.role, base.mailboxID == listing.mailboxID else { return false }
        if status.messageCount == 0, status.uidNext != nil { return true }
        return status.uidValidity.value != 0 && status.uidNext != nil && status.highestModSeq != nil
    }
}

/// Which mailboxes are the same, new, renamed or gone. Pure.
package struct MailboxTreePlan: Sendable {
    /// Every selectable mailbox of the source, in listing order, those of role `all` first.
    package var present: [MatchedMailbox] = []
    /// Renames, and deletions whose names are taken by another mailbox now; before all messages.
    package var firstActions: [SyncAction] = []
    /// Deletions, after all messages.
    package var lastActions: [SyncAction] = []

    package init(
        base: [BaseMailbox], listings: [MailboxListing], isComplete: Bool, policy: SyncPolicy,
        acceptsDisappearance: Bool
    ) throws(SyncError) {
        var seen: Set<MailboxName> = []
        let listings = listings.filter { $0.isSelectable && seen.insert($0.name).inserted }
        if !acceptsDisappearance, isComplete { try Self.refuseOutage(base: base, listings: listings) }
        var matching = MailboxMatching(base: base, listings: listings, isComplete: isComplete)
        if policy.renames == .record { matching.matchByMailboxID() }
        matching.matchByName(followsRenames: policy.renames == .record)
        if isComplete, policy.renames == .record { matching.matchByUIDValidity() }
        // What looked replaced but found no new name is the same name under another UIDVALIDITY.
        matching.matchByName(followsRenames: false)
        present = matching.matched()
        decideActions(base: base, policy: policy, isComplete: isComplete)
    }

    private mutating func decideActions(base: [BaseMailbox], policy: SyncPolicy, isComplete: Bool) {
        let names = Set(present.map(\.listing.name))
        let kept = Set(present.compactMap(\.base?.name))
        var occupied = Set(base.map(\.name))
        if isComplete {
            for mailbox in base where !kept.contains(mailbox.name) {
                let action = SyncAction.recordMailboxDeleted(mailbox.name)
                if names.contains(mailbox.name) {
                    firstActions.append(action)
                    occupied.remove(mailbox.name)
                } else {
                    lastActions.append(action)
                }
            }
        }
        // ORDER: a name must be free before it is given; a cycle of names (A ↔ B) is no rename but two resets.
        var pending = present.indices.filter { index in
            present[index].base.map { $0.name != present[index].listing.name } ?? false
        }
        while let position = pending.firstIndex(where: { !occupied.contains(present[$0].listing.name) }) {
            let index = pending.remove(at: position)
            guard let old = present[index].base?.name else { continue }
            firstActions.append(.recordMailboxRenamed(from: old, to: present[index].listing.name))
            occupied.remove(old)
            occupied.insert(present[index].listing.name)
        }
        let byName = Dictionary(base.map { ($0.name, $0) }) { first, _ in first }
        for index in pending { present[index].base = byName[present[index].listing.name] }
        let all = present.filter { $0.listing.role == .all }
        present = all + present.filter { $0.listing.role != .all }
    }

    /// LIMIT: below 10 messages an emptied account is a plausible user action and not an outage.
    private static let outageThreshold = 10

    private static func refuseOutage(base: [BaseMailbox], listings: [MailboxListing]) throws(SyncError) {
        guard !base.isEmpty else { return }
        if listings.isEmpty {
            throw SyncError(.outage, "the source lists no mailbox at all, where \(base.count) were")
        }
        let names = Set(listings.map(\.name))
        if base.contains(where: \.name.isInbox), !names.contains(where: \.isInbox) {
            throw SyncError(.outage, "the source lists no INBOX, where one was")
        }
        let identifiers = Set(listings.compactMap(\.mailboxID))
        let validities = Set(listings.compactMap(\.status?.uidValidity))
        let isKnown = base.contains { mailbox in
            names.contains(mailbox.name) || mailbox.mailboxID.map(identifiers.contains) ?? false
                || validities.contains(mailbox.uidValidity)
        }
        if !isKnown { throw SyncError(.outage, "none of the \(base.count) known mailboxes is in the source") }
        let before = base.reduce(0) { $0 + $1.linkedCount }
        let isEmptied = listings.allSatisfy { $0.status?.messageCount == 0 }
        if isEmptied, before >= outageThreshold {
            throw SyncError(.outage, "every mailbox of the source is empty, where \(before) messages were")
        }
    }
}
