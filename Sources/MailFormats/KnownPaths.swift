import MailCore
import Synchronization

/// Where each mailbox of a tree is, so that the tree is walked once and not for every mailbox.
final class KnownPaths: Sendable {
    private let paths = Mutex<[MailboxName: [[UInt8]]]>([:])

    /// The path of `mailbox`; a name that is not known has the tree walked again.
    ///
    /// - Throws: `.noSuchMailbox`.
    func path(
        of mailbox: MailboxName, walking walk: () -> [(name: MailboxName, path: [UInt8])]
    ) throws(StoreError) -> [UInt8] {
        guard let path = try paths(of: mailbox, walking: walk).first else { throw Self.missing(mailbox) }
        return path
    }

    /// The same where a mailbox may lie in several places; never none.
    func paths(
        of mailbox: MailboxName, walking walk: () -> [(name: MailboxName, path: [UInt8])]
    ) throws(StoreError) -> [[UInt8]] {
        if let paths = paths.withLock({ $0[mailbox] }) { return paths }
        let found = Dictionary(walk().map { ($0.name, [$0.path]) }, uniquingKeysWith: +)
        paths.withLock { $0 = found }
        guard let paths = found[mailbox] else { throw Self.missing(mailbox) }
        return paths
    }

    private static func missing(_ mailbox: MailboxName) -> StoreError {
        StoreError(.noSuchMailbox, "no such mailbox", mailbox: mailbox)
    }
}
