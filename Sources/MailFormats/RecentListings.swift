import MailCore
import Synchronization

/// What the mailboxes listed last hold, so that describing and fetching parts of them lists none again.
final class RecentListings<Content: Sendable>: Sendable {
    /// LIMIT: messages of all mailboxes held but the last, some 200 octets each.
    private static var messageLimit: Int { 50_000 }

    private struct Entry {
        var mailbox: MailboxName
        var content: Content
        var messages: Int
    }

    /// Oldest first.
    private let entries = Mutex<[Entry]>([])

    /// `nil` where nothing is held of `mailbox`.
    func content(of mailbox: MailboxName) -> Content? {
        entries.withLock { $0.last { $0.mailbox == mailbox }?.content }
    }

    /// Before `mailbox` is listed, so that never two large ones are held.
    func makeRoom(for mailbox: MailboxName) {
        entries.withLock { entries in
            entries.removeAll { $0.mailbox == mailbox }
            while entries.reduce(0, { $0 + $1.messages }) > Self.messageLimit { entries.removeFirst() }
        }
    }

    /// Remembers `content`, and gives it back.
    func note(_ content: Content, of mailbox: MailboxName, messages: Int) -> Content {
        entries.withLock { entries in
            entries.removeAll { $0.mailbox == mailbox }
            entries.append(Entry(mailbox: mailbox, content: content, messages: messages))
        }
        return content
    }
}
