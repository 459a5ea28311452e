public import MailCore

/// What stands before the octets of one message of an APPEND; the octets are streamed behind it.
///
/// - SeeAlso: RFC 9051 §6.3.12, RFC 3502, RFC 3516 §4.4, RFC 6855 §4
public struct AppendItem: Sendable, Hashable {
    public enum Form: Sendable, Hashable {
        case text
        /// literal8: NUL may come. RFC 3516
        case binary
        /// `UTF8 (~{n} …)`: UTF-8 in header fields. RFC 6855
        case utf8
    }
    public var flags: FlagSet
    public var internalDate: InternalDate?
    public var octetCount: Int
    public var form: Form

    public init(flags: FlagSet = [], internalDate: InternalDate? = nil, octetCount: Int, form: Form = .text) {
        (self.flags, self.internalDate, self.octetCount, self.form) = (flags, internalDate, octetCount, form)
    }

    /// The octets up to the message; `isPlus` where no continuation request is waited for.
    public func opening(isPlus: Bool) -> [UInt8] {
        var text = flags.isEmpty ? "" : " (\(flags))"
        if let internalDate { text += " \"\(internalDate)\"" }
        text += form == .utf8 ? " UTF8 (" : " "
        return Array("\(text)\(form == .text ? "" : "~"){\(octetCount)\(isPlus ? "+" : "")}\r\n".utf8)
    }

    /// The octets behind the message.
    public var closing: [UInt8] { form == .utf8 ? [.close] : [] }
}

extension Command {
    /// The beginning of an APPEND, to be followed by one ``AppendItem`` or more and a line end.
    public static func appendHead(to mailbox: WireName) -> Command { Command("APPEND").adding(mailbox: mailbox) }

    /// CREATE of a mailbox with a use. RFC 6154 §3
    public static func create(_ mailbox: WireName, use: String) -> Command {
        Command("CREATE").adding(mailbox: mailbox).adding(" (USE (\\\(use)))")
    }

    /// LIST that tells the delimiter only. RFC 9051 §6.3.9
    public static let listRoot = Command("LIST").adding(" \"\" \"\"")
}

extension Command.LiteralMode {
    /// LIMIT: a message beyond this is announced first, so that a refusal does not cost its octets.
    private static let plusLimit = 1 << 20

    /// Whether the octets of a message may follow without a continuation request.
    public func sendsAtOnce(_ octetCount: Int) -> Bool { allows(octetCount) && octetCount <= Self.plusLimit }
}

extension CapabilitySet {
    /// `APPENDLIMIT=n`: octets of the largest message, for all mailboxes. RFC 7889
    public var appendLimit: Int? {
        names.lazy.compactMap { $0.hasPrefix("APPENDLIMIT=") ? Int($0.dropFirst(12)) : nil }.first
    }

    /// Each mailbox has a limit of its own, told by STATUS.
    public var hasMailboxAppendLimit: Bool { contains("APPENDLIMIT") }
    public var hasMultiAppend: Bool { contains("MULTIAPPEND") }
    public var hasUIDPlus: Bool { contains("UIDPLUS") || isRevision2 }
    public var hasBinary: Bool { contains("BINARY") || isRevision2 }
    public var createsSpecialUse: Bool { contains("CREATE-SPECIAL-USE") }
}
