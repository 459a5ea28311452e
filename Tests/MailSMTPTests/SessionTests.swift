import MailSMTP
import Testing

@Suite struct SessionTests {
    /// What is said, and the codes that come back.
    struct Case: CustomTestStringConvertible, Sendable {
        let label: String
        var mailProtocol = MailProtocol.smtp
        let lines: String
        let codes: [String]
        var testDescription: String { label }
    }

    static let cases = [
        Case(
            label: "a message", lines: "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nDATA\n",
            codes: ["250", "250 2.1.0", "250 2.1.5", "354"]),
        Case(label: "mail before hello", lines: "MAIL FROM:<a@b>\n", codes: ["503 5.5.1"]),
        Case(label: "recipient before mail", lines: "EHLO me\nRCPT TO:<a@b>\n", codes: ["250", "503 5.5.1"]),
        Case(
            label: "data without recipients", lines: "EHLO me\nMAIL FROM:<>\nDATA\n",
            codes: ["250", "250 2.1.0", "503 5.5.1"]),
        Case(
            label: "mail twice", lines: "EHLO me\nMAIL FROM:<>\nMAIL FROM:<>\nRSET\nMAIL FROM:<>\n",
            codes: ["250", "250 2.1.0", "503 5.5.1", "250 2.0.0", "250 2.1.0"]),
        Case(
            label: "hello again is a reset", lines: "EHLO me\nMAIL FROM:<>\nEHLO me\nRCPT TO:<a@b>\n",
            codes: ["250", "250 2.1.0", "250", "503 5.5.1"]),
        Case(label: "LMTP says LHLO", lines: "LHLO me\n", codes: ["500 5.5.1"]),
        Case(
            label: "SMTP says EHLO", mailProtocol: .lmtp, lines: "EHLO me\nHELO me\nLHLO me\n",
            codes: ["500 5.5.1", "500 5.5.1", "250"]),
        Case(
            label: "HELO has no parameters", lines: "HELO me\nMAIL FROM:<a@b> SIZE=1\nMAIL FROM:<a@b>\n",
            codes: ["250", "555 5.5.4", "250 2.1.0"]),
        Case(
            label: "parameters",
            lines: "EHLO me\nMAIL FROM:<a@b> SIZE=1 BODY=8BITMIME SMTPUTF8\nRSET\nMAIL FROM:<a@b> BODY=BINARYMIME\n"
                + "MAIL FROM:<a@b> SIZE=x\nMAIL FROM:<a@b> RET=FULL\nMAIL FROM:<a@b> SIZE=99999999999999999999\n",
            codes: ["250", "250 2.1.0", "250 2.0.0", "555 5.5.4", "501 5.5.4", "555 5.5.4", "552 5.3.4"]),
        Case(
            label: "recipients without DSN", lines: "EHLO me\nMAIL FROM:<>\nRCPT TO:<a@b> NOTIFY=NEVER\n",
            codes: ["250", "250 2.1.0", "555 5.5.4"]),
        Case(
            label: "an original recipient, as Dovecot's proxy tells it",
            lines: "EHLO me\nMAIL FROM:<>\nRCPT TO:<a@b> ORCPT=rfc822;c@d\nRCPT TO:<a@b> ORCPT=c@d\n"
                + "RCPT TO:<a@b> ORCPT\nRCPT TO:<a@b> ORCPT=rfc822;c@d NOTIFY=NEVER\n",
            codes: ["250", "250 2.1.0", "250 2.1.5", "555 5.5.4", "555 5.5.4", "555 5.5.4"]),
        Case(
            label: "UTF-8 needs SMTPUTF8",
            lines:
                "EHLO me\nMAIL FROM:<ü@b>\nMAIL FROM:<ü@b> SMTPUTF8\nRCPT TO:<ö@b>\nRSET\nMAIL FROM:<>\nRCPT TO:<ö@b>\n",
            codes: ["250", "553 5.6.7", "250 2.1.0", "250 2.1.5", "250 2.0.0", "250 2.1.0", "553 5.6.7"]),
        Case(
            label: "others", lines: "NOOP\nVRFY a\nEXPN a\nHELP\nETRN x\nAUTH PLAIN\nSTARTTLS\nGET /\n",
            codes: [
                "250 2.0.0", "252 2.5.2", "502 5.5.1", "214 2.0.0", "502 5.5.1", "502 5.5.1", "502 5.5.1", "500 5.5.2",
            ]),
        Case(label: "quit", lines: "QUIT\nNOOP\n", codes: ["221 2.0.0"]),
    ]

    @Test("commands are answered in order, pipelined or not, however they are cut", arguments: cases)
    func answers(_ item: Case) {
        var whole = Dialogue(item.mailProtocol)
        #expect(whole.say(item.lines) == item.codes)
        var single = Dialogue(item.mailProtocol)
        var codes: [String] = []
        for line in item.lines.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            codes += single.say(line + "\n")
        }
        #expect(codes == item.codes)
        let octets = item.lines.replacing("\n", with: "\r\n")
        for cut in octets.utf8.indices {
            var dialogue = Dialogue(item.mailProtocol)
            let first = dialogue.exactly(String(octets.utf8[..<cut]) ?? "")
            if String(octets.utf8[..<cut]) == nil { continue }
            #expect(first + dialogue.exactly(String(octets.utf8[cut...]) ?? "") == item.codes)
        }
    }

    private static let begin = "EHLO me\nMAIL FROM:<a@b>\nRCPT TO:<c@d>\nRCPT TO:<e@f>\nDATA\n"

    @Test("content is given on as it came, and what follows it is a command again")
    func content() throws {
        var dialogue = Dialogue()
        dialogue.say(Self.begin)
        #expect(dialogue.exactly("a\r\n..b\r\n.\r\nNOOP\r\n") == ["250 2.0.0", "250 2.0.0"])
        #expect(dialogue.messages == [Array("a\r\n.b\r\n".utf8)])
        let envelope = try #require(dialogue.envelopes.first)
        #expect(envelope.sender.text == "a@b" && envelope.recipients.map(\.text) == ["c@d", "e@f"])
        #expect(envelope.helloName == "me" && envelope.transport == "ESMTP" && envelope.tls == nil)
    }

    @Test("every split of a whole session gives the same messages and answers")
    func splits() {
        let session =
            "LHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<no@d>\r\nRCPT TO:<e@f>\r\nBDAT 4\r\n.\r\n\n"
            + "BDAT 3 LAST\r\nabcMAIL FROM:<>\r\nRCPT TO:<c@d>\r\nBDAT 0 LAST\r\nQUIT\r\n"
        func run(_ pieces: [String]) -> (String, [[UInt8]]) {
            var dialogue = Dialogue(.lmtp)
            dialogue.verdicts = ["no": SMTPReply(550, "5.1.1", "no")]
            var answers = ""
            for piece in pieces {
                dialogue.exactly(piece)
                answers += dialogue.answers
            }
            return (answers, dialogue.messages)
        }
        let (answers, messages) = run([session])
        #expect(messages == [Array(".\r\n\nabc".utf8), []])
        #expect(answers.split(separator: "\r\n").count { $0.hasPrefix("250 2.0.0 Ok") } == 4, "\(answers)")
        let octets = Array(session.utf8)
        for cut in 0...octets.count {
            let pieces = [octets[..<cut], octets[cut...]].map { String(decoding: $0, as: UTF8.self) }
            let cutRun = run(pieces)
            #expect(cutRun.0 == answers && cutRun.1 == messages, "cut at \(cut)")
        }
        let single = run(octets.map { String(decoding: [$0], as: UTF8.self) })
        #expect(single.0 == answers && single.1 == messages)
    }

    @Test("LMTP answers once for each recipient that was accepted, in their order; SMTP once")
    func replies() {
        for (name, expected) in [(MailProtocol.lmtp, ["250 2.0.0", "452 4.3.1"]), (.smtp, ["452 4.3.1"])] {
            var dialogue = Dialogue(name)
            dialogue.stored = { envelope in
                envelope.recipients.map { $0.text == "c@d" ? .ok : SMTPReply(452, "4.3.1", "full") }
            }
            dialogue.say(name == .lmtp ? Self.begin.replacing("EHLO", with: "LHLO") : Self.begin)
            #expect(dialogue.exactly("x\r\n.\r\n") == expected)
        }
    }

    @Test(
        "a message smuggled behind half a line end ends the connection",
        arguments: [
            "x\n.\nMAIL FROM:<evil@b>\r\n", "x\n.\r\nMAIL FROM:<evil@b>\r\n", "x\r\n.\nMAIL FROM:<evil@b>\r\n",
            "x\r.\rMAIL FROM:<evil@b>\r\n", "x\r\n.\rMAIL FROM:<evil@b>\r\n", "x\r.\r\nMAIL FROM:<evil@b>\r\n",
            "x\n", "x\ry\r\n.\r\n",
        ])
    func smuggling(_ text: String) {
        var dialogue = Dialogue()
        dialogue.say(Self.begin)
        #expect(dialogue.exactly(text) == ["550 5.5.2"])
        #expect(dialogue.isClosed && dialogue.messages.isEmpty && dialogue.abandonedCount == 1)
        #expect(dialogue.exactly("NOOP\r\n").isEmpty)
    }

    @Test(
        "half a line end in a command ends the connection",
        arguments: ["NOOP\n", "NO\rOP\r\n", "EHLO a\nMAIL FROM:<>\n"])
    func commandSmuggling(_ text: String) {
        var dialogue = Dialogue()
        #expect(dialogue.exactly(text) == ["550 5.5.2"] && dialogue.isClosed)
    }

    @Test("what comes behind DATA before its answer was meant for somebody else")
    func earlyContent() {
        var dialogue = Dialogue()
        #expect(dialogue.say(Self.begin + "x\n.\n").last == "554 5.5.0")
        #expect(dialogue.isClosed && dialogue.envelopes.isEmpty)
    }

    // MARK: TLS

    @Test("what was said before TLS is forgotten, and what came with STARTTLS ends the connection")
    func startTLS() {
        var dialogue = Dialogue(offersTLS: true, requiresTLS: true)
        dialogue.say("EHLO me\n")
        #expect(dialogue.answers.contains("250 STARTTLS\r\n"))
        #expect(dialogue.say("MAIL FROM:<>\n") == ["530 5.7.0"])
        #expect(dialogue.say("STARTTLS\n") == ["220 2.0.0"] && dialogue.wantsTLS)
        dialogue.handle(.secured("TLSv1.3"))
        #expect(dialogue.say("MAIL FROM:<>\n") == ["503 5.5.1"])
        dialogue.say("EHLO me\n")
        #expect(!dialogue.answers.contains("STARTTLS"))
        #expect(dialogue.say("STARTTLS\n") == ["503 5.5.1"])
        dialogue.say("MAIL FROM:<>\nRCPT TO:<a@b>\nDATA\n")
        #expect(dialogue.envelopes.first?.tls == "TLSv1.3" && dialogue.envelopes.first?.transport == "ESMTPS")

        var injected = Dialogue(offersTLS: true)
        #expect(injected.say("EHLO me\nSTARTTLS\nMAIL FROM:<evil@b>\n") == ["250", "554 5.5.0"])
        #expect(injected.isClosed && !injected.wantsTLS)
    }

    // MARK: Limits

    @Test("a message that is too large is refused as soon as that is known, and read to its end")
    func size() {
        var announced = Dialogue { $0.messageSize = 10 }
        #expect(announced.say("EHLO me\nMAIL FROM:<> SIZE=11\n") == ["250", "552 5.3.4"])
        var dialogue = Dialogue { $0.messageSize = 10 }
        dialogue.say(Self.begin)
        #expect(dialogue.exactly("12345678\r\n.\r\n") == ["250 2.0.0"])
        dialogue.say("MAIL FROM:<>\nRCPT TO:<c@d>\nDATA\n")
        #expect(dialogue.exactly("123456789\r\n.\r\nNOOP\r\n") == ["552 5.3.4", "250 2.0.0"])
        #expect(dialogue.messages.count == 1 && dialogue.abandonedCount == 1)
        dialogue.say("MAIL FROM:<>\nRCPT TO:<c@d>\n")
        #expect(
            dialogue.exactly("BDAT 6\r\n123456BDAT 6\r\n123456BDAT 1 LAST\r\n1") == [
                "250 2.0.0", "552 5.3.4", "552 5.3.4",
            ])
        #expect(dialogue.messages.count == 1 && dialogue.abandonedCount == 2)
        var endless = Dialogue {
            $0.messageSize = 10
            $0.overrun = 20
        }
        endless.say(Self.begin)
        #expect(endless.exactly(String(repeating: "x", count: 31)) == ["552 5.3.4"])
        #expect(endless.isClosed)
    }

    @Test("errors, empty commands, recipients and lines have limits")
    func limits() {
        var errors = Dialogue { $0.errors = 3 }
        #expect(errors.say("X\nX\nX\nX\n") == ["500 5.5.2", "500 5.5.2", "421 4.7.0"] && errors.isClosed)
        var idle = Dialogue { $0.idleCommands = 2 }
        #expect(idle.say("NOOP\nRSET\nNOOP\n") == ["250 2.0.0", "250 2.0.0", "421 4.7.0"] && idle.isClosed)
        var many = Dialogue { $0.recipients = 1 }
        #expect(
            many.say("EHLO me\nMAIL FROM:<>\nRCPT TO:<a@b>\nRCPT TO:<c@d>\nDATA\n")
                == ["250", "250 2.1.0", "250 2.1.5", "452 4.5.3", "354"])
        var long = Dialogue { $0.commandLength = 12 }
        #expect(long.say("NOOP 3456789012\nNOOP\n") == ["500 5.5.2", "250 2.0.0"])
    }

    @Test("where mail cannot be taken a transaction is not begun; the end of the service ends a session")
    func unavailable() {
        var dialogue = Dialogue()
        dialogue.session.unavailable = SMTPReply(452, "4.3.1", "full")
        #expect(dialogue.say("EHLO me\nMAIL FROM:<>\n") == ["250", "452 4.3.1"] && !dialogue.isClosed)
        dialogue.session.unavailable = nil
        dialogue.say("MAIL FROM:<>\nRCPT TO:<a@b>\nDATA\n")
        dialogue.exactly("half")
        dialogue.handle(.stopping)
        #expect(dialogue.codes.last == "421 4.3.2" && dialogue.isClosed && dialogue.abandonedCount == 1)
        var silent = Dialogue()
        silent.handle(.timedOut)
        #expect(silent.codes == ["421 4.4.2"] && silent.isClosed)
    }

    // MARK: CHUNKING

    @Test("chunks without a recipient are read and refused, and do not become commands")
    func chunksWithoutRecipients() {
        var dialogue = Dialogue()
        #expect(
            dialogue.exactly("EHLO me\r\nBDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nNOOP\r\n")
                == ["250", "503 5.5.1", "503 5.5.1", "250 2.0.0"])
        #expect(
            dialogue.exactly("MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 1\r\nxDATA\r\nRCPT TO:<c@d>\r\nRSET\r\n") == [
                "250 2.1.0", "250 2.1.5", "250 2.0.0", "503 5.5.1", "503 5.5.1", "250 2.0.0",
            ])
        #expect(dialogue.messages.isEmpty && dialogue.abandonedCount == 1)
    }

    // MARK: Anything

    @Test("no input makes a session crash, forget its limits or take what did not end")
    func anything() {
        let words = [
            "EHLO a\r\n", "LHLO a\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", "BDAT 5\r\n",
            "BDAT 3 LAST\r\n",
            "RSET\r\n", ".\r\n", "x\r\n", "\n", "\r", "..\r\n", "STARTTLS\r\n", "\u{0}", "QUIT\r\n", "NOOP\r\n", "abc",
        ]
        for seed in 0..<3_000 {
            var generator = SeededGenerator(state: UInt64(seed))
            var dialogue = Dialogue(seed % 2 == 0 ? .smtp : .lmtp, offersTLS: seed % 3 == 0) { $0.messageSize = 40 }
            for _ in 0..<Int.random(in: 1...40, using: &generator) where !dialogue.isClosed {
                dialogue.exactly(words.randomElement(using: &generator) ?? "")
                if dialogue.wantsTLS { break }
            }
            #expect(dialogue.messages.allSatisfy { $0.count <= 40 }, "seed \(seed)")
            #expect(dialogue.abandonedCount + dialogue.messages.count <= dialogue.envelopes.count, "seed \(seed)")
        }
    }
}
