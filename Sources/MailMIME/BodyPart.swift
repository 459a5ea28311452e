/// One node of a message's tree: the message itself, a multipart, an enclosed message, or a leaf with a body.
///
/// Offsets are octets from the start of the raw message.
/// - SeeAlso: RFC 2045 §2.6
public struct BodyPart: Sendable, Hashable {
    /// Its place in ``ParsedMessage/parts``; a part stands before the parts inside it.
    public internal(set) var index: Int
    /// `nil` for the message itself.
    public internal(set) var parentIndex: Int?
    /// In order; those of a multipart, or the one enclosed message.
    public internal(set) var childIndices: [Int] = []
    /// 1 for the message itself.
    public internal(set) var depth: Int

    /// As declared, or the default of the place (RFC 2045 §5.2, RFC 2046 §5.1.5).
    public internal(set) var contentType: ContentType
    public internal(set) var transferEncoding: TransferEncoding = .sevenBit
    public internal(set) var disposition: ContentDisposition?
    /// Without angle brackets.
    public internal(set) var contentID: String?
    /// The fields, as far as the limits let us keep them.
    public internal(set) var header = HeaderFields()

    /// The header's octets without the empty line.
    public internal(set) var headerRange: Range<Int>
    /// The body, transfer-encoded, without the line end that belongs to the next delimiter.
    public internal(set) var bodyRange: Range<Int>
    /// Header, empty line and body.
    public var range: Range<Int> { headerRange.lowerBound..<bodyRange.upperBound }

    /// A leaf's octets come as body events; all other octets are structure.
    public internal(set) var isLeaf = true

    public var isMultipart: Bool { !isLeaf && contentType.type == "multipart" }
    /// A message/rfc822 whose message was parsed: its one child.
    public var isEnclosedMessage: Bool { !isLeaf && contentType.type == "message" }

    /// The name a file of it should have; from Content-Disposition, else from Content-Type. Not safe as a path.
    public var fileName: String? { disposition?.fileName ?? contentType.parameters["name"] }

    /// True for a leaf or enclosed message that is to be shown apart from the text.
    public var isAttachment: Bool {
        if isMultipart { return false }
        if let disposition { return disposition.kind != "inline" || (fileName != nil && contentType.type != "text") }
        if fileName != nil { return true }
        return contentType.type != "text" && parentIndex != nil && !isEnclosedMessage && contentType.type != "multipart"
    }
}
