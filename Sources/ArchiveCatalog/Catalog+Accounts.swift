internal import GRDB
public import MailCore

/// Who gives the messages of an account their UIDs.
public enum UIDGiver: Sendable {
    /// The account's server, or its files: the account follows them.
    case source
    /// The archive itself: other stores are synced with it.
    case archive
}

extension Catalog {
    /// Who gives the UIDs of `account`, by all mailboxes it has or had; `nil` where the archive knows none.
    public func uidGiver(of account: String) throws(CatalogError) -> UIDGiver? {
        try read { db in
            let row = try Row.fetchOne(
                db, sql: "SELECT count(*), count(uidnext) FROM mailbox WHERE account = ?", arguments: [account])
            guard let row, row[0] as Int > 0 else { return nil }
            return row[1] as Int > 0 ? .archive : .source
        }
    }

    /// The highest UIDVALIDITY that any mailbox of `account` has, those that left included.
    public func highestUIDValidity(of account: String) throws(CatalogError) -> UIDValidity? {
        try read { db in
            try Int64.fetchOne(db, sql: "SELECT max(uidvalidity) FROM mailbox WHERE account = ?", arguments: [account])
                .map { UIDValidity(UInt32(truncatingIfNeeded: $0)) }
        }
    }
}
