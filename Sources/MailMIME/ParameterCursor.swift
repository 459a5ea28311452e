/// Reads a structured field body from left to right; never looks back, so linear.
struct ParameterCursor {
    private let octets: ArraySlice<UInt8>
    private var position: Int

    init(_ octets: ArraySlice<UInt8>) { (self.octets, position) = (octets, octets.startIndex) }

    private var peek: UInt8? { position < octets.endIndex ? octets[position] : nil }

    /// Skips white space and comments, nested ones by count.
    mutating func skipSpace() {
        var depth = 0
        while let octet = peek {
            if octet == UInt8(ascii: "(") {
                depth += 1
            } else if octet == UInt8(ascii: ")"), depth > 0 {
                depth -= 1
            } else if depth > 0, octet == ASCII.backslash {
                position += 1
            } else if depth == 0, !ASCII.isSpace(octet) {
                return
            }
            position += 1
        }
        position = min(position, octets.endIndex)
    }

    mutating func accept(_ octet: UInt8) -> Bool {
        guard peek == octet else { return false }
        position += 1
        return true
    }

    mutating func token(allowing extra: UInt8? = nil) -> ArraySlice<UInt8> {
        let start = position
        while let octet = peek, ASCII.isToken(octet) || octet == extra { position += 1 }
        return octets[start..<position]
    }

    // parameter := attribute "=" value   ; RFC 2045 §5.1
    /// All parameters from here to the end; junk between semicolons is skipped.
    mutating func parameters() -> Parameters {
        var raw: [RawParameter] = []
        while position < octets.endIndex {
            skipSpace()
            let start = position
            let name = token()
            skipSpace()
            if !name.isEmpty, accept(UInt8(ascii: "=")) {
                skipSpace()
                raw.append(Self.raw(name: name, octets: value()))
            }
            skipSpace()
            if !accept(UInt8(ascii: ";")), position == start { position += 1 }
        }
        return raw.isEmpty ? Parameters() : Parameters(joining: raw)
    }

    private mutating func value() -> [UInt8] {
        guard accept(ASCII.quote) else {
            // QUIRK: values with spaces or tspecials and no quotes: up to the semicolon.
            let start = position
            while let octet = peek, octet != UInt8(ascii: ";"), octet != ASCII.lineFeed, octet != ASCII.carriageReturn {
                position += 1
            }
            return Array(ASCII.trim(Self.withoutComment(octets[start..<position])))
        }
        var result: [UInt8] = []
        while let octet = peek {
            position += 1
            if octet == ASCII.quote { break }
            if octet == ASCII.backslash, let next = peek, next == ASCII.quote || next == ASCII.backslash {
                result.append(next)
                position += 1
            } else if octet != ASCII.lineFeed, octet != ASCII.carriageReturn {
                result.append(octet)
            }
        }
        return result
    }

    /// A token may be followed by a comment: `us-ascii (Plain text)`.
    private static func withoutComment(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let open = value.firstIndex(of: UInt8(ascii: "(")), open > value.startIndex,
            ASCII.isSpace(value[open - 1]), value.contains(UInt8(ascii: ")"))
        else { return value }
        return value[..<open]
    }

    private static func raw(name: ArraySlice<UInt8>, octets: [UInt8]) -> RawParameter {
        var name = name
        var isExtended = false
        var section: Int?
        if name.last == UInt8(ascii: "*") {
            isExtended = true
            name.removeLast()
        }
        if let star = name.lastIndex(of: UInt8(ascii: "*")) {
            let digits = name[(star + 1)...]
            if !digits.isEmpty, digits.count < 6, digits.allSatisfy(ASCII.isDigit) {
                section = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
                name = name[..<star]
            }
        }
        return RawParameter(
            name: String(decoding: name.map(ASCII.lowercase), as: UTF8.self), octets: octets, section: section,
            isExtended: isExtended)
    }
}
