import MailMIME
import MailarcKit
import Testing

@Suite struct JournalReportTests {
    static let original = "From: anna@lab.test\r\nTo: staff@lab.test\r\nSubject: plan\r\n\r\nSee --b--.\r\n"
    static let lines = [
        "Sender: anna@lab.test", "Subject: plan", "Message-Id: <1@lab.test>",
        "To: bert@lab.test, Expanded: staff@lab.test", "Cc: <carl@lab.test>", "Bcc: dora@lab.test",
        "On-Behalf-Of: chief@lab.test", "Recipient: emil@lab.test, Forwarded: fritz@lab.test", "To: bert@lab.test",
    ]

    static func report(
        lines: [String] = lines, header: String = "X-MS-Journal-Report:\r\n", encoding: String = "7bit",
        original: String = original
    ) -> [UInt8] {
        Array(
            ("From: postmaster@lab.test\r\n\(header)Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n"
                + "Content-Type: text/plain; charset=\"us-ascii\"\r\n\r\n\(lines.joined(separator: "\r\n"))\r\n\r\n--b\r\n"
                + "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: \(encoding)\r\n\r\n\(original)\r\n--b--\r\n")
                .utf8)
    }

    private func read(_ octets: [UInt8], chunk: Int = .max) -> JournalReport.Reading {
        var reader = JournalReader()
        var rest = octets[...]
        while !rest.isEmpty {
            reader.consume(Array(rest.prefix(chunk)))
            rest = rest.dropFirst(chunk)
        }
        return reader.finish()
    }

    @Test("sender, recipients and the enclosed octets come out, in any chunks")
    func reads() throws {
        let octets = Self.report()
        guard case .report(let report) = read(octets) else {
            Issue.record("\(read(octets))")
            return
        }
        #expect(report.sender == "anna@lab.test")
        #expect(report.recipients == ["bert@lab.test", "carl@lab.test", "dora@lab.test", "emil@lab.test"])
        #expect(Array(octets[report.original]) == Array(Self.original.utf8))
        for chunk in [1, 2, 3, 7, 64] { #expect(read(octets, chunk: chunk) == .report(report)) }
        let withLF = octets.filter { $0 != 0x0D }
        guard case .report(let other) = read(withLF) else {
            Issue.record("\(read(withLF))")
            return
        }
        #expect(Array(withLF[other.original]) == Self.original.utf8.filter { $0 != 0x0D })
    }

    @Test("the null sender is empty; an encoded enclosure is told as such")
    func variants() {
        let null = Self.report(lines: ["Sender: <>", "Message-ID: <1@x>", "Recipient: a@b"])
        guard case .report(let report) = read(null) else {
            Issue.record("\(read(null))")
            return
        }
        #expect(report.sender.isEmpty && report.recipients == ["a@b"])
        guard case .report(let encoded) = read(Self.report(encoding: "base64", original: "QQ==")) else {
            Issue.record("base64")
            return
        }
        #expect(encoded.encoding == .base64)
    }

    /// What says that it is a report, and is not as they are.
    static let wrong: [(String, [UInt8])] = [
        ("no sender", report(lines: ["Message-ID: <1@x>", "To: a@b"])),
        ("two senders", report(lines: lines + ["Sender: z@lab.test"])),
        ("no recipient", report(lines: ["Sender: a@b", "Message-ID: <1@x>"])),
        ("no message id", report(lines: ["Sender: a@b", "To: a@b"])),
        ("no address", report(lines: lines + ["To: everybody"])),
        ("an unknown encoding", report(encoding: "x-uuencode")),
        ("an empty enclosure", report(original: "")),
        ("no multipart", Array("X-MS-Journal-Report: \r\nSubject: x\r\n\r\nSender: a@b\r\n".utf8)),
        ("too much text", report(lines: lines + Array(repeating: "To: a@b", count: 40_000))),
    ]

    @Test("what is not as reports are is unreadable, with a reason", arguments: wrong)
    func unreadable(_ name: String, _ octets: [UInt8]) {
        guard case .unreadable(let reason) = read(octets) else {
            Issue.record("\(name): \(read(octets))")
            return
        }
        #expect(!reason.isEmpty)
    }

    @Test("what only looks like a report is none")
    func lookalike() {
        #expect(read(Self.report(header: "")) == .other)
        #expect(read([]) == .other)
    }

    @Test("a report that was cut anywhere is none")
    func cut() {
        let octets = Self.report()
        for count in 0..<octets.count - 2 {
            if case .report = read(Array(octets.prefix(count))) { Issue.record("cut at \(count)") }
        }
    }

    @Test("random octets and damaged reports are read to their end")
    func random() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            var octets = Self.report()
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                octets[Int.random(in: 0..<octets.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if case .report(let report) = read(octets) { #expect(report.original.upperBound < octets.count) }
            #expect(read(octets, chunk: 5) == read(octets))
        }
        for _ in 0..<200 {
            let octets = (0..<300).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(read(octets) == .other)
        }
    }
}
