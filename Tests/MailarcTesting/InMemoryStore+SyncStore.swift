public import MailCore
import Synchronization

/// As the other end of a sync: what it cannot do, and where it breaks off, a test chooses.
extension InMemoryStore: SyncStore {
    public var abilities: StoreAbilities {
        get async throws(StoreError) {
            StoreAbilities(tellsUIDs: features.tellsUIDs, guardsFlags: features.hasModSeq)
        }
    }

    public func hierarchy() async throws(StoreError) -> StoreHierarchy {
        StoreHierarchy(delimiter: UInt8(ascii: "/"))
    }

    public func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError) {
        try effect("create \(mailbox)") { create(mailbox, role: role) }
    }

    public func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        guard let found = model.withLock({ $0.mailboxes.first { $0.name == mailbox } }) else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        return DeliveryTraits(
            uidValidity: UIDValidity(found.uidValidity), permanentFlags: features.permanentFlags, takesNUL: true)
    }

    public func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        do {
            while let message = try await next() {
                var octets: [UInt8] = []
                let source = try message.open()
                while let piece = try source.next() { octets += piece }
                if model.withLock({ $0.faults.refusedDeliveries.contains(octets.fingerprint) }) {
                    try await each(message, .refused(DeliveryRefusal(.refusedByServer, detail: "NO")))
                    continue
                }
                let kept = FlagSet(message.flags.flags.filter { traits.keeps($0) })
                let date = message.internalDate?.secondsSinceEpoch ?? 0
                var uid: UID?
                try effect("deliver \(mailbox)") { uid = append(octets, to: mailbox, flags: kept, date: date) }
                let validity = model.withLock { model in model.mailboxes.first { $0.name == mailbox }?.uidValidity }
                guard let uid, let validity else {
                    throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
                }
                let outcome: DeliveryOutcome =
                    features.tellsUIDs ? .delivered(UIDValidity(validity), uid) : .delivered(nil, nil)
                try await each(message, outcome)
            }
        } catch let error as StoreError {
            throw error
        } catch {
            throw StoreError(.consumerFailed, "the caller failed", mailbox: mailbox, cause: error)
        }
    }

    public func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        try check(mailbox, uidValidity)
        var outcomes: [UID: FlagOutcome] = [:]
        for change in changes {
            guard let message = model.withLock({ $0.message(change.uid, mailbox) }) else {
                outcomes[change.uid] = .gone
                continue
            }
            if features.hasModSeq, let limit = change.unchangedSince, let modSeq = message.summary.modSeq,
                modSeq > limit
            {
                outcomes[change.uid] = .conflicted
                continue
            }
            let old = message.summary.flags
            let flags = FlagSet(old.flags.filter { !change.removing.contains($0) } + change.adding.flags)
            try effect("flags \(mailbox) \(change.uid)") { setFlags(flags, of: change.uid, in: mailbox) }
            outcomes[change.uid] = .changed
        }
        return outcomes
    }

    public func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        try await transfer(uids, mailbox, uidValidity, target, removes: false)
    }

    public func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        try await transfer(uids, mailbox, uidValidity, target, removes: true)
    }

    private func transfer(
        _ uids: UIDSet, _ mailbox: MailboxName, _ uidValidity: UIDValidity, _ target: MailboxName, removes: Bool
    ) async throws(StoreError) -> CopyReport {
        try check(mailbox, uidValidity)
        guard let validity = model.withLock({ model in model.mailboxes.first { $0.name == target }?.uidValidity })
        else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: target)
        }
        var report = CopyReport(uidValidity: features.tellsUIDs ? UIDValidity(validity) : nil)
        for uid in uids.uids {
            guard let message = model.withLock({ $0.message(uid, mailbox) }) else {
                report.missing.insert(uid)
                continue
            }
            var new: UID?
            try effect("copy \(mailbox) \(uid) \(target)") {
                model.withLock { $0.change(target) { new = $0.add(message) } }
            }
            if removes { try effect("expunge \(mailbox) \(uid)") { expunge(uid, from: mailbox) } }
            if features.tellsUIDs, let new { report.mapping[uid] = new }
        }
        return report
    }

    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        try check(mailbox, uidValidity)
        if features.marksBeforeExpunging {
            try effect("mark \(mailbox) \(uids)") {
                for message in contents where message.mailbox == mailbox && uids.contains(message.summary.uid) {
                    setFlags(message.summary.flags.inserting(.deleted), of: message.summary.uid, in: mailbox)
                }
            }
        }
        for uid in uids.uids { try effect("expunge \(mailbox) \(uid)") { expunge(uid, from: mailbox) } }
        return uids
    }

    public func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        let names = mailboxNames
        guard names.contains(mailbox) else { throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox) }
        guard !names.contains(target), !mailbox.isInbox else {
            throw StoreError(.refused, "cannot be renamed", mailbox: mailbox)
        }
        try effect("rename \(mailbox) \(target)") { rename(mailbox, as: target) }
    }

    public func remove(_ mailbox: MailboxName) async throws(StoreError) {
        let count = model.withLock { model in model.mailboxes.first { $0.name == mailbox }?.messages.count ?? 0 }
        guard count == 0, !mailbox.isInbox else {
            throw StoreError(.refused, "is not empty", mailbox: mailbox)
        }
        try effect("remove \(mailbox)") { delete(mailbox) }
    }

    private func check(_ mailbox: MailboxName, _ uidValidity: UIDValidity) throws(StoreError) {
        guard let found = model.withLock({ model in model.mailboxes.first { $0.name == mailbox } }) else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        guard found.uidValidity == uidValidity.value else {
            throw StoreError(.uidValidityChanged, "has other UIDs now", mailbox: mailbox, retry: .later)
        }
    }

    /// One change, which a test can stop before it happened and after it happened.
    private func effect(_ name: String, _ change: () -> Void) throws(StoreError) {
        try step("before " + name, isLogged: false)
        change()
        model.withLock { $0.log.append("write " + name) }
        try step("after " + name, isLogged: false)
    }
}
