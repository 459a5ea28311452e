/// What a receiver answers to a command.
///
/// ```
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF   ; RFC 5321 §4.2
/// ```
package struct SMTPReply: Sendable, Hashable {
    package var code: Int
    /// `class.subject.detail` (RFC 3463), in front of each line of text; `nil` where RFC 2034 §4 has none.
    package var status: String?
    /// At least one line, without line ends.
    package var lines: [String]

    package init(_ code: Int, _ status: String?, _ lines: String...) {
        (self.code, self.status, self.lines) = (code, status, lines)
    }

    package init(_ code: Int, _ status: String?, lines: [String]) {
        (self.code, self.status, self.lines) = (code, status, lines)
    }

    /// The client may take it that it was done.
    package var isPositive: Bool { code < 400 }
    /// The client may try again later.
    package var isTemporary: Bool { (400..<500).contains(code) }

    /// As sent.
    package var octets: [UInt8] {
        var result: [UInt8] = []
        for (index, line) in lines.enumerated() {
            let text = status.map { "\($0) \(line)" } ?? line
            result += Array("\(code)\(index == lines.count - 1 ? " " : "-")\(text)\r\n".utf8)
        }
        return result
    }
}

extension SMTPReply {
    package static let ok = SMTPReply(250, "2.0.0", "Ok")
    package static let stopping = SMTPReply(421, "4.3.2", "The service is stopping")
    static let tooManyConnections = SMTPReply(421, "4.3.2", "Too many connections")
    static let timedOut = SMTPReply(421, "4.4.2", "Nothing came in time")
    static let notAllowed = SMTPReply(554, "5.7.1", "This client is not served")
    static let tooLarge = SMTPReply(552, "5.3.4", "The message is too large")
}
