/// A mail store that also takes messages in: the write side of ``MailStore``, one conformance for restore and for sync.
///
/// Nothing here overwrites or removes what is there. After a connection error the caller does not know what became of
/// messages it was told nothing of: it looks with ``MailStore/observe(_:since:)`` and goes on with what is missing.
public protocol DeliveryStore: MailStore {
    /// Where names begin and what parts them.
    func hierarchy() async throws(StoreError) -> StoreHierarchy

    /// Makes `mailbox`, with `role` where the store can keep roles; no error if it is there.
    ///
    /// - Throws: `.refused` with the store's own words; connection errors.
    func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError)

    /// What `mailbox` keeps.
    ///
    /// - Throws: `.noSuchMailbox`; connection errors.
    func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits

    /// Adds messages to `mailbox`, each once, with those of their flags that `traits` keeps.
    ///
    /// `next` gives a message when there is room for it and `nil` at the end; it is held until its outcome is told.
    /// `each` is told what became of a message, once; mostly in the order they were given.
    /// - Throws: `.noSuchMailbox` where the store cannot make it; `.consumerFailed` for errors of `next` and `each`;
    ///   `.throttled`; connection errors.
    func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError)
}

/// Where the names of a store begin and what parts them.
public struct StoreHierarchy: Sendable, Hashable {
    /// What every name of the user's own begins with, but INBOX: `INBOX.`; mostly empty.
    public var prefix: [UInt8]
    public var delimiter: UInt8?

    public init(prefix: [UInt8] = [], delimiter: UInt8?) { (self.prefix, self.delimiter) = (prefix, delimiter) }
}

/// What a mailbox keeps of a message.
public struct DeliveryTraits: Sendable, Hashable {
    public var uidValidity: UIDValidity?
    /// What can be set for good; `nil` when the store does not say: everything.
    public var permanentFlags: [Flag]?
    /// Octets of the largest message taken.
    public var octetLimit: Int?
    /// Header fields may hold UTF-8.
    public var keepsUTF8Headers: Bool
    /// A message may hold NUL.
    public var takesNUL: Bool

    public init(
        uidValidity: UIDValidity? = nil, permanentFlags: [Flag]? = nil, octetLimit: Int? = nil,
        keepsUTF8Headers: Bool = false, takesNUL: Bool = false
    ) {
        (self.uidValidity, self.permanentFlags, self.octetLimit) = (uidValidity, permanentFlags, octetLimit)
        (self.keepsUTF8Headers, self.takesNUL) = (keepsUTF8Headers, takesNUL)
    }

    /// Whether `flag` stays when it is set.
    public func keeps(_ flag: Flag) -> Bool {
        guard flag != .recent, Self.isSpellable(flag) else { return false }
        guard let permanentFlags else { return true }
        return permanentFlags.contains(flag) || (!flag.isSystemFlag && permanentFlags.contains(Flag("\\*")))
    }

    // flag-keyword = atom   ; RFC 9051 §9
    private static func isSpellable(_ flag: Flag) -> Bool {
        let octets = flag.name.utf8.dropFirst(flag.isSystemFlag ? 1 : 0)
        return !octets.isEmpty && octets.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"(){%*\"\\]".utf8.contains($0) }
    }
}

/// A store that can take octets in before they are a message of it, so that a large one waits nowhere else.
public protocol StagingStore: DeliveryStore {
    /// A file for `mailbox` that no reader sees; gone with its last reference, unless it was delivered
    /// (``OutgoingMessage/file``).
    ///
    /// - Throws: `.noSuchMailbox`; `.diskFull`, `.ioFailed`.
    func stage(for mailbox: MailboxName) throws(StoreError) -> any SpoolFile
}

/// Octets that are written once and read any number of times; gone with the last reference.
public protocol SpoolFile: AnyObject {
    func append(_ octets: [UInt8]) throws(StoreError)
    func finish() throws(StoreError)
    func open() throws(StoreError) -> any OctetSource
}

/// One message on its way out; it can be read several times.
public protocol OutgoingMessage: AnyObject {
    var flags: FlagSet { get }
    var internalDate: InternalDate? { get }
    /// Exactly what ``open()`` gives.
    var octetCount: Int { get }
    var traits: OctetTraits { get }
    /// Where its octets wait, if that is a file.
    var file: (any SpoolFile)? { get }
    /// The octets from the beginning.
    func open() throws(StoreError) -> any OctetSource
    /// The store took it in another form only; told before the outcome.
    func wasChanged(_ change: DeliveryChange)
}

extension OutgoingMessage {
    public var file: (any SpoolFile)? { nil }
    public func wasChanged(_ change: DeliveryChange) {}
}

/// What a store insisted on before it took a message.
public struct DeliveryChange: Sendable, Hashable {
    /// CRLF was added to the last line, which had no end.
    public var addsLineEnd = false
    /// Without these.
    public var leavesOut: FlagSet = []

    public init() {}

    public var isNone: Bool { !addsLineEnd && leavesOut.isEmpty }
}

/// What octets are like, as far as a store may mind.
public struct OctetTraits: Sendable, Hashable {
    public var hasNUL = false
    /// NUL, and a part that is declared binary: a store may encode such parts anew. RFC 3516 §4.4
    public var isDeclaredBinary = false
    /// Octets beyond 127 in a header field.
    public var hasOctetsInHeader = false
    /// Those are UTF-8.
    public var isHeaderUTF8 = true
    /// A CR that is not part of a line end.
    public var hasBareCR = false
    /// The last octets are not CRLF.
    public var lacksLineEnd = false

    public init() {}

    /// Some stores keep such a message in another form than it came.
    public var isFragile: Bool { hasNUL || hasOctetsInHeader || hasBareCR }
}

/// Octets, piece by piece.
public protocol OctetSource: AnyObject {
    /// The next octets, at least one, or `nil` at the end.
    func next() throws(StoreError) -> [UInt8]?
}

/// What became of one message.
public enum DeliveryOutcome: Sendable, Hashable {
    /// It is there; the UID where the store tells it.
    case delivered(UIDValidity?, UID?)
    case refused(DeliveryRefusal)
}

/// Why a message was not taken. The raw value is the reason code in every report.
public struct DeliveryRefusal: Sendable, Hashable, Codable {
    public enum Reason: String, Sendable, Codable, CaseIterable {
        /// Larger than the server's limit.
        case tooBig = "too-big"
        case overQuota = "over-quota"
        /// The mailbox may not be written to.
        case noPermission = "no-permission"
        /// NUL, and a server that would not keep it.
        case nulOctets = "nul-octets"
        /// The server answered NO or BAD for this message.
        case refusedByServer = "server-refused"
        /// The mailbox cannot be made.
        case noMailbox = "no-mailbox"
        /// The connection broke in this message three times.
        case connectionLost = "connection-lost"
        /// The archive does not give it back whole.
        case unreadable
    }
    public var reason: Reason
    /// The server's own words; no mail content.
    public var detail: String

    public init(_ reason: Reason, detail: String = "") { (self.reason, self.detail) = (reason, detail) }
}
