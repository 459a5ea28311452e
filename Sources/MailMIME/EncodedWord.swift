/// Non-ASCII text in header fields.
///
/// - SeeAlso: RFC 2047
public enum EncodedWord {
    // encoded-word = "=?" charset "?" encoding "?" encoded-text "?="   ; RFC 2047 §2
    /// The text of an unstructured field's body: unfolded, encoded-words decoded, raw 8-bit octets guessed. Linear.
    ///
    /// Neighbouring words of the same charset are joined before decoding (QUIRK: senders cut characters in two).
    public static func decode(_ octets: ArraySlice<UInt8>) -> String {
        var result = ""
        var pending: (charset: String, octets: [UInt8])?
        var plainStart = octets.startIndex
        var position = octets.startIndex
        func flush() {
            if let word = pending { result += Charset.decode(word.octets, label: word.charset).text }
            pending = nil
        }
        // LIMIT: an unfinished "=?" is looked at up to this far, so that work stays linear.
        let window = 4_096
        while position < octets.endIndex {
            guard octets[position] == UInt8(ascii: "="), let word = Word(octets, at: position, window: window) else {
                position += 1
                continue
            }
            let between = octets[plainStart..<position]
            if pending == nil || !between.allSatisfy(ASCII.isSpace) {
                flush()
                result += unfolded(between)
            }
            if pending?.charset == word.charset {
                pending?.octets.append(contentsOf: word.octets)
            } else {
                flush()
                pending = (word.charset, word.octets)
            }
            position = word.end
            plainStart = position
        }
        flush()
        return result + unfolded(octets[plainStart...])
    }

    /// Without line ends; octets over 127 as UTF-8 or windows-1252.
    private static func unfolded(_ octets: ArraySlice<UInt8>) -> String {
        guard !octets.isEmpty else { return "" }
        return Charset.decode(octets.filter { $0 != ASCII.lineFeed && $0 != ASCII.carriageReturn }, label: nil).text
    }
}

extension EncodedWord {
    /// One encoded-word, decoded to the octets of its charset.
    private struct Word {
        var charset: String
        var octets: [UInt8]
        var end: Int

        init?(_ source: ArraySlice<UInt8>, at start: Int, window: Int) {
            let limit = min(source.endIndex, start + window)
            guard start + 6 < limit, source[start + 1] == UInt8(ascii: "?") else { return nil }
            let mark = UInt8(ascii: "?")
            guard let charsetEnd = source[(start + 2)..<limit].firstIndex(of: mark), charsetEnd > start + 2,
                charsetEnd - start < 80, charsetEnd + 2 < limit, source[charsetEnd + 2] == mark,
                !source[(start + 2)..<charsetEnd].contains(where: ASCII.isSpace)
            else { return nil }
            let textStart = charsetEnd + 3
            var index = textStart
            let equals = UInt8(ascii: "=")
            while index + 1 < limit, source[index] != mark || source[index + 1] != equals {
                // The start of another word: this one never ends. Keeps the work linear.
                let isStart = source[index] == equals && source[index + 1] == mark
                if isStart, index + 2 < limit, source[index + 2] != equals { return nil }
                index += 1
            }
            guard index + 1 < limit else { return nil }
            let text = source[textStart..<index]
            switch ASCII.lowercase(source[charsetEnd + 1]) {
            case UInt8(ascii: "b"): octets = Base64.decode(text)
            case UInt8(ascii: "q"): octets = Self.decodeQ(text)
            default: return nil
            }
            var name = String(decoding: source[(start + 2)..<charsetEnd].map(ASCII.lowercase), as: UTF8.self)
            if let star = name.firstIndex(of: "*") { name = String(name[..<star]) }
            charset = name
            end = index + 2
        }

        // QUIRK: raw spaces inside Q words; kept.
        private static func decodeQ(_ text: ArraySlice<UInt8>) -> [UInt8] {
            var result: [UInt8] = []
            var index = text.startIndex
            while index < text.endIndex {
                if text[index] == UInt8(ascii: "_") {
                    result.append(ASCII.space)
                } else if text[index] == UInt8(ascii: "="), index + 2 < text.endIndex,
                    let high = ASCII.hexValue(text[index + 1]), let low = ASCII.hexValue(text[index + 2])
                {
                    result.append(high << 4 | low)
                    index += 2
                } else {
                    result.append(text[index])
                }
                index += 1
            }
            return result
        }
    }
}

extension EncodedWord {
    /// LIMIT: an encoded-word is at most 75 characters long; 45 octets in base64 are 60.
    private static let octetsPerWord = 45

    /// `text` as the body of an unstructured field: itself if printable ASCII, else encoded-words of UTF-8 in base64,
    /// cut between characters and folded with `lineEnd` and a space.
    public static func encode(_ text: String, lineEnd: LineEnd = .crlf) -> [UInt8] {
        let needsEncoding = text.utf8.contains { $0 < 0x20 || $0 > 0x7E } || text.contains("=?")
        guard needsEncoding else { return Array(text.utf8) }
        var words: [[UInt8]] = [[]]
        for scalar in text.unicodeScalars {
            let octets = Array(String(Character(scalar)).utf8)
            if words[words.count - 1].count + octets.count > octetsPerWord { words.append([]) }
            words[words.count - 1] += octets
        }
        var result: [UInt8] = []
        for (index, word) in words.enumerated() {
            if index > 0 { result += lineEnd.octets + [ASCII.space] }
            result += Array("=?utf-8?B?".utf8)
            Base64.encode(word.span, into: &result)
            result += Array("?=".utf8)
        }
        return result
    }
}
