public import MailCore
import MailIMAPCore

extension IMAPAccountStore: SearchingStore {
    public func search(
        _ program: SearchProgram, in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.settle()
            if session.selected?.name != mailbox || session.selected?.uidValidity != uidValidity {
                try await session.openForReading(mailbox, uidValidity)
            }
            return try await session.search(program)
        }
    }
}

extension IMAPSession {
    /// Opens `mailbox` with EXAMINE.
    ///
    /// - Throws: `.noSuchMailbox`, `.uidValidityChanged`, `.throttled`.
    func openForReading(_ mailbox: MailboxName, _ uidValidity: UIDValidity) async throws(StoreError) {
        var found: UInt32?
        selected = nil
        let name = WireName(mailbox, isUTF8: isUTF8)
        let status = try await run(.open(name, bySelect: opensBySelect)) { response throws(StoreError) in
            if case .status(let status) = response, case .uidValidity(let value)? = status.code { found = value }
        }
        guard status.condition == .ok else {
            if status.isTemporary { throw .throttled(status, mailbox: mailbox) }
            throw StoreError(.noSuchMailbox, "The server refused to open it: \(status.text)", mailbox: mailbox)
        }
        guard (found ?? 0) == uidValidity.value else {
            throw StoreError(
                .uidValidityChanged, "UIDVALIDITY is \(found ?? 0), not \(uidValidity)", mailbox: mailbox, retry: .later
            )
        }
        selected = OpenMailbox(name: mailbox, uidValidity: uidValidity)
    }

    /// The messages of the open mailbox that `program` fits.
    func search(_ program: SearchProgram) async throws(StoreError) -> UIDSet {
        var found = UIDSet()
        let command = Command.uidSearch(program, isExtended: capabilities.hasExtendedSearch)
        let status = try await run(command) { response throws(StoreError) in
            switch response {
            case .search(let numbers, _): found = found.union(UIDSet(numbers.compactMap { UID($0) }))
            case .extendedSearch(let result): found = found.union(result.all ?? UIDSet())
            default: break
            }
        }
        if status.condition == .ok { return found }
        if status.isTemporary { throw .throttled(status) }
        throw StoreError(.capabilityMissing, "The server does not take the SEARCH program: \(status.text)")
    }
}
