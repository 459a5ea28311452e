/// A command of a client, as far as a receiver knows it.
///
/// - SeeAlso: RFC 5321 §4.1, RFC 2033 §4.1, RFC 3207, RFC 3030
package enum SMTPCommand: Sendable, Hashable {
    case hello(Hello, name: String)
    case mail(SMTPPath, [SMTPParameter])
    case recipient(SMTPPath, [SMTPParameter])
    case data
    case chunk(octetCount: Int, isLast: Bool)
    case reset
    case noop
    case verify
    case help
    case quit
    case startTLS
    /// A verb this receiver knows of and does not serve.
    case unserved(String)
    case unknown

    /// How a client introduces itself.
    package enum Hello: String, Sendable {
        case helo = "HELO"
        case ehlo = "EHLO"
        case lhlo = "LHLO"
    }
}

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]   ; RFC 5321 §4.1.2`
package struct SMTPParameter: Sendable, Hashable {
    /// In upper case.
    package var keyword: String
    package var value: String?

    package init(_ keyword: String, _ value: String? = nil) { (self.keyword, self.value) = (keyword, value) }
}

/// An envelope address without angle brackets and source route; empty for the null reverse-path `<>`.
package struct SMTPPath: Sendable, Hashable, CustomStringConvertible {
    package var text: String
    package var isASCII: Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    package init(_ text: String) { self.text = text }
    package var description: String { text }
}

/// Why a line is no command.
package struct SMTPSyntaxError: Error, Sendable, Hashable {
    package var reply: SMTPReply

    init(_ status: String, _ text: String, code: Int = 501) { reply = SMTPReply(code, status, text) }
}
