import ArchiveCrypto
import MailCore

/// A message of a scenario, made from its key alone.
///
/// `N` is a plain message; `N*` the same after one more delivery (trace fields added, RFC 5321 §4.4); `N'` has the
/// Message-ID of `N` and another body; `-N` has neither Message-ID nor Received; `N#` is large.
public struct Letter: Sendable, Hashable {
    public let key: String

    public init(_ key: String) { self.key = key }

    /// What the message is called whatever way it came: the key without `*`.
    public var tag: String { key.hasSuffix("*") ? String(key.dropLast()) : key }

    /// Some 40 KB.
    var isLarge: Bool { tag.hasSuffix("#") }

    /// The field that carries the tag, so that an altered message is still known.
    static let tagField = "X-Tag"

    /// CRLF line ends, as on the wire.
    public var octets: [UInt8] {
        let isBare = tag.hasPrefix("-")
        let identity = tag.hasSuffix("'") ? String(tag.dropLast()) : tag
        var fields: [String] = []
        if key.hasSuffix("*") {
            fields += [
                "Delivered-To: \(identity)@lab.example",
                "Received: from mail.lab.example ([127.0.0.1])\r\n\tby store.lab.example with LMTP id \(identity)2;"
                    + " Mon, 06 Jan 2020 10:00:01 +0000",
            ]
        }
        if !isBare {
            fields.append(
                "Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n\tby mail.lab.example (Postfix)"
                    + " with ESMTP id \(identity)1;\r\n\tMon, 06 Jan 2020 10:00:00 +0000")
        }
        fields += [
            "From: anna@example.net", "To: bela@lab.example", "Subject: mail \(tag)",
            "Date: Mon, 06 Jan 2020 09:59:58 +0000",
        ]
        if !isBare { fields.append("Message-ID: <\(identity)@example.net>") }
        fields.append("\(Self.tagField): \(tag)")
        let filling = String(
            repeating: "A line of which a large message has many, \(tag).\r\n", count: isLarge ? 900 : 0)
        let body = "body of \(tag)\r\n\(filling)Message \(tag) ends here.\r\n"
        return Array((fields.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    /// The internal date it is given, seconds since 1970: another one for each tag, years ago.
    public var internalDate: Int64 {
        // A polynomial over the tag; every step is far below the limits of 64 bits.
        let number = tag.utf8.reduce(Int64(7)) { ($0 * 31 + Int64($1)) % 60_000 }
        return 1_420_070_400 + number * 3_607
    }

    /// SHA-256 of the octets, in hexadecimal digits.
    public var digest: String { Letter.digest(octets) }

    static func digest(_ octets: [UInt8]) -> String { SHA256.hash(octets).hex }

    /// The digest of a message as it was made, whatever trace fields a delivery put before it. RFC 5321 §4.4
    static func digest(delivered octets: [UInt8], tag: String?) -> String {
        guard let made = tag.map({ Letter($0).octets }), octets.count > made.count,
            octets.suffix(made.count).elementsEqual(made), isTrace(octets.dropLast(made.count))
        else { return digest(octets) }
        return digest(made)
    }

    private static let traceFields = ["return-path", "received", "delivered-to", "x-original-to"]

    private static func isTrace(_ head: ArraySlice<UInt8>) -> Bool {
        String(decoding: head, as: UTF8.self).split(separator: "\r\n").allSatisfy { line in
            line.first == " " || line.first == "\t"
                || traceFields.contains(line.prefix { $0 != ":" }.lowercased())
        }
    }

    /// The digests a message of this tag may have: as it was made, and with trace fields.
    static func digests(of tag: String) -> Set<String> { [Letter(tag).digest, Letter(tag + "*").digest] }

    /// The tag that a message of these octets carries, or `nil`.
    static func tag(in octets: [UInt8]) -> String? {
        let mark = Array("\r\n\(tagField): ".utf8)
        guard octets.count > mark.count else { return nil }
        for start in 0..<(octets.count - mark.count) where octets[start] == 13 {
            guard octets[start..<(start + mark.count)].elementsEqual(mark) else { continue }
            return String(decoding: octets[(start + mark.count)...].prefix { $0 != 13 }, as: UTF8.self)
        }
        return nil
    }
}
