public import MailCore

/// One complete response of a server.
///
/// - SeeAlso: RFC 9051 §7
public enum Response: Sendable, Hashable {
    /// `* OK`, `* NO`, `* BAD`, `* PREAUTH`, `* BYE`.
    case status(StatusResponse)
    case tagged(tag: String, StatusResponse)
    /// `+ text`
    case continuation([UInt8])
    case capability(CapabilitySet)
    case enabled([String])
    /// Field names in lower case.
    case id([String: String])
    case namespace(Namespaces)
    case list(ListEntry)
    case lsub(ListEntry)
    case mailboxStatus(MailboxStatusResponse)
    case search([UInt32], modSeq: ModSeq?)
    case extendedSearch(ExtendedSearch)
    case flags([Flag])
    case exists(UInt32)
    case recent(UInt32)
    case expunge(UInt32)
    case vanished(UIDSet, isEarlier: Bool)
    case fetch(FetchResponse)
    /// Anything else, as it came, without its line end.
    case raw([UInt8])
}

/// The condition of a status response.
public enum Condition: String, Sendable, Hashable {
    case ok = "OK"
    case no = "NO"
    case bad = "BAD"
    case preauth = "PREAUTH"
    case bye = "BYE"
}

/// A status response: condition, code, and text for people.
public struct StatusResponse: Sendable, Hashable {
    public var condition: Condition
    public var code: ResponseCode?
    /// Invalid UTF-8 is shown as U+FFFD.
    public var text: String

    public init(_ condition: Condition, code: ResponseCode? = nil, text: String = "") {
        (self.condition, self.code, self.text) = (condition, code, text)
    }
}

/// What a streaming parser reports.
public enum ResponseEvent: Sendable, Hashable {
    case response(Response)
    /// The octets of a message or part begin; those of one literal come before anything else.
    case literalBegin(StreamedLiteral)
    /// Offsets in the input handed to ``ResponseParser/next(_:from:)``; at least one octet.
    case literalOctets(Range<Int>)
    /// The announced octets are over. The response they belong to is whole only when it follows.
    case literalEnd
}

/// What is known of a literal of a FETCH response when it begins.
public struct StreamedLiteral: Sendable, Hashable {
    public var sequenceNumber: UInt32
    /// `nil` when the server names the UID after the body.
    public var uid: UID?
    /// `BODY[]`, `BODY[]<8388608>`, in upper case.
    public var item: String
    public var octetCount: Int
}

/// The three lists of NAMESPACE.
///
/// - SeeAlso: RFC 2342 §5
public struct Namespaces: Sendable, Hashable {
    public struct Namespace: Sendable, Hashable {
        public var prefix: [UInt8]
        public var delimiter: UInt8?
    }
    public var personal: [Namespace] = []
    public var otherUsers: [Namespace] = []
    public var shared: [Namespace] = []

    public init(personal: [Namespace] = [], otherUsers: [Namespace] = [], shared: [Namespace] = []) {
        (self.personal, self.otherUsers, self.shared) = (personal, otherUsers, shared)
    }
}

/// One line of LIST or LSUB; attributes in lower case with their backslash.
public struct ListEntry: Sendable, Hashable {
    public var attributes: Set<String>
    public var delimiter: UInt8?
    /// As on the wire.
    public var name: [UInt8]
    /// CHILDINFO, OLDNAME and others by upper-case name. RFC 5258 §3.
    public var extended: [String: ResponseValue]

    public init(
        attributes: Set<String>, delimiter: UInt8?, name: [UInt8], extended: [String: ResponseValue] = [:]
    ) {
        (self.attributes, self.delimiter, self.name, self.extended) = (attributes, delimiter, name, extended)
    }
}

/// One STATUS response; items not sent are `nil`.
public struct MailboxStatusResponse: Sendable, Hashable {
    public var name: [UInt8]
    public var messages: UInt32?
    public var uidNext: UInt32?
    public var uidValidity: UInt32?
    public var unseen: UInt32?
    public var recent: UInt32?
    public var size: UInt64?
    /// 0 is kept: it means "no persistent modification sequences".
    public var highestModSeq: UInt64?
    public var mailboxID: String?
    /// `nil` also for NIL: no limit.
    public var appendLimit: UInt64?
}

/// One ESEARCH response.
///
/// - SeeAlso: RFC 9051 §7.3.4
public struct ExtendedSearch: Sendable, Hashable {
    /// The tag of the command it answers, if given.
    public var tag: String?
    public var isUID: Bool = false
    public var min: UInt32?
    public var max: UInt32?
    public var count: UInt32?
    /// UIDs or sequence numbers; `nil` when ALL was not returned (nothing matched).
    public var all: UIDSet?
    public var modSeq: ModSeq?
}

/// The items of one FETCH response; what was not sent is `nil`.
public struct FetchResponse: Sendable, Hashable {
    public var sequenceNumber: UInt32
    public var uid: UID?
    public var flags: FlagSet?
    /// The octets between the quotes; `nil` when NIL or not sent.
    public var internalDate: String?
    /// RFC822.SIZE; a negative or huge one counts as not sent.
    public var octetCount: Int?
    public var modSeq: ModSeq?
    /// EMAILID, X-GM-MSGID or X-GUID, prefixed by its kind: `emailid:M123`.
    public var objectID: String?
    public var labels: [[UInt8]]?
    /// BODY[…], BINARY[…], RFC822 and its parts, by upper-case item name.
    public var bodies: [String: ResponseValue] = [:]
    /// ENVELOPE, BODYSTRUCTURE and everything unknown, by upper-case name.
    public var others: [String: ResponseValue] = [:]

    public init(sequenceNumber: UInt32) { self.sequenceNumber = sequenceNumber }
}
