/// A cursor over one complete response: its line, with literals in place.
///
/// Every `take…` leaves the position alone when it returns `nil`. Nothing traps, whatever the octets are.
struct LineCursor {
    let octets: [UInt8]
    /// Offsets of the `{` of literals whose octets were streamed and are not in ``octets``, with their counts.
    let streamed: [StreamedMark]
    let end: Int
    var position = 0

    init(_ octets: [UInt8], streamed: [StreamedMark] = [], end: Int? = nil) {
        (self.octets, self.streamed, self.end) = (octets, streamed, Swift.min(end ?? octets.count, octets.count))
    }

    var isAtEnd: Bool { position >= end }
    var peek: UInt8? { position < end ? octets[position] : nil }

    mutating func skipSpaces() {
        while position < end, octets[position] == .space || octets[position] == .tab { position += 1 }
    }

    mutating func take(_ octet: UInt8) -> Bool {
        guard position < end, octets[position] == octet else { return false }
        position += 1
        return true
    }

    // atom = 1*ATOM-CHAR   ; RFC 9051 §9. QUIRK: 8-bit octets, `*`, `%`, `]` and `\` are taken as well.
    /// The octets up to a space, parenthesis, quote or literal.
    mutating func takeAtom() -> Range<Int>? {
        let start = position
        while position < end {
            switch octets[position] {
            case .space, .tab, .open, .close, .quote: return start == position ? nil : start..<position
            case .openBrace where literalHeader(at: position) != nil:
                return start == position ? nil : start..<position
            default: position += 1
            }
        }
        return start == position ? nil : start..<position
    }

    /// An atom in upper case; up to 15 octets without allocation.
    mutating func takeWord() -> String? { takeAtom().map { upperWord($0) } }

    func upperWord(_ range: Range<Int>) -> String {
        unsafe String(unsafeUninitializedCapacity: range.count) { buffer in
            // SAFETY: the buffer has at least `range.count` places and every one of them is written.
            for offset in 0..<range.count {
                let octet = octets[range.lowerBound + offset]
                unsafe buffer[offset] = octet >= 0x80 ? .question : octet.upper
            }
            return range.count
        }
    }

    /// Digits; `nil` without digits or beyond 2⁶³−1 (a sign is not a digit).
    mutating func takeNumber() -> UInt64? {
        var value: UInt64 = 0
        var index = position
        while index < end, octets[index].isDigit {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow2) = product.addingReportingOverflow(UInt64(octets[index] &- 0x30))
            guard !overflow, !overflow2, sum <= UInt64(Int64.max) else { return nil }
            value = sum
            index += 1
        }
        guard index > position else { return nil }
        position = index
        return value
    }

    mutating func takeNumber32() -> UInt32? {
        let start = position
        guard let value = takeNumber(), let number = UInt32(exactly: value) else {
            position = start
            return nil
        }
        return number
    }

    // quoted = DQUOTE *QUOTED-CHAR DQUOTE
    mutating func takeQuoted() -> [UInt8]? {
        guard peek == .quote else { return nil }
        var result: [UInt8] = []
        var index = position + 1
        while index < end {
            let octet = octets[index]
            if octet == .quote {
                position = index + 1
                return result
            }
            if octet == .backslash, index + 1 < end { index += 1 }
            result.append(octets[index])
            index += 1
        }
        return nil
    }

    // literal = "{" number64 ["+"] "}" CRLF *CHAR8 ; literal8 = "~{" number64 "}" CRLF *OCTET
    mutating func takeLiteral() -> Literal? {
        let start = position
        if peek == .tilde { position += 1 }
        guard let header = literalHeader(at: position) else {
            position = start
            return nil
        }
        if let mark = streamed.first(where: { $0.headerOffset == position }) {
            position = header.bodyOffset
            return .streamed(mark.count)
        }
        guard header.count <= end - header.bodyOffset else {
            position = start
            return nil
        }
        position = header.bodyOffset + header.count
        return .octets(Array(octets[header.bodyOffset..<position]))
    }

    enum Literal {
        case octets([UInt8])
        case streamed(Int)
    }

    /// The count and first offset of the literal whose `{` is at `offset`, if there is one.
    func literalHeader(at offset: Int) -> (count: Int, bodyOffset: Int)? {
        guard offset < end, octets[offset] == .openBrace else { return nil }
        var index = offset + 1
        var count = 0
        while index < end, octets[index].isDigit, index - offset < 20 {
            count = count &* 10 &+ Int(octets[index] &- 0x30)
            index += 1
        }
        guard index > offset + 1, count >= 0 else { return nil }
        if index < end, octets[index] == .plus { index += 1 }
        guard index < end, octets[index] == .closeBrace else { return nil }
        index += 1
        if index < end, octets[index] == .carriageReturn { index += 1 }
        guard index < end, octets[index] == .lineFeed else { return nil }
        return (count, index + 1)
    }

    // astring = 1*ASTRING-CHAR / string
    mutating func takeString() -> [UInt8]? {
        if let quoted = takeQuoted() { return quoted }
        if case .octets(let octets)? = takeLiteral() { return octets }
        return takeAtom().map { Array(octets[$0]) }
    }

    // nstring = string / nil
    /// `.some(nil)` for NIL, `nil` when there is no string.
    mutating func takeOptionalString() -> [UInt8]?? {
        if peek == .quote || peek == .openBrace || peek == .tilde {
            return takeString().map { .some($0) }
        }
        guard let atom = takeAtom() else { return nil }
        return upperWord(atom) == "NIL" ? .some(nil) : .some(Array(octets[atom]))
    }
}

/// Where a streamed literal stood in its line.
struct StreamedMark: Sendable, Hashable {
    var headerOffset: Int
    var count: Int
}

extension UInt8 {
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let open = UInt8(ascii: "(")
    static let close = UInt8(ascii: ")")
    static let openBracket = UInt8(ascii: "[")
    static let closeBracket = UInt8(ascii: "]")
    static let openBrace = UInt8(ascii: "{")
    static let closeBrace = UInt8(ascii: "}")
    static let quote = UInt8(ascii: "\"")
    static let backslash = UInt8(ascii: "\\")
    static let tilde = UInt8(ascii: "~")
    static let plus = UInt8(ascii: "+")
    static let star = UInt8(ascii: "*")
    static let question = UInt8(ascii: "?")
    static let carriageReturn: UInt8 = 13
    static let lineFeed: UInt8 = 10

    var isDigit: Bool { self >= 0x30 && self <= 0x39 }
    var upper: UInt8 { self >= 0x61 && self <= 0x7A ? self & 0xDF : self }
}
