/// What ends a line that is written.
public enum LineEnd: UInt8, Sendable, Hashable, Codable {
    case lf = 0
    case crlf = 1

    public var octets: [UInt8] { self == .lf ? [0x0A] : [0x0D, 0x0A] }
    public var octetCount: Int { self == .lf ? 1 : 2 }
}
