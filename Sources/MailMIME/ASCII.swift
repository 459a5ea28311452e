/// The octets that mail syntax is made of.
enum ASCII {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let space: UInt8 = 0x20
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let hyphen = UInt8(ascii: "-")
    static let colon = UInt8(ascii: ":")

    static func lowercase(_ octet: UInt8) -> UInt8 {
        octet >= 0x41 && octet <= 0x5A ? octet | 0x20 : octet
    }

    static func isSpace(_ octet: UInt8) -> Bool {
        octet == space || octet == tab || octet == lineFeed || octet == carriageReturn
    }

    static func isDigit(_ octet: UInt8) -> Bool { octet >= 0x30 && octet <= 0x39 }

    // token = 1*<any CHAR except SPACE, CTLs, tspecials>   ; RFC 2045 §5.1
    static func isToken(_ octet: UInt8) -> Bool {
        guard octet > 0x20, octet < 0x7F else { return false }
        switch octet {
        case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "@"),
            UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ":"), UInt8(ascii: "\\"), UInt8(ascii: "\""),
            UInt8(ascii: "/"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "?"), UInt8(ascii: "="):
            return false
        default: return true
        }
    }

    /// 0 to 15, or `nil`.
    static func hexValue(_ octet: UInt8) -> UInt8? {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): octet - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): octet - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): octet - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    /// True when `octets` are `text` (lower-case ASCII) without regard to case.
    static func equal(_ octets: some Collection<UInt8>, _ text: StaticString) -> Bool {
        guard octets.count == text.utf8CodeUnitCount else { return false }
        return octets.elementsEqual(String(describing: text).utf8) { lowercase($0) == $1 }
    }

    /// `octets` without white space at both ends.
    static func trim(_ octets: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice = octets
        while let first = slice.first, isSpace(first) { slice.removeFirst() }
        while let last = slice.last, isSpace(last) { slice.removeLast() }
        return slice
    }

    /// `octets` without white space at the end.
    static func trimEnd(_ octets: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var slice = octets
        while let last = slice.last, isSpace(last) { slice.removeLast() }
        return slice
    }
}
