public import MailCore
import MailIMAPCore

/// Changes to what is there: STORE, COPY, MOVE, EXPUNGE, RENAME, DELETE.
extension IMAPAccountStore: SyncStore {
    public var abilities: StoreAbilities {
        get async throws(StoreError) {
            // Known since the login: nothing on its way changes them.
            try await withSession { (session) async throws(StoreError) in
                let capabilities = session.capabilities
                return StoreAbilities(
                    expungesExactly: capabilities.hasUIDPlus, tellsUIDs: capabilities.hasUIDPlus,
                    guardsFlags: capabilities.hasConditionalStore)
            }
        }
    }

    public func setFlags(
        _ changes: [FlagChange], in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [UID: FlagOutcome] {
        guard !changes.isEmpty else { return [:] }
        return try await withSession(for: mailbox) { (session) async throws(StoreError) in
            let traits = try await session.openForWriting(mailbox, uidValidity)
            return try await session.setFlags(changes, traits)
        }
    }

    public func copy(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        guard !uids.isEmpty else { return CopyReport() }
        return try await onceInSession(mailbox) { (session) async throws(StoreError) in
            // Reading rights are enough.
            _ = try await session.openForWriting(mailbox, uidValidity, mayBeReadOnly: true)
            return try await session.copy(uids, to: target, moves: false)
        }
    }

    public func move(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity, to target: MailboxName
    ) async throws(StoreError) -> CopyReport {
        guard !uids.isEmpty else { return CopyReport() }
        return try await onceInSession(mailbox) { (session) async throws(StoreError) in
            _ = try await session.openForWriting(mailbox, uidValidity)
            guard !session.capabilities.hasMove else { return try await session.copy(uids, to: target, moves: true) }
            let report = try await session.copy(uids, to: target, moves: false)
            // ORDER: they are in the target before they leave.
            _ = try await session.expunge(uids.subtracting(report.missing))
            return report
        }
    }

    public func expunge(
        _ uids: UIDSet, from mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        guard !uids.isEmpty else { return uids }
        return try await withSession(for: mailbox) { (session) async throws(StoreError) in
            _ = try await session.openForWriting(mailbox, uidValidity)
            guard let bin = bin(for: mailbox), session.capabilities.hasMove else {
                return try await session.expunge(uids)
            }
            _ = try await session.copy(uids, to: bin, moves: true)
            return uids.subtracting(try await session.present(uids))
        }
    }

    public func rename(_ mailbox: MailboxName, to target: MailboxName) async throws(StoreError) {
        // RENAME of INBOX moves its messages and leaves it there. RFC 9051 §6.3.6
        guard !mailbox.isInbox else { throw StoreError(.refused, "INBOX keeps its name", mailbox: mailbox) }
        forgetListing()
        try await onceInSession(nil) { (session) async throws(StoreError) in
            try await session.rename(mailbox, to: target)
        }
    }

    public func remove(_ mailbox: MailboxName) async throws(StoreError) {
        guard !mailbox.isInbox else { throw StoreError(.refused, "INBOX cannot be removed", mailbox: mailbox) }
        forgetListing()
        try await withSession { (session) async throws(StoreError) in try await session.remove(mailbox) }
    }

    /// Runs `body` on a session, once: what it does cannot be repeated unseen.
    private func onceInSession<T>(
        _ mailbox: MailboxName?, _ body: (IMAPSession) async throws(StoreError) -> T
    ) async throws(StoreError) -> T {
        let session = try await pool.lease(for: mailbox)
        do throws(StoreError) {
            let result = try await body(session)
            await pool.giveBack(session)
            return result
        } catch {
            await pool.discard(session)
            throw error
        }
    }
}
