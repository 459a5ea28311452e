/// Modified UTF-7, the encoding of international mailbox names in IMAP4rev1 and Maildir++.
///
/// - SeeAlso: RFC 3501 §5.1.3
public enum ModifiedUTF7 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,".utf8)

    /// The encoded octets of `name`; total.
    public static func encode(_ name: String) -> [UInt8] {
        var result: [UInt8] = []
        var pending: [UInt16] = []
        func flush() {
            guard !pending.isEmpty else { return }
            result.append(UInt8(ascii: "&"))
            var bits: UInt32 = 0
            var bitCount = 0
            for unit in pending {
                bits = (bits << 16) | UInt32(unit)
                bitCount += 16
                while bitCount >= 6 {
                    bitCount -= 6
                    result.append(alphabet[Int((bits >> UInt32(bitCount)) & 0x3F)])
                }
                bits &= (1 << UInt32(bitCount)) - 1
            }
            if bitCount > 0 { result.append(alphabet[Int((bits << UInt32(6 - bitCount)) & 0x3F)]) }
            result.append(UInt8(ascii: "-"))
            pending.removeAll()
        }
        for unit in name.utf16 {
            if (0x20...0x7E).contains(unit) {
                flush()
                result.append(UInt8(unit))
                if unit == 0x26 { result.append(UInt8(ascii: "-")) }
            } else {
                pending.append(unit)
            }
        }
        flush()
        return result
    }

    /// The name that `octets` encode, or `nil` if they are not valid modified UTF-7.
    ///
    /// Tolerated: printable ASCII encoded in base64 (some servers do). Refused: octets outside printable ASCII,
    /// an unterminated or empty shift, non-zero padding bits, a lone surrogate.
    public static func decode(_ octets: some Sequence<UInt8>) -> String? {
        var units: [UInt16] = []
        var shifted = false
        var bits: UInt32 = 0
        var bitCount = 0
        var shiftLength = 0
        for octet in octets {
            guard (0x20...0x7E).contains(octet) else { return nil }
            if shifted {
                if octet == UInt8(ascii: "-") {
                    if shiftLength == 0 {
                        units.append(0x26)
                    } else if bitCount >= 6 || bits & ((1 << UInt32(bitCount)) - 1) != 0 {
                        return nil
                    }
                    shifted = false
                    continue
                }
                guard let value = sextet(octet) else { return nil }
                shiftLength += 1
                bits = ((bits << 6) | value) & 0x3F_FFFF
                bitCount += 6
                if bitCount >= 16 {
                    bitCount -= 16
                    units.append(UInt16(truncatingIfNeeded: bits >> UInt32(bitCount)))
                }
            } else if octet == UInt8(ascii: "&") {
                (shifted, bits, bitCount, shiftLength) = (true, 0, 0, 0)
            } else {
                units.append(UInt16(octet))
            }
        }
        guard !shifted else { return nil }
        return String(validating: units, as: UTF16.self)
    }

    private static func sextet(_ octet: UInt8) -> UInt32? {
        switch octet {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(octet - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(octet - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(octet - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: ","): 63
        default: nil
        }
    }
}
