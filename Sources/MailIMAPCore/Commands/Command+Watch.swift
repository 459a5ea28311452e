/// An event of NOTIFY.
///
/// - SeeAlso: RFC 5465 §5
public enum NotifyEvent: String, Sendable, Hashable, CaseIterable {
    case messageNew = "MessageNew"
    case messageExpunge = "MessageExpunge"
    case flagChange = "FlagChange"
    case mailboxName = "MailboxName"
    case subscriptionChange = "SubscriptionChange"
}

extension Command {
    /// IDLE; ended by ``idleEnd``. RFC 2177
    public static let idle = Command("IDLE")

    /// What ends IDLE: a line without a tag.
    public static let idleEnd: [UInt8] = Array("DONE\r\n".utf8)

    /// NOTIFY of `events` in all personal mailboxes. RFC 5465 §3
    public static func notify(_ events: [NotifyEvent]) -> Command {
        Command("NOTIFY").adding(" SET (personal (" + events.map(\.rawValue).joined(separator: " ") + "))")
    }
}

extension CapabilitySet {
    public var hasIdle: Bool { contains("IDLE") || isRevision2 }
    public var hasNotify: Bool { contains("NOTIFY") }
}

extension Response {
    /// True when the mailbox that is open, or any of the account, may be other than it was.
    public var isChange: Bool {
        switch self {
        case .exists, .expunge, .vanished(_, isEarlier: false), .fetch, .mailboxStatus, .list: true
        case .status(let status): status.code == .notificationOverflow
        default: false
        }
    }
}

extension ResponseCode {
    /// The server has given up telling what changes. RFC 5465 §5.8
    public static let notificationOverflow = ResponseCode.other("NOTIFICATIONOVERFLOW", [])
}
