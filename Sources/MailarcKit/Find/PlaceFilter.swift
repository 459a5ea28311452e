import ArchiveCatalog
import MailCore

/// Which mailboxes a query speaks of, so that an export of `mailbox:INBOX` writes INBOX only.
///
/// Only conditions every hit must meet count: those of the outermost AND. Others select messages, not places.
struct PlaceFilter {
    private var conditions: [QueryCondition] = []

    init(_ query: Query) {
        switch query.root {
        case .condition(let condition): conditions = [condition]
        case .and(let nodes):
            conditions = nodes.compactMap { node in
                if case .condition(let condition) = node { return condition }
                return nil
            }
        case .or, .not, .words: break
        }
    }

    func admits(account: String, mailbox: MailboxName) -> Bool {
        conditions.allSatisfy { condition in
            switch condition {
            case .account(let name): account.lowercased() == name
            case .mailbox(let name, let isPrefix):
                isPrefix ? mailbox.text.lowercased().hasPrefix(name) : mailbox.text.lowercased() == name
            default: true
            }
        }
    }
}
