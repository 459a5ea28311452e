import Glibc

/// Octets to text, by the charset a message names.
public enum Charset {
    /// The text, and what was wrong on the way.
    public struct Decoded: Sendable, Hashable {
        public var text: String
        /// The label means no charset we know; the octets were taken as UTF-8 or windows-1252.
        public var isLabelUnknown: Bool
        /// Octets without a meaning became U+FFFD.
        public var hasInvalidOctets: Bool
    }

    /// The text of `octets`, total and linear.
    ///
    /// Without a label, or with an unknown one: UTF-8 where valid, else windows-1252. US-ASCII with octets over 127 too.
    public static func decode(_ octets: [UInt8], label: String?) -> Decoded {
        let name = canonicalName(label ?? "us-ascii")
        switch name {
        case "us-ascii": return guess(octets, isLabelUnknown: false)
        case "utf-8": return utf8(octets)
        default:
            if let decoded = iconvDecode(octets, charset: name) { return decoded }
            return guess(octets, isLabelUnknown: true)
        }
    }

    private static func utf8(_ octets: [UInt8]) -> Decoded {
        if let text = String(validating: octets, as: UTF8.self) {
            return Decoded(text: text, isLabelUnknown: false, hasInvalidOctets: false)
        }
        return Decoded(text: String(decoding: octets, as: UTF8.self), isLabelUnknown: false, hasInvalidOctets: true)
    }

    private static func guess(_ octets: [UInt8], isLabelUnknown: Bool) -> Decoded {
        if let text = String(validating: octets, as: UTF8.self) {
            return Decoded(text: text, isLabelUnknown: isLabelUnknown, hasInvalidOctets: false)
        }
        // All of windows-1252 lies in the basic plane: one unit each. Appending scalar by scalar is many times slower.
        let text = String(decoding: octets.map { UInt16(Windows1252.scalar($0).value) }, as: UTF16.self)
        return Decoded(text: text, isLabelUnknown: isLabelUnknown, hasInvalidOctets: !isLabelUnknown)
    }

    /// Lower-case, with the aliases mail uses in place of the names iconv knows.
    static func canonicalName(_ label: String) -> String {
        var name = label.lowercased().filter { $0.isASCII && $0 != " " && $0 != "\"" && $0 != "'" }
        if let star = name.firstIndex(of: "*") { name = String(name[..<star]) }  // RFC 2231 §5 language suffix
        switch name {
        case "ascii", "us-ascii", "ansi_x3.4-1968", "iso-ir-6", "646", "default", "": return "us-ascii"
        case "utf-8", "utf8", "unicode-1-1-utf-8", "utf-8n": return "utf-8"
        // WHATWG: labels of ISO 8859-1 mean windows-1252 in practice; the C1 controls are never meant.
        case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "cp1252", "x-ansi", "windows1252":
            return "windows-1252"
        case "ks_c_5601-1987", "ks_c_5601", "ksc5601", "euc_kr", "korean", "x-windows-949": return "cp949"
        case "gb2312", "gb_2312-80", "gbk", "x-gbk", "csgb2312", "gb2312_charset": return "gb18030"
        case "big5", "x-x-big5", "cn-big5": return "big5-hkscs"
        case "shift_jis", "shift-jis", "x-sjis", "sjis", "ms_kanji", "windows-31j": return "cp932"
        case "x-euc-jp", "x-euc": return "euc-jp"
        case "iso-8859-8-i", "iso-8859-8-e", "logical": return "iso-8859-8"
        case "x-mac-roman", "x-macroman", "mac": return "macintosh"
        case "unicode-1-1-utf-7", "utf7": return "utf-7"
        case "utf-16", "unicode": return "utf-16"
        case "tis-620", "iso-8859-11", "windows-874": return "cp874"
        default:
            if name.hasPrefix("cp-") { return "cp" + name.dropFirst(3) }
            if name.hasPrefix("x-cp") || name.hasPrefix("x-windows-") { return String(name.dropFirst(2)) }
            return name
        }
    }

    /// `nil` when iconv does not know the charset. Octets it cannot convert become U+FFFD, one each.
    private static func iconvDecode(_ octets: [UInt8], charset: String) -> Decoded? {
        // glibc reads "//" and "," as options; a name has neither.
        guard !charset.isEmpty, charset.utf8.count < 64, !charset.contains("/"), !charset.contains(",") else {
            return nil
        }
        // SAFETY: iconv_open copies its arguments; the handle is closed on every way out.
        guard let handle = unsafe iconv_open("UTF-8", charset), Int(bitPattern: handle) != -1 else { return nil }
        defer { unsafe _ = iconv_close(handle) }
        var output: [UInt8] = []
        output.reserveCapacity(octets.count + octets.count / 2 + 16)
        var input = octets
        var hasInvalid = false
        var buffer = [CChar](repeating: 0, count: 16_384)
        // SAFETY: the pointers stay inside `input` and `buffer`, which live through the closures; iconv moves them by
        // what it read and wrote and never past the counts beside them.
        unsafe input.withUnsafeMutableBytes { source in
            unsafe buffer.withUnsafeMutableBufferPointer { target in
                guard let targetBase = target.baseAddress else { return }
                var next = unsafe source.baseAddress?.assumingMemoryBound(to: CChar.self)
                var left = source.count
                var isFlushing = false
                while true {
                    var out: UnsafeMutablePointer<CChar>? = unsafe targetBase
                    var room = target.count
                    let result =
                        isFlushing
                        ? unsafe iconv(handle, nil, nil, &out, &room) : unsafe iconv(handle, &next, &left, &out, &room)
                    let code = errno
                    let written = target.count - room
                    unsafe output.append(
                        contentsOf: UnsafeRawBufferPointer(start: UnsafeRawPointer(targetBase), count: written))
                    if result != -1 {
                        if isFlushing { return }
                        isFlushing = true
                    } else if code == E2BIG, !isFlushing || written > 0 {
                        continue
                    } else if isFlushing {
                        return
                    } else {
                        // EILSEQ or EINVAL: one octet means nothing here.
                        hasInvalid = true
                        output.append(contentsOf: [0xEF, 0xBF, 0xBD])
                        if left > 0 {
                            unsafe next = next?.advanced(by: 1)
                            left -= 1
                        }
                        if left == 0 { isFlushing = true }
                    }
                }
            }
        }
        return Decoded(
            text: String(decoding: output, as: UTF8.self), isLabelUnknown: false, hasInvalidOctets: hasInvalid)
    }
}

/// windows-1252 with the holes filled by the C1 controls, as browsers do.
enum Windows1252 {
    private static let high: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D,
        0x017D, 0x8F, 0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
        0x0153, 0x9D, 0x017E, 0x0178,
    ]

    static func scalar(_ octet: UInt8) -> Unicode.Scalar {
        guard octet >= 0x80, octet < 0xA0 else { return Unicode.Scalar(octet) }
        return Unicode.Scalar(high[Int(octet) - 0x80]) ?? "\u{FFFD}"
    }
}
