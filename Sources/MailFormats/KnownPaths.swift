import MailCore
import Synchronization

/// Where each mailbox of a tree is, so that the tree is walked once and not for every mailbox.
final class KnownPaths: Sendable {
    private let paths = Mutex<[MailboxName: [UInt8]]>([:])

    /// The path of `mailbox`; a name that is not known has the tree walked again.
    ///
    /// - Throws: `.noSuchMailbox`.
    func path(
        of mailbox: MailboxName, walking walk: () -> [(name: MailboxName, path: [UInt8])]
    ) throws(StoreError) -> [UInt8] {
        if let path = paths.withLock({ $0[mailbox] }) { return path }
        let found = Dictionary(walk().map { ($0.name, $0.path) }) { first, _ in first }
        paths.withLock { $0 = found }
        guard let path = found[mailbox] else {
            throw StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
        }
        return path
    }
}
