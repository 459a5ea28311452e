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
        var limit: UInt32?
        while true {
            let command = Command.uidSearch(program, below: limit, isExtended: capabilities.hasExtendedSearch)
            let status = try await run(command) { response throws(StoreError) in
                switch response {
                case .search(let numbers, _): found = found.union(UIDSet(numbers.compactMap { UID($0) }))
                case .extendedSearch(let result): found = found.union(result.all ?? UIDSet())
                default: break
                }
            }
            if status.isTemporary { throw .throttled(status) }
            guard status.condition == .ok else {
                throw StoreError(
                    .capabilityMissing, "The server does not take the SEARCH program: \(status.text)")
            }
            guard case .messageLimit(_, let lowest)? = status.code, lowest != 1 else { return found }
            guard let lowest, lowest < limit ?? .max else {
                throw StoreError(.limitExceeded, "The server does not search everything: \(status.text)")
            }
            limit = lowest
        }
    }
}
