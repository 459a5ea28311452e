import MailCore
import Synchronization

/// What the mailbox listed last holds, so that describing and reading parts of it does not list it again.
final class LastListing<Content: Sendable>: Sendable {
    private let last = Mutex<(mailbox: MailboxName, content: Content)?>(nil)

    /// `nil` for any other mailbox than the last.
    func content(of mailbox: MailboxName) -> Content? {
        last.withLock { $0?.mailbox == mailbox ? $0?.content : nil }
    }

    /// Before the next is listed, so that never two are held.
    func forget() { last.withLock { $0 = nil } }

    /// Remembers `content`, and gives it back.
    func note(_ content: Content, of mailbox: MailboxName) -> Content {
        last.withLock { $0 = (mailbox, content) }
        return content
    }
}
