import MailSMTP
import Testing

@Suite struct CommandTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let line: String
        /// `nil`: no command.
        let command: SMTPCommand?
        init(_ line: String, _ command: SMTPCommand?) { (self.line, self.command) = (line, command) }
        var testDescription: String { line }
    }

    static let cases = [
        Case("EHLO mx.example.org", .hello(.ehlo, name: "mx.example.org")),
        Case("helo  [192.0.2.1] ", .hello(.helo, name: "[192.0.2.1]")),
        Case("LHLO x", .hello(.lhlo, name: "x")), Case("EHLO", nil), Case("EHLO ", nil),
        Case("MAIL FROM:<>", .mail(SMTPPath(""), [])),
        Case("mail from: <a@example.org>", .mail(SMTPPath("a@example.org"), [])),
        Case(
            "MAIL FROM:<a@b> SIZE=12 body=8BITMIME SMTPUTF8",
            .mail(
                SMTPPath("a@b"),
                [SMTPParameter("SIZE", "12"), SMTPParameter("BODY", "8BITMIME"), SMTPParameter("SMTPUTF8")])),
        Case("MAIL FROM:<@relay,@other:a@b>", .mail(SMTPPath("a@b"), [])),
        Case("MAIL FROM:<\"a b>c\\\"\"@d>", .mail(SMTPPath("\"a b>c\\\"\"@d"), [])),
        Case("MAIL FROM:<a..b.@example.org>", .mail(SMTPPath("a..b.@example.org"), [])),
        Case("MAIL FROM:<ü@example.org>", .mail(SMTPPath("ü@example.org"), [])),
        Case("MAIL FROM:a@b", nil), Case("MAIL FROM:<a b>", nil), Case("MAIL FROM:<a@b>SIZE=1", nil),
        Case("MAIL FROM:<a@b", nil), Case("MAIL <a@b>", nil), Case("MAIL", nil), Case("MAIL FROM:", nil),
        Case("MAIL FROM:<a@b> =1", nil), Case("MAIL FROM:<\"a@b>", nil), Case("MAIL FROM:<a<b>", nil),
        Case("RCPT TO:<Postmaster>", .recipient(SMTPPath("Postmaster"), [])), Case("RCPT TO:<>", nil),
        Case("RCPT TO:<a@b> NOTIFY=NEVER", .recipient(SMTPPath("a@b"), [SMTPParameter("NOTIFY", "NEVER")])),
        Case("BDAT 0 LAST", .chunk(octetCount: 0, isLast: true)), Case("bdat 7", .chunk(octetCount: 7, isLast: false)),
        Case("BDAT 999999999999999 last", .chunk(octetCount: 999_999_999_999_999, isLast: true)),
        Case("BDAT", nil), Case("BDAT -1", nil), Case("BDAT +1", nil), Case("BDAT 1 FIRST", nil),
        Case("BDAT 1000000000000000", nil), Case("BDAT 99999999999999999999999", nil),
        Case("DATA", .data), Case("DATA ", .data), Case("DATA now", nil), Case("RSET", .reset), Case("QUIT", .quit),
        Case("NOOP whatever", .noop), Case("VRFY anna", .verify), Case("HELP", .help), Case("STARTTLS", .startTLS),
        Case("STARTTLS now", nil), Case("AUTH PLAIN x", .unserved("AUTH")),
        Case("XCLIENT ADDR=1", .unserved("XCLIENT")),
        Case("GET / HTTP/1.1", .unknown), Case("", .unknown), Case("NOOP \u{0}", nil), Case("\u{7F}", nil),
    ]

    @Test("a line is the command it spells", arguments: cases)
    func parses(_ item: Case) {
        #expect((try? SMTPCommand(parsing: Array(item.line.utf8))) == item.command)
    }

    @Test("no octets in an address are made up: what is no UTF-8 is refused")
    func octets() {
        #expect(throws: SMTPSyntaxError.self) {
            try SMTPCommand(parsing: Array("MAIL FROM:<".utf8) + [0xFF] + Array("@b>".utf8))
        }
    }

    @Test("a reply has its code and status on each line")
    func reply() {
        let reply = SMTPReply(250, "2.0.0", "one", "two")
        #expect(String(decoding: reply.octets, as: UTF8.self) == "250-2.0.0 one\r\n250 2.0.0 two\r\n")
        #expect(String(decoding: SMTPReply(354, nil, "go").octets, as: UTF8.self) == "354 go\r\n")
    }
}
