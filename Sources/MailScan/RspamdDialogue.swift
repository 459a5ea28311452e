import FoundationEssentials

/// Rspamd: POST /checkv2; JSON comes back.
///
/// - SeeAlso: rspamd.com/doc/developers/protocol.html
package struct RspamdDialogue: ScanDialogue {
    package init() {}

    /// What of the answer counts.
    private struct Answer: Decodable {
        /// Whether it did not look at the message.
        var isSkipped: Bool?
        /// `no action`, `add header`, `reject`, …
        var action: String?
        var score: Double?

        enum CodingKeys: String, CodingKey {
            case isSkipped = "is_skipped"
            case action, score
        }
    }

    /// LIMIT: recipients that are named; what is asked about is the message.
    private static let recipientLimit = 50
    /// What mailarc's rules call spam; the same words are read in X-Rspamd-Action.
    private static let spamActions: Set<String> = ["add header", "rewrite subject", "quarantine", "reject"]

    package func request(_ request: ScanRequest) -> [UInt8] {
        var lines = [
            "POST /checkv2 HTTP/1.1", "Host: localhost", "User-Agent: mailarc", "Connection: close",
            "Content-Length: \(request.message.count)",
        ]
        if Self.isField(request.sender) { lines.append("From: <\(request.sender)>") }
        for recipient in request.recipients.filter(Self.isField).prefix(Self.recipientLimit) {
            lines.append("Rcpt: <\(recipient)>")
        }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + request.message
    }

    /// Nobody outside writes lines of the request.
    private static func isField(_ address: String) -> Bool {
        (1...320).contains(address.utf8.count) && address.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }

    package func verdict(_ octets: [UInt8], isEnd: Bool) throws(ScanError) -> ScanVerdict? {
        guard let head = try AnswerHead(octets, isEnd: isEnd) else { return nil }
        let words = head.lines[0].split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw ScanError(.refused, "what answers is not rspamd")
        }
        guard status == 200 else { throw ScanError(.refused, "rspamd says \(status)") }
        var body = head.body
        // QUIRK: none is in chunks: the request ends the connection.
        if let length = head.field("content-length").flatMap({ Int($0) }), length >= 0 {
            guard body.count >= length else {
                guard !isEnd else { throw ScanError(.refused, "rspamd said half of it") }
                return nil
            }
            body = body.prefix(length)
        } else if !isEnd {
            return nil
        }
        return try Self.verdict(Data(body))
    }

    private static func verdict(_ body: Data) throws(ScanError) -> ScanVerdict {
        let answer: Answer
        do { answer = try JSONDecoder().decode(Answer.self, from: body) } catch {
            throw ScanError(.refused, "what rspamd says is not understood", cause: error)
        }
        // QUIRK: Rspamd 3.4 "skips" what it rejects for GTUBE or by a setting of its own: the action counts then.
        guard let action = answer.action?.lowercased(), answer.isSkipped != true || action != "no action" else {
            throw ScanError(.refused, "rspamd did not look at the message")
        }
        return ScanVerdict(isSpam: spamActions.contains(action), score: answer.score)
    }
}
