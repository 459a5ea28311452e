/// Text as the full-text index takes it: runs of Chinese, Japanese and Korean characters become pairs.
///
/// `東京都` is indexed as `東京 京都 都`: those scripts put no spaces between words. Any two adjacent characters are
/// found, a single one by prefix. `ё` becomes `е`, as Russian is mostly written; the tokenizer folds Latin accents only.
/// The same is done to queries.
package enum Bigrams {
    /// `text` with each run replaced; the same string where there is none.
    package static func index(_ text: String) -> String {
        var text = text
        guard mayContain(&text) else { return text }
        return expand(text, keepsLast: true)
    }

    /// The phrase to look for: without the single character that ends the text, which starts no pair.
    package static func query(_ text: String) -> String {
        var text = text
        guard mayContain(&text) else { return text }
        return expand(text, keepsLast: false)
    }

    /// Whether `scalar` belongs to a script written without spaces between words (or with endings joined on).
    package static func isIdeographic(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x11FF, 0x3005...0x3007, 0x3040...0x30FF, 0x3130...0x318F, 0x31F0...0x31FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF, 0xFF66...0xFF9F, 0x20000...0x323AF:
            true
        default: false
        }
    }

    /// Looks at lead octets: E1 and E3–F0 begin the scripts in question (E2 is punctuation); D0 81 and D1 91 are Ё and ё.
    private static func mayContain(_ text: inout String) -> Bool {
        text.withUTF8 { octets in
            for index in octets.indices {
                let octet = unsafe octets[index]
                if octet < 0xD0 { continue }
                if octet >= 0xE1 && octet != 0xE2 { return true }
                // SAFETY: a lead octet is never the last one of valid UTF-8, which a String always is.
                if octet <= 0xD1, unsafe octets[index + 1] == (octet == 0xD0 ? 0x81 : 0x91) { return true }
            }
            return false
        }
    }

    private static func expand(_ text: String, keepsLast: Bool) -> String {
        var result = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        var runLength = 0
        func endRun(isLast: Bool) {
            guard let last = previous else { return }
            if keepsLast || !isLast || runLength == 1 { result.append(last) }
            result.append(" ")
            previous = nil
        }
        for scalar in text.unicodeScalars {
            if isIdeographic(scalar) {
                if let before = previous {
                    result.append(before)
                    result.append(scalar)
                    result.append(" ")
                    runLength += 1
                } else {
                    if !result.isEmpty { result.append(" ") }
                    runLength = 1
                }
                previous = scalar
            } else {
                endRun(isLast: false)
                result.append(scalar == "ё" ? "е" : scalar == "Ё" ? "Е" : scalar)
            }
        }
        endRun(isLast: true)
        return String(result)
    }
}
