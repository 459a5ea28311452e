public import MailCore
import MailIMAPCore

extension IMAPAccountStore: SearchingStore {
    public func search(
        _ program: SearchProgram, in mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> UIDSet {
        try await withSession(for: mailbox) { (session) async throws(StoreError) in
            try await session.settle()
            try await session.openForReading(mailbox, uidValidity)
            return try await session.search(program)
        }
    }
}

extension IMAPSession {
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
