import ArchiveCatalog
import MailCore

/// Changes to what is there: each call is one group of events.
extension ArchiveAccountStore {
    func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        try await open().record { events throws(StoreError) in
            let places = try account.places(UIDSet(changes.lazy.map(\.uid)), of: mailbox, uidValidity)
            let flags = Dictionary(places.map { ($0.address.uid, $0.flags) }) { first, _ in first }
            var outcomes: [UID: FlagOutcome] = [:]
            for change in changes {
                guard let old = flags[change.uid] else {
                    outcomes[change.uid] = .gone
                    continue
                }
                let kept = old.flags.filter { !change.removing.contains($0) }
                let new = FlagSet(kept + change.adding.flags)
                if new != old {
                    events.append(
                        .flagsChanged(at: address(change.uid, mailbox, uidValidity), flags: new, modSeq: nil))
                }
                outcomes[change.uid] = .changed
            }
            return outcomes
        }
    }

    func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        try await transfer(uids, from: mailbox, uidValidity, to: target, removes: false)
    }

    func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        try await transfer(uids, from: mailbox, uidValidity, to: target, removes: true)
    }

    private func transfer(
        _ uids: UIDSet, from mailbox: MailboxName, _ uidValidity: UIDValidity, to target: MailboxName, removes: Bool
    ) async throws(StoreError) -> CopyReport {
        try await open().record { events throws(StoreError) in
            let places = try account.places(uids, of: mailbox, uidValidity)
            let row = try account.entry(of: target)
            var given = try GivenUIDs(row)
            var report = CopyReport(
                uidValidity: row.uidValidity, missing: uids.subtracting(UIDSet(places.lazy.map(\.address.uid))))
            for place in places {
                let new = try given.next(name)
                events.append(
                    .placed(
                        message: place.message, at: new, flags: place.flags, internalDate: place.internalDate,
                        modSeq: nil, channel: place.channel, fidelity: place.fidelity))
                if removes { events.append(.gone(at: place.address, movedTo: new)) }
                report.mapping[place.address.uid] = new.uid
            }
            given.note(&events, name)
            return report
        }
    }

    /// They leave the view; what they were, when and where, stays.
    func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        try await open().record { events throws(StoreError) in
            let places = try account.places(uids, of: mailbox, uidValidity)
            events = places.map { .gone(at: $0.address, movedTo: nil) }
            return uids
        }
    }

    private func address(_ uid: UID, _ mailbox: MailboxName, _ uidValidity: UIDValidity) -> OccurrenceAddress {
        OccurrenceAddress(account: name, mailbox: mailbox, uidValidity: uidValidity, uid: uid)
    }

    // MARK: Mailboxes

    func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        guard !mailbox.isInbox else { throw StoreError(.refused, "INBOX keeps its name", mailbox: mailbox) }
        try await open().record { events throws(StoreError) in
            let all = try account.rows(counts: false).map(\.name)
            guard all.contains(mailbox) else {
                throw StoreError(.noSuchMailbox, "The archive has no such mailbox", mailbox: mailbox)
            }
            let inner = Self.inside(mailbox, all).map { child in
                (
                    child,
                    MailboxName(
                        octets: target.octets + child.octets.dropFirst(mailbox.octets.count), delimiter: child.delimiter
                    )
                )
            }
            let renames = [(mailbox, target)] + inner
            for (_, new) in renames where all.contains(new) {
                throw StoreError(.refused, "A mailbox of that name is there", mailbox: new)
            }
            events = renames.map { .mailboxRenamed(account: name, from: $0, to: $1) }
        }
    }

    /// Those below `mailbox`, at any depth.
    private static func inside(_ mailbox: MailboxName, _ all: [MailboxName]) -> [MailboxName] {
        guard let delimiter = mailbox.delimiter else { return [] }
        return all.filter { $0.octets.starts(with: mailbox.octets + [delimiter]) }
    }

    func remove(_ mailbox: MailboxName) async throws(StoreError) {
        guard !mailbox.isInbox else { throw StoreError(.refused, "INBOX cannot be removed", mailbox: mailbox) }
        try await open().record { events throws(StoreError) in
            guard let row = try account.rows(counts: true).first(where: { $0.name == mailbox }) else { return }
            guard row.messageCount == 0 else {
                throw StoreError(.refused, "It is not empty", mailbox: mailbox)
            }
            events = [.mailboxDeleted(account: name, mailbox: mailbox)]
        }
    }
}
