/// Message identifiers as Message-ID, In-Reply-To and References hold them.
///
/// - SeeAlso: RFC 5322 §3.6.4
public enum MessageID {
    /// LIMIT: threads of some thousands of messages list some hundreds of references.
    static let listLimit = 1_000

    // msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS]   ; RFC 5322 §3.6.4
    /// Every identifier of a field's body, in order, without angle brackets and without white space. Total; linear.
    public static func list(_ octets: ArraySlice<UInt8>) -> [String] {
        var result: [String] = []
        var open: Int?
        for (index, octet) in zip(octets.indices, octets) where result.count < listLimit {
            if octet == UInt8(ascii: "<") {
                open = index + 1
            } else if octet == UInt8(ascii: ">"), let start = open {
                let identifier = octets[start..<index].filter { !ASCII.isSpace($0) }
                if !identifier.isEmpty { result.append(String(decoding: identifier, as: UTF8.self)) }
                open = nil
            }
        }
        return result
    }

    /// The first identifier, also one without angle brackets (QUIRK: Message-ID without them).
    public static func first(_ octets: ArraySlice<UInt8>) -> String? {
        if let identifier = list(octets).first { return identifier }
        let word = octets.drop(while: ASCII.isSpace).prefix { !ASCII.isSpace($0) && $0 != UInt8(ascii: "<") }
        return word.isEmpty ? nil : String(decoding: word, as: UTF8.self)
    }
}
