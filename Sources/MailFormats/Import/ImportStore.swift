public import MailCore
import Synchronization

/// A store that is read once, to be archived, and has more to tell than its messages.
public protocol ImportStore: PartwiseStore {
    /// What was found so far; all of it once every mailbox was looked at.
    var findings: ImportFindings { get }

    /// Where in the source a message is, for people; `nil` when nobody knows.
    func place(of uid: UID, in mailbox: MailboxName) -> String?
}

/// What an importer found besides messages.
public struct ImportFindings: Sendable, Hashable {
    /// Of each mailbox that is an mbox, how it tells messages apart.
    public var dialects: [MailboxName: MboxDialect] = [:]
    /// Files that hold no mail; `nil` where nobody counts them.
    public var otherFileCount: Int?
    /// What was not read, as sentences.
    public var problems: [String] = []

    /// Nothing found yet.
    public init() {}
}

/// Findings that are noted while a store is read.
final class FindingsNotes: Sendable {
    private let notes = Mutex(ImportFindings())

    var now: ImportFindings { notes.withLock { $0 } }
    func note(_ change: (inout ImportFindings) -> Void) { notes.withLock { change(&$0) } }
}
