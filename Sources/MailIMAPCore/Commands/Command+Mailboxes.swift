public import MailCore

/// A data item of STATUS.
public enum StatusItem: String, Sendable, Hashable, CaseIterable {
    case messages = "MESSAGES"
    case uidNext = "UIDNEXT"
    case uidValidity = "UIDVALIDITY"
    case highestModSeq = "HIGHESTMODSEQ"
    case mailboxID = "MAILBOXID"
    /// Octets of the largest message it takes. RFC 7889 §4
    case appendLimit = "APPENDLIMIT"
}

/// What LIST is asked to return besides names.
public enum ListReturn: Sendable, Hashable {
    case subscribed, children, specialUse
    case status([StatusItem])

    var text: String {
        switch self {
        case .subscribed: "SUBSCRIBED"
        case .children: "CHILDREN"
        case .specialUse: "SPECIAL-USE"
        case .status(let items): "STATUS (\(items.map(\.rawValue).joined(separator: " ")))"
        }
    }
}

/// How a mailbox is opened for a look.
public enum SelectMode: Sendable, Hashable {
    case plain
    case condStore
    /// What is known: RFC 7162 §3.2.5.
    case quickResync(UIDValidity, ModSeq, known: UIDSet)
}

extension Command {
    /// LIST of every name that begins with `prefix`, with `returning`, which needs LIST-EXTENDED or what it says.
    public static func list(prefix: [UInt8] = [], returning: [ListReturn] = []) -> Command {
        let command = Command("LIST").adding(" \"\"").adding(string: prefix + [.star])
        guard !returning.isEmpty else { return command }
        return command.adding(" RETURN (" + returning.map(\.text).joined(separator: " ") + ")")
    }

    public static func lsub(pattern: String = "*") -> Command { Command("LSUB").adding(" \"\" \"\(pattern)\"") }

    public static func status(_ mailbox: WireName, _ items: [StatusItem]) -> Command {
        Command("STATUS").adding(mailbox: mailbox)
            .adding(" (" + items.map(\.rawValue).joined(separator: " ") + ")")
    }

    public static func examine(_ mailbox: WireName, _ mode: SelectMode = .plain) -> Command {
        Command("EXAMINE").adding(mailbox: mailbox).adding(mode)
    }

    public static func select(_ mailbox: WireName, _ mode: SelectMode = .plain) -> Command {
        Command("SELECT").adding(mailbox: mailbox).adding(mode)
    }

    public static func create(_ mailbox: WireName) -> Command { Command("CREATE").adding(mailbox: mailbox) }
    public static func delete(_ mailbox: WireName) -> Command { Command("DELETE").adding(mailbox: mailbox) }
    public static func subscribe(_ mailbox: WireName) -> Command { Command("SUBSCRIBE").adding(mailbox: mailbox) }
    public static func unsubscribe(_ mailbox: WireName) -> Command { Command("UNSUBSCRIBE").adding(mailbox: mailbox) }

    public static func rename(_ mailbox: WireName, to newName: WireName) -> Command {
        Command("RENAME").adding(mailbox: mailbox).adding(mailbox: newName)
    }

    /// Opens `mailbox` for reading.
    ///
    /// QUIRK: Courier answers EXAMINE with counters of its own; there SELECT is used, and only what does not write.
    public static func open(_ mailbox: WireName, _ mode: SelectMode = .plain, bySelect: Bool) -> Command {
        bySelect ? select(mailbox, mode) : examine(mailbox, mode)
    }

    private func adding(_ mode: SelectMode) -> Command {
        switch mode {
        case .plain: self
        case .condStore: adding(" (CONDSTORE)")
        case .quickResync(let validity, let modSeq, let known):
            adding(" (QRESYNC (\(validity) \(modSeq)" + (known.isEmpty ? "" : " \(known)") + "))")
        }
    }
}
