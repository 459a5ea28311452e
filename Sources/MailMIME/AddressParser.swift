/// Reads address lists, total and in one pass; what is no address is left out or kept as the text it is.
///
/// - SeeAlso: RFC 5322 §3.4, §4.4
public struct AddressParser {
    /// LIMIT: addresses of one field; lists of some thousands are seen.
    public static let addressLimit = 50_000

    private enum Piece {
        /// An atom or encoded-word: raw.
        case word([UInt8])
        /// A quoted string: its content.
        case quoted([UInt8])
        case dot, at
        /// A domain literal with its brackets.
        case literal([UInt8])
    }
    private let octets: ArraySlice<UInt8>
    private var position: Int
    private var pieces: [Piece] = []
    private var angle: [Piece]?
    private var isInAngle = false
    private var comment: [UInt8]?
    private var group: String?
    private var result: [Address] = []

    private init(_ octets: ArraySlice<UInt8>) { (self.octets, position) = (octets, octets.startIndex) }

    // address-list = (address *("," address)) / obs-addr-list   ; RFC 5322 §3.4
    /// The addresses of a field's body, in order; those of groups with the group's name. Total; linear.
    public static func parse(_ octets: ArraySlice<UInt8>) -> [Address] {
        var parser = AddressParser(octets)
        parser.run()
        return parser.result
    }

    private mutating func run() {
        while position < octets.endIndex, result.count < Self.addressLimit {
            let octet = octets[position]
            position += 1
            switch octet {
            case UInt8(ascii: "("): comment = readComment()
            case ASCII.quote: add(.quoted(readQuoted(until: ASCII.quote)))
            case UInt8(ascii: "["):
                add(.literal([octet] + readQuoted(until: UInt8(ascii: "]")) + [UInt8(ascii: "]")]))
            case UInt8(ascii: "<"):
                if angle == nil { angle = [] }
                isInAngle = true
            case UInt8(ascii: ">"): isInAngle = false
            case UInt8(ascii: ","):
                // QUIRK: a source route `<@a,@b:c@d>` has commas (RFC 5322 §4.4 obs-route).
                if isInAngle, case .at? = angle?.first { continue }
                endAddress()
            case UInt8(ascii: ";"):
                // QUIRK: Outlook separates addresses by semicolons.
                endAddress()
                group = nil
            case ASCII.colon: colon()
            case UInt8(ascii: "."): add(.dot)
            case UInt8(ascii: "@"): add(.at)
            case _ where ASCII.isSpace(octet): break
            default: readAtom()
            }
        }
        endAddress()
    }

    private mutating func add(_ piece: Piece) {
        if isInAngle { angle?.append(piece) } else { pieces.append(piece) }
    }

    private mutating func colon() {
        if isInAngle {
            angle = []  // the end of a source route
        } else if group == nil, !pieces.isEmpty {
            group = Self.phrase(pieces) ?? ""
            pieces = []
        } else {
            add(.word([ASCII.colon]))
        }
    }

    private mutating func readAtom() {
        let start = position - 1
        while position < octets.endIndex, !Self.isSpecial(octets[position]) { position += 1 }
        add(.word(Array(octets[start..<position])))
    }

    private static func isSpecial(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "("), ASCII.quote, UInt8(ascii: "["), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: ","), UInt8(ascii: ";"), ASCII.colon, UInt8(ascii: "."), UInt8(ascii: "@"):
            true
        default: ASCII.isSpace(octet)
        }
    }

    private mutating func readQuoted(until end: UInt8) -> [UInt8] {
        var content: [UInt8] = []
        while position < octets.endIndex {
            let octet = octets[position]
            position += 1
            if octet == end { return content }
            if octet == ASCII.backslash, position < octets.endIndex {
                content.append(octets[position])
                position += 1
            } else if octet != ASCII.lineFeed, octet != ASCII.carriageReturn {
                content.append(octet)
            }
        }
        return content
    }

    private mutating func readComment() -> [UInt8] {
        var depth = 1
        var content: [UInt8] = []
        while position < octets.endIndex {
            let octet = octets[position]
            position += 1
            if octet == UInt8(ascii: "(") { depth += 1 }
            if octet == UInt8(ascii: ")") {
                depth -= 1
                if depth == 0 { return content }
            }
            if octet == ASCII.backslash, position < octets.endIndex {
                content.append(octets[position])
                position += 1
            } else {
                content.append(octet)
            }
        }
        return content
    }

    private mutating func endAddress() {
        defer {
            pieces = []
            angle = nil
            isInAngle = false
            comment = nil
        }
        if let angle {
            let mailbox = Self.mailbox(angle)
            let name = Self.phrase(pieces) ?? comment.map { EncodedWord.decode($0[...]) }
            guard !mailbox.isEmpty || name != nil else { return }
            result.append(Address(displayName: name, mailbox: mailbox, group: group))
            return
        }
        guard !pieces.isEmpty else { return }
        let hasAt = pieces.contains { if case .at = $0 { true } else { false } }
        let isOneWord = pieces.allSatisfy { if case .word = $0 { true } else if case .dot = $0 { true } else { false } }
        if hasAt || isOneWord && Self.wordRun(pieces) == 1 {
            // addr-spec (comment): the comment is the name (RFC 822 habit).
            let (name, mailbox) = Self.splitBare(pieces)
            let text = name ?? comment.map { EncodedWord.decode($0[...]) }
            result.append(Address(displayName: text, mailbox: mailbox, group: group))
        } else if let name = Self.phrase(pieces) {
            result.append(Address(displayName: name, mailbox: "", group: group))
        }
    }
}

extension AddressParser {
    /// Words that are not joined by dots.
    private static func wordRun(_ pieces: [Piece]) -> Int {
        var runs = 0
        var isJoined = false
        for piece in pieces {
            if case .dot = piece {
                isJoined = true
            } else {
                if !isJoined { runs += 1 }
                isJoined = false
            }
        }
        return runs
    }

    /// QUIRK: `Joe Doe joe@example.org` without angle brackets: the words before the last local part are a name.
    private static func splitBare(_ pieces: [Piece]) -> (name: String?, mailbox: String) {
        guard let at = pieces.lastIndex(where: { if case .at = $0 { true } else { false } }) else {
            return (nil, mailbox(pieces))
        }
        var start = at
        var expectsWord = true
        while start > 0 {
            if case .dot = pieces[start - 1] {
                expectsWord = true
            } else if expectsWord {
                expectsWord = false
            } else {
                break
            }
            start -= 1
        }
        return (phrase(Array(pieces[..<start])), mailbox(Array(pieces[start...])))
    }

    private static func mailbox(_ pieces: [Piece]) -> String {
        var text: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .word(let octets), .literal(let octets): text += octets
            case .quoted(let octets):
                let isPlain = !octets.isEmpty && octets.allSatisfy { ASCII.isToken($0) && $0 != UInt8(ascii: ".") }
                if isPlain {
                    text += octets
                } else {
                    text.append(ASCII.quote)
                    for octet in octets {
                        if octet == ASCII.quote || octet == ASCII.backslash { text.append(ASCII.backslash) }
                        text.append(octet)
                    }
                    text.append(ASCII.quote)
                }
            case .dot: text.append(UInt8(ascii: "."))
            case .at: text.append(UInt8(ascii: "@"))
            }
        }
        return EncodedWord.decode(text[...])
    }

    /// The words as text, one space between them; encoded-words decoded.
    private static func phrase(_ pieces: [Piece]) -> String? {
        var text: [UInt8] = []
        var isJoined = true
        for piece in pieces {
            switch piece {
            case .word(let octets), .quoted(let octets), .literal(let octets):
                if !isJoined { text.append(ASCII.space) }
                text += octets
                isJoined = false
            case .dot:
                text.append(UInt8(ascii: "."))
                isJoined = false
            case .at:
                text.append(UInt8(ascii: "@"))
                isJoined = true
            }
        }
        guard !text.isEmpty else { return nil }
        return EncodedWord.decode(text[...])
    }
}
