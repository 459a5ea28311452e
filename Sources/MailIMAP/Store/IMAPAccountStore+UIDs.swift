public import MailCore

extension IMAPAccountStore {
    /// The UIDs `mailbox` has, by a way of its own, so that it can be held against what a run recorded.
    ///
    /// One round trip after EXAMINE where the server has ESEARCH; memory grows with the runs of UIDs.
    /// - Throws: `.noSuchMailbox` where it does not open; connection errors.
    public func listUIDs(of mailbox: MailboxName) async throws(StoreError) -> UIDListing {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.listUIDs(of: mailbox)
        }
    }

    /// RFC822.SIZE of the messages of `mailbox` with UIDs in `range`.
    ///
    /// - Throws: `.uidValidityChanged`, `.refused`; connection errors.
    public func listSizes(
        of mailbox: MailboxName, uidValidity: UIDValidity, _ range: ClosedRange<UInt32>
    ) async throws(StoreError) -> [UID: Int] {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.listSizes(of: mailbox, uidValidity, range)
        }
    }
}
