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
            while index + 1 < limit, source[index] != mark || source[index + 1] != UInt8(ascii: "=") { index += 1 }
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
