/// A status line: what the server says to a command.
///
/// - SeeAlso: RFC 1939 §3, RFC 2449 §8, RFC 5034 §4
package struct POP3Reply: Sendable, Hashable {
    package enum Indicator: Sendable, Hashable {
        case ok, error
        /// `+ `: the server waits for the next line of an authentication.
        case continuation
    }

    package var indicator: Indicator
    /// The extended code, upper case and without brackets (`SYS/TEMP`); `nil`: none.
    package var code: String?
    /// What is left of the line; for people, or base64 behind a continuation.
    package var text: String

    package init(_ indicator: Indicator, code: String? = nil, _ text: String = "") {
        (self.indicator, self.code, self.text) = (indicator, code, text)
    }

    // response = ("+OK" / "-ERR") [SP "[" resp-level *("/" resp-level) "]"] [SP text]   ; RFC 2449 §6
    /// `nil` for a line that is no status line. Upper and lower case are one.
    package init?(parsing line: [UInt8]) {
        let words: [(String, Indicator)] = [("+OK", .ok), ("-ERR", .error), ("+", .continuation)]
        guard let (word, indicator) = words.first(where: { Self.begins(line, with: $0.0) }) else { return nil }
        var rest = line[word.utf8.count...].drop { $0 == 0x20 }
        var code: String?
        if indicator != .continuation, rest.first == UInt8(ascii: "["), let end = rest.firstIndex(of: UInt8(ascii: "]"))
        {
            code = String(decoding: rest[(rest.startIndex + 1)..<end], as: UTF8.self).uppercased()
            rest = rest[(end + 1)...].drop { $0 == 0x20 }
        }
        // Terminals and logs get no control characters.
        let text = String(decoding: rest.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
        self.init(indicator, code: code, text)
    }

    /// The word alone, or the word and a space.
    private static func begins(_ line: [UInt8], with word: String) -> Bool {
        let count = word.utf8.count
        guard line.count >= count, line.count == count || line[count] == 0x20 else { return false }
        return zip(line, word.utf8).allSatisfy { ($0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0) == $1 }
    }

    package var isOK: Bool { indicator == .ok }

    /// The failure may pass: somebody else has the maildrop, it is too early, or something is broken for now.
    ///
    /// - SeeAlso: RFC 2449 §8.1, RFC 3206 §4
    package var isTemporary: Bool { ["IN-USE", "LOGIN-DELAY", "SYS/TEMP"].contains(code) }
}
