/// The answer to one request, as far as an authorization server's needs reading.
///
/// - SeeAlso: RFC 9112 §4, §6, §7.1
package struct HTTPReply: Sendable, Hashable {
    /// LIMIT: octets of a body; tokens have some thousand at the most.
    package static let bodyLimit = 64 << 10
    /// LIMIT: octets of status line and header fields.
    package static let headLimit = 16 << 10

    package var status: Int
    package var body: [UInt8]

    package init(status: Int, body: [UInt8]) { (self.status, self.body) = (status, body) }

    /// Reads `octets`, everything that came so far; `nil`: not all of it yet.
    ///
    /// - Parameter isEnd: the server closed.
    /// - Throws: `.malformed`.
    package static func parse(_ octets: [UInt8], isEnd: Bool) throws(OAuthError) -> HTTPReply? {
        guard let end = endOfHead(octets) else {
            guard octets.count <= headLimit else { throw error("more than \(headLimit) octets before any body") }
            guard !isEnd else { throw error(octets.isEmpty ? "nothing at all" : "half an answer") }
            return nil
        }
        let lines = String(decoding: octets[..<end], as: UTF8.self).split(
            omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]), (100...599).contains(status)
        else { throw error("what is not HTTP/1.1") }
        let rest = octets[(end + 4)...]
        // What goes before the answer itself. RFC 9110 §15.2
        if status < 200 { return try parse(Array(rest), isEnd: isEnd) }
        let fields = fields(lines.dropFirst())
        guard let body = try body(Array(rest), fields, isEnd: isEnd) else { return nil }
        return HTTPReply(status: status, body: body)
    }

    private static func body(
        _ octets: [UInt8], _ fields: [String: String], isEnd: Bool
    ) throws(OAuthError) -> [UInt8]? {
        let tooMuch = error("more than \(bodyLimit) octets")
        if fields["transfer-encoding"]?.lowercased().contains("chunked") == true {
            // Lines of sizes take less than what they count.
            guard octets.count <= 2 * bodyLimit else { throw tooMuch }
            guard let body = try unchunked(octets) else {
                guard !isEnd else { throw error("half an answer") }
                return nil
            }
            guard body.count <= bodyLimit else { throw tooMuch }
            return body
        }
        guard octets.count <= bodyLimit else { throw tooMuch }
        guard let length = fields["content-length"] else { return isEnd ? octets : nil }
        guard let count = Int(length), count >= 0 else { throw error("a length that is none") }
        guard count <= bodyLimit else { throw tooMuch }
        guard octets.count >= count else {
            guard !isEnd else { throw error("half an answer") }
            return nil
        }
        return Array(octets.prefix(count))
    }

    // chunk = chunk-size [chunk-ext] CRLF chunk-data CRLF   ; RFC 9112 §7.1
    private static func unchunked(_ octets: [UInt8]) throws(OAuthError) -> [UInt8]? {
        var (body, place) = ([UInt8](), 0)
        while true {
            guard let end = octets[place...].firstIndex(of: 0x0A) else { return nil }
            let digits = octets[place..<end].prefix { $0 != 0x0D && $0 != UInt8(ascii: ";") }
            guard let count = Int(String(decoding: digits, as: UTF8.self), radix: 16), (0...bodyLimit).contains(count)
            else { throw error("a chunk without a size, or of more than \(bodyLimit) octets") }
            if count == 0 { return body }
            place = end + 1
            guard octets.count >= place + count + 2 else { return nil }
            body += octets[place..<(place + count)]
            place += count + 2
        }
    }

    private static func endOfHead(_ octets: [UInt8]) -> Int? {
        octets.indices.dropLast(3).first { octets[$0...].starts(with: [13, 10, 13, 10]) }
    }

    private static func fields(_ lines: some Sequence<Substring>) -> [String: String] {
        var fields: [String: String] = [:]
        for line in lines {
            let halves = line.split(separator: ":", maxSplits: 1)
            guard halves.count == 2 else { continue }
            let value = halves[1].drop { $0.isWhitespace }
            fields[halves[0].lowercased()] = String(value.reversed().drop { $0.isWhitespace }.reversed())
        }
        return fields
    }

    private static func error(_ what: String) -> OAuthError {
        OAuthError(.malformed, "The authorization server sent \(what)")
    }
}
