/// How a body's octets are written on the wire.
///
/// - SeeAlso: RFC 2045 §6
public enum TransferEncoding: Sendable, Hashable {
    case sevenBit, eightBit, binary
    case base64, quotedPrintable
    /// Before MIME: `x-uuencode` and its spellings.
    case uuencode
    /// Unknown; lower-case. The octets are taken as they are.
    case other(String)

    /// The encoding a header field's body names; ``sevenBit`` when it names none. Total.
    public init(parsing octets: some Sequence<UInt8>) {
        // QUIRK: some senders add a comment, a semicolon or quotes: `8bit;`, `"base64"`.
        var name: [UInt8] = []
        for octet in octets {
            if ASCII.isToken(octet) {
                name.append(ASCII.lowercase(octet))
            } else if !name.isEmpty {
                break
            }
        }
        switch String(decoding: name, as: UTF8.self) {
        case "7bit", "": self = .sevenBit
        case "8bit": self = .eightBit
        case "binary": self = .binary
        case "base64": self = .base64
        case "quoted-printable": self = .quotedPrintable
        case "x-uuencode", "x-uue", "uuencode", "x-uu": self = .uuencode
        case let other: self = .other(other)
        }
    }

    /// True when the octets on the wire are the content.
    public var isIdentity: Bool {
        switch self {
        case .sevenBit, .eightBit, .binary: true
        case .base64, .quotedPrintable, .uuencode, .other: false
        }
    }

    /// As a header field spells it.
    public var name: String {
        switch self {
        case .sevenBit: "7bit"
        case .eightBit: "8bit"
        case .binary: "binary"
        case .base64: "base64"
        case .quotedPrintable: "quoted-printable"
        case .uuencode: "x-uuencode"
        case .other(let name): name
        }
    }
}
