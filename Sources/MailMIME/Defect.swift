/// Something in a message that is not as the standards want it; never a reason not to keep it.
public struct Defect: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
        /// The header ended at a delimiter or at the end of the message, without an empty line.
        case headerNotEnded = "header-not-ended"
        /// A line of a header is neither a field nor the continuation of one.
        case notAHeaderField = "not-a-header-field"
        /// A From_ line of an mbox stands before the header.
        case mboxFromLine = "mbox-from-line"
        /// A header is longer than ``ParserLimits/headerOctetCount``; the rest was not looked at.
        case headerTooLong = "header-too-long"
        /// A multipart has no boundary parameter, or an empty one.
        case boundaryMissing = "boundary-missing"
        case boundaryTooLong = "boundary-too-long"
        /// A multipart's last delimiter is missing.
        case closeDelimiterMissing = "close-delimiter-missing"
        /// A multipart has not one delimiter.
        case multipartWithoutParts = "multipart-without-parts"
        case nestingTooDeep = "nesting-too-deep"
        case tooManyParts = "too-many-parts"
        /// A multipart says it is base64 or quoted-printable; taken as if it did not (RFC 2045 §6.4).
        case encodedMultipart = "encoded-multipart"
        /// Lines end in CR alone.
        case bareCarriageReturns = "bare-carriage-returns"
        case contentTypeInvalid = "content-type-invalid"
        case unknownTransferEncoding = "unknown-transfer-encoding"
        case unknownCharset = "unknown-charset"
        /// Octets that mean nothing in the body's charset; replaced by U+FFFD in text.
        case invalidCharacters = "invalid-characters"
        /// Octets that mean nothing in the transfer encoding; skipped, or kept as they are.
        case invalidTransferEncoding = "invalid-transfer-encoding"
    }
    public var kind: Kind
    /// Where, in octets from the start of the raw message.
    public var offset: Int

    public init(_ kind: Kind, offset: Int) { (self.kind, self.offset) = (kind, offset) }
}
