import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `[[capture.rule]]`, in `receive` and `deliver`.
    @Suite("capture rules", .timeLimit(.minutes(10)))
    struct CaptureRuleTests {
        private struct Explanation: Decodable {
            struct Decision: Decodable {
                let account, mailbox, sender, action: String
                let recipients: [String]
                let rule: String?
            }
            let octets: Int
            let decisions: [Decision]
        }
        private struct Document: Decodable { let result: Explanation }

        private static let configuration = """
            [[receive.route]]
            recipient = "*_snd@*"
            account = "{1}"
            direction = "sent"
            [[receive.route]]
            recipient = "journal@*"
            account = "firm"
            journal = true
            [[receive.route]]
            recipient = "*@*"
            account = "{1}"
            direction = "received"

            [[capture.rule]]
            name = "friends"
            address = "*@friends.test"
            action = "archive"
            [[capture.rule]]
            name = "own"
            role = "sent"
            action = "archive"
            [[capture.rule]]
            name = "loud"
            score = 8
            larger = "10"
            action = "spam"
            [[capture.rule]]
            field = "X-Promotion"
            value = "*yes*"
            action = "spam"
            """

        private func message(_ score: Double, from: String = "x@shop.test") -> [UInt8] {
            Array("From: \(from)\r\nSubject: score \(score)\r\nX-Rspamd-Score: \(score)\r\n\r\nBuy.\r\n".utf8)
        }

        @Test("spam goes to Junk, what an earlier rule keeps does not, and --explain says so without archiving")
        func files() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let spam = message(9.5)
                let explained = try await deliver(
                    program, spam, to: ["anna@lab.test", "anna_snd@lab.test"], ["--explain"])
                #expect(
                    explained.output == """
                        anna:Junk <> → anna@lab.test: loud: spam
                        anna:Sent <> → anna_snd@lab.test: own: archive

                        """)
                #expect(try await program.json(SearchDocument.self, ["search", ""]).total == 0)
                _ = try await deliver(program, spam, to: ["anna@lab.test", "anna_snd@lab.test"])
                let friendly = message(20, from: "f@friends.test")
                _ = try await deliver(program, friendly, to: ["anna@lab.test"])
                let calm = message(7.9)
                _ = try await deliver(program, calm, to: ["anna@lab.test"])
                let promotion = Array("X-Promotion: oh yes!\r\n\r\n".utf8)
                _ = try await deliver(program, promotion, to: ["anna@lab.test"])
                #expect(Set(try await program.messages(account: "anna", mailbox: "Junk")) == [spam, promotion])
                #expect(Set(try await program.messages(account: "anna", mailbox: "INBOX")) == [friendly, calm])
                #expect(try await program.messages(account: "anna", mailbox: "Sent") == [spam])
                let rows = try await program.json([MailboxRowDocument].self, ["list", "mailboxes"])
                #expect(
                    rows.map { "\($0.mailbox) \($0.role ?? "")" }.sorted() == ["INBOX ", "Junk junk", "Sent sent"])
                let json = try await deliver(program, calm, to: ["anna@lab.test"], ["--explain", "--json"]).output
                let document = try JSONDecoder().decode(Document.self, from: Data(json.utf8)).result
                let decision = try #require(document.decisions.first)
                #expect(decision.rule == nil && decision.action == "archive" && decision.mailbox == "INBOX")
                #expect(document.octets == calm.count)
                try await program.expectClean()
            }
        }

        @Test("receive follows the rules; of a journal report they decide on the enclosed message")
        func receives() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let report = JournalTests.report(message(11))
                try await receiving(program, ["--lmtp", "127.0.0.1:0"]) { receiver in
                    for (recipient, octets) in [("bert@lab.test", message(12)), ("journal@lab.test", report)] {
                        let text = String(decoding: octets, as: UTF8.self).replacing("\r\n", with: "\\r\\n")
                        try await Play.say(
                            try receiver.addresses[0],
                            """
                            S: 220
                            C: LHLO x
                            R: 250
                            C: MAIL FROM:<a@b>
                            S: 250
                            C: RCPT TO:<\(recipient)>
                            S: 250
                            C: DATA
                            S: 354
                            X: \(text).\\r\\n
                            S: 250 2.0.0
                            """)
                    }
                    let places = try receiver.events.flatMap { $0.places ?? [] }
                    #expect(
                        places.map { "\($0.account):\($0.mailbox)" } == ["bert:Junk", "firm:Journal", "firm:Junk"])
                }
                #expect(try await program.messages(account: "firm", mailbox: "Journal") == [report])
                #expect(try await program.messages(account: "firm", mailbox: "Junk") == [message(11)])
                let told = try await deliver(program, report, to: ["journal@lab.test"], ["--explain"]).output
                #expect(
                    told == """
                        firm:Journal <> → journal@lab.test: no rule: archive
                        firm:Junk <anna@lab.test> → bert@lab.test, dora@lab.test: loud: spam

                        """)
                try await program.expectClean()
            }
        }

        /// A rule that cannot be meant, and what is said of it.
        static let wrong = [
            ("[[capture.rule]]\naction = 'skip'", "rule 1: a rule that skips has a name"),
            ("[[capture.rule]]\naction = 'skip'\nname = 'anna@lab.test'", "a rule that skips has a name"),
            ("[[capture.rule]]\naction = 'delete'", "rule 1: action is archive or spam or skip"),
            ("[[capture.rule]]\nspam = true", "rule 1 lacks action"),
            ("[[capture.rule]]\naction = 'spam'\nadress = 'x'", "rule 1 has no adress"),
            ("[[capture.rule]]\naction = 'spam'\nscore = 'high'", "score is a number"),
            ("[[capture.rule]]\naction = 'spam'\nspam = 1", "spam is true or false"),
            ("[[capture.rule]]\naction = 'spam'\nlarger = 'lots'", "larger is a size"),
            ("[[capture.rule]]\naction = 'spam'\nkeep = 'long'", "keep is a time such as"),
            ("[[capture.rule]]\naction = 'spam'\nkeep = 30", "keep is a time such as"),
            ("[[capture.rule]]\naction = 'skip'\nname = 'x'\nkeep = '1d'", "x: what is skipped is not kept"),
            ("[[capture.rule]]\naction = 'spam'\nrole = 'trash'", "role is inbox or sent"),
            ("[[capture.rule]]\naction = 'spam'\nvalue = 'x'", "there is no field"),
            ("[[capture.rule]]\naction = 'spam'\naddress = '*****'", "0 to 4 '*'"),
            ("[capture]\nrules = []", "[capture] has no rules"), ("[capture]\nrule = 1", "[[capture.rule]]"),
        ]

        @Test("a rule that cannot be meant is an error before any mail is taken")
        func badInput() async throws {
            try await withArchive { program in
                for (text, words) in Self.wrong {
                    try program.folder.write("config/mailarc/config.toml", text + "\n")
                    let result = try await program.run(
                        ["receive", "--lmtp", "127.0.0.1:0", "--account", "x"], codes: [64])
                    #expect(result.errors.contains(words), "\(text): \(result.errors)")
                }
                var command = program.command(["deliver", "--account", "x"])
                command.input = Array("Subject: x\r\n\r\n".utf8)
                let result = try await command.run()
                #expect(result.exitCode == 75 && result.errors.contains("[[capture.rule]]"))
            }
        }
    }
}
