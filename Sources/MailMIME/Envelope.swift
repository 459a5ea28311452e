/// What a message says of itself: who, to whom, when, about what, in answer to what.
///
/// - SeeAlso: RFC 9051 §2.3.5
public struct Envelope: Sendable, Hashable {
    public var from: [Address]
    public var sender: [Address]
    public var replyTo: [Address]
    public var to: [Address]
    public var cc: [Address]
    public var bcc: [Address]
    /// Decoded; `nil` without a Subject field.
    public var subject: String?
    /// `nil` when there is none that can be read.
    public var date: OriginationDate?
    /// Without angle brackets.
    public var messageID: String?
    public var inReplyTo: [String]
    public var references: [String]

    /// What `header` says. Fields of the same name are taken together where they are lists; else the first counts.
    public init(_ header: HeaderFields) {
        func addresses(_ name: String) -> [Address] { header.all(name).flatMap { AddressParser.parse($0) } }
        from = addresses("from")
        sender = addresses("sender")
        replyTo = addresses("reply-to")
        to = addresses("to")
        cc = addresses("cc")
        bcc = addresses("bcc")
        subject = header.first("subject").map { EncodedWord.decode(ASCII.trim($0)) }
        date = header.first("date").flatMap { DateParser.parse($0) }
        messageID = header.first("message-id").flatMap { MessageID.first($0) }
        inReplyTo = header.all("in-reply-to").flatMap { MessageID.list($0) }
        references = header.all("references").flatMap { MessageID.list($0) }
    }
}

extension ParsedMessage {
    /// Parsed anew at each call; keep it.
    public var envelope: Envelope { Envelope(header) }
}

extension HeaderFields {
    /// The text of the first field of this name (lower-case): unfolded, decoded, trimmed.
    public func text(_ name: String) -> String? { first(name).map { EncodedWord.decode(ASCII.trim($0)) } }
}
