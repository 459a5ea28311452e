import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Journal reports of Exchange and Microsoft 365, taken apart by `receive` and `deliver`.
    @Suite("journal reports", .timeLimit(.minutes(10)))
    struct JournalTests {
        static let original = Array("From: anna@lab.test\r\nSubject: planned\r\n\r\nBody.\r\n".utf8)

        static func report(_ original: [UInt8] = original, encoding: String = "7bit", sender: String = "Sender")
            -> [UInt8]
        {
            let head = """
                From: postmaster@lab.test
                Subject: the report
                X-MS-Journal-Report:
                Content-Type: multipart/mixed; boundary="b"

                --b
                Content-Type: text/plain; charset="us-ascii"

                \(sender): anna@lab.test
                Message-Id: <1@lab.test>
                To: bert@lab.test, Expanded: staff@lab.test
                Bcc: dora@lab.test

                --b
                Content-Type: message/rfc822
                Content-Transfer-Encoding: \(encoding)


                """
            return Array(head.replacing("\n", with: "\r\n").utf8) + original + Array("\r\n--b--\r\n".utf8)
        }

        private static let configuration = """
            [[receive.route]]
            recipient = "journal@*"
            account = "firm"
            journal = true
            [[receive.route]]
            recipient = "*"
            account = "plain"
            """

        private func deliver(_ program: MailarcProgram, _ message: [UInt8], to: [String]) async throws -> String {
            var command = program.command(["deliver", "--from", "ms@lab.test", "--to"] + to + ["--json"])
            command.input = message
            return try await command.runSuccessfully().output
        }

        @Test("deliver archives the report in Journal and the message in it by its route, once")
        func delivers() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let report = Self.report()
                let told = try await deliver(program, report, to: ["journal@lab.test"])
                let id = try #require(told.firstMatch(of: /"original":"([0-9a-f]{32})"/)?.1)
                #expect(!told.contains("\"note\""), "\(told)")
                #expect(try await program.messages(account: "firm", mailbox: "Journal") == [report])
                #expect(try await program.messages(account: "firm", mailbox: "INBOX") == [Self.original])
                let shown = try await program.json(DeliveryDocument.self, ["show", String(id)])
                let delivery = try #require(shown.occurrences.first?.delivery)
                #expect(delivery.sender == "anna@lab.test")
                #expect(delivery.recipients == ["bert@lab.test", "dora@lab.test"])
                #expect(try await deliver(program, report, to: ["journal@lab.test"]).contains("\"isRepeated\":true"))
                // A route without journal takes the report as any other message.
                _ = try await deliver(program, report, to: ["else@lab.test"])
                #expect(try await program.messages(account: "plain", mailbox: "INBOX") == [report])
                try await program.expectClean()
            }
        }

        @Test("an encoded or large enclosed message comes back octet for octet")
        func encodings() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let encoded = Array(Data(Self.original).base64EncodedString().utf8)
                _ = try await deliver(program, Self.report(encoded, encoding: "base64"), to: ["journal@lab.test"])
                // More than is kept in memory, with a part that ends as the report does.
                let large =
                    Array("Subject: large\r\n\r\n".utf8)
                    + Array(String(repeating: "A line of some length --b--\r\n", count: 40_000).utf8)
                _ = try await deliver(program, Self.report(large), to: ["journal@lab.test"])
                let messages = try await program.messages(account: "firm", mailbox: "INBOX")
                #expect(Set(messages) == [Self.original, large])
                try await program.expectClean()
            }
        }

        @Test("what cannot be read as a report is kept as it came, with a note; what looks like one is mail")
        func unreadable() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let broken = Self.report(sender: "Sendr")
                let told = try await deliver(program, broken, to: ["journal@lab.test"])
                #expect(told.contains("journal report kept as it came: its text lacks Sender"), "\(told)")
                #expect(!told.contains("\"original\""))
                let lookalike = Array(
                    String(decoding: Self.report(), as: UTF8.self).replacing("X-MS-Journal-Report", with: "X-Other")
                        .utf8)
                #expect(try await !deliver(program, lookalike, to: ["journal@lab.test"]).contains("\"note\""))
                let undecodable = Self.report(Array("!!".utf8), encoding: "base64")
                #expect(try await deliver(program, undecodable, to: ["journal@lab.test"]).contains("cannot be decoded"))
                #expect(
                    Set(try await program.messages(account: "firm", mailbox: "Journal")) == [broken, undecodable])
                #expect(try await program.messages(account: "firm", mailbox: "INBOX") == [lookalike])
                try program.folder.write(
                    "config/mailarc/config.toml",
                    "[[receive.route]]\nrecipient = '*'\naccount = 'x'\njournal = 'yes'\n")
                let wrong = try await program.run(["receive", "--lmtp", "127.0.0.1:0"], codes: [64])
                #expect(wrong.errors.contains("route 1: journal is true or false"))
            }
        }

        @Test("receive answers 250 when both are durable, for recipients with and without a journal")
        func receives() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let report = Self.report()
                let text = String(decoding: report, as: UTF8.self).replacing("\r\n", with: "\\r\\n")
                try await receiving(program, ["--lmtp", "127.0.0.1:0"]) { receiver in
                    try await Play.say(
                        try receiver.addresses[0],
                        """
                        S: 220
                        C: LHLO x
                        R: 250
                        C: MAIL FROM:<>
                        S: 250
                        C: RCPT TO:<journal@lab.test>
                        S: 250
                        C: RCPT TO:<else@lab.test>
                        S: 250
                        C: DATA
                        S: 354
                        X: \(text).\\r\\n
                        S: 250 2.0.0
                        S: 250 2.0.0
                        """)
                    let event = try #require(try receiver.events.first { $0.event == "archived" })
                    #expect(
                        event.places?.map { "\($0.account) \($0.mailbox)" } == [
                            "firm Journal", "plain INBOX", "firm INBOX",
                        ])
                    #expect(event.group == 2 && event.recipients == ["journal@lab.test", "else@lab.test"])
                    // Killed behind the answer: both are there.
                    try await receiver.killAndRestart()
                }
                #expect(try await program.messages(account: "firm", mailbox: "Journal") == [report])
                #expect(try await program.messages(account: "plain", mailbox: "INBOX") == [report])
                #expect(try await program.messages(account: "firm", mailbox: "INBOX") == [Self.original])
                try await program.expectClean()
            }
        }
    }
}
