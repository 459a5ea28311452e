/// The SHA-256 of the exact octets of a message or decoded part.
///
/// Never written to disk in the clear (ArchiveFormat.md, invariant I2).
public struct ContentDigest: Hashable, Sendable {
    /// 32 octets.
    public let octets: [UInt8]

    /// `nil` unless `octets` has 32 members.
    public init?(octets: [UInt8]) {
        guard octets.count == 32 else { return nil }
        self.octets = octets
    }

    public var hex: String { octets.hex }
}

/// A random 16-octet handle: of a blob's key, a pack, an archive.
public struct RandomID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 16 octets.
    public let octets: [UInt8]

    /// `nil` unless `octets` has 16 members.
    public init?(octets: [UInt8]) {
        guard octets.count == 16 else { return nil }
        self.octets = octets
    }

    /// `nil` unless `hex` is 32 hexadecimal digits.
    public init?(hex: String) {
        guard let octets = [UInt8](hex: hex) else { return nil }
        self.init(octets: octets)
    }

    public var description: String { octets.hex }
}

extension Collection<UInt8> {
    /// Lower-case hexadecimal, two digits an octet.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(count * 2)
        for octet in self {
            result.append(digits[Int(octet >> 4)])
            result.append(digits[Int(octet & 15)])
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension [UInt8] {
    /// The octets `hex` spells; `nil` for an odd count or another character.
    public init?(hex: String) {
        func nibble(_ digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        let digits = Array(hex.utf8)
        guard digits.count % 2 == 0 else { return nil }
        self.init()
        reserveCapacity(digits.count / 2)
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let high = nibble(digits[index]), let low = nibble(digits[index + 1]) else { return nil }
            append(high << 4 | low)
        }
    }
}
