/// A media type with its parameters.
///
/// - SeeAlso: RFC 2045 §5
public struct ContentType: Sendable, Hashable {
    /// Lower-case, as `text`.
    public var type: String
    /// Lower-case, as `plain`.
    public var subtype: String
    public var parameters: Parameters

    public init(_ type: String, _ subtype: String, parameters: Parameters = Parameters()) {
        (self.type, self.subtype, self.parameters) = (type, subtype, parameters)
    }

    public static let plainText = ContentType("text", "plain")
    public static let message = ContentType("message", "rfc822")

    // content := "Content-Type" ":" type "/" subtype *(";" parameter)   ; RFC 2045 §5.1
    /// The type a header field's body names, or `nil` when it names none. Linear.
    public init?(parsing octets: ArraySlice<UInt8>) {
        var cursor = ParameterCursor(octets)
        cursor.skipSpace()
        let type = cursor.token()
        cursor.skipSpace()
        guard !type.isEmpty, cursor.accept(UInt8(ascii: "/")) else { return nil }
        cursor.skipSpace()
        let subtype = cursor.token(allowing: UInt8(ascii: "/"))
        guard !subtype.isEmpty else { return nil }
        self.init(
            String(decoding: type.map(ASCII.lowercase), as: UTF8.self),
            String(decoding: subtype.map(ASCII.lowercase), as: UTF8.self), parameters: cursor.parameters())
    }

    /// `text/plain`
    public var essence: String { type + "/" + subtype }
    public var charset: String? { parameters["charset"] }
}

/// How a part is to be presented.
///
/// - SeeAlso: RFC 2183
public struct ContentDisposition: Sendable, Hashable {
    /// Lower-case: `inline`, `attachment` or another word.
    public var kind: String
    public var parameters: Parameters
    public var fileName: String? { parameters["filename"] }

    /// What a header field's body says, or `nil` when it says nothing. Linear.
    public init?(parsing octets: ArraySlice<UInt8>) {
        var cursor = ParameterCursor(octets)
        cursor.skipSpace()
        _ = cursor.accept(ASCII.quote)
        let kind = cursor.token()
        let parameters = cursor.parameters()
        // QUIRK: `Content-Disposition: filename="x"` without a kind (RFC 2183 §2.8: unknown kinds are attachments).
        guard !kind.isEmpty || !parameters.isEmpty else { return nil }
        self.kind = kind.isEmpty ? "attachment" : String(decoding: kind.map(ASCII.lowercase), as: UTF8.self)
        self.parameters = parameters
    }
}
