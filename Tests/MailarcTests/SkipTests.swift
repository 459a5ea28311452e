import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `action = "skip"`: what is not kept is answered for only when the ledger counts it.
    @Suite("capture rules that skip", .timeLimit(.minutes(10)))
    struct SkipTests {
        struct Skips: Decodable {
            struct Reason: Decodable, Equatable {
                let reason: String
                let count: UInt64
            }
            let skipped: [Reason]
            let messages: Int
            let ledgerSize: UInt64

            var counts: [String: UInt64] { Dictionary(uniqueKeysWithValues: skipped.map { ($0.reason, $0.count) }) }
        }

        private struct Report: Decodable {
            struct Decision: Decodable { let account, mailbox, action, rule: String }
            let id: String?
            let octets: Int
            let isRepeated, isSealed: Bool
            let places: [ReceiveLine.Place]
            let skipped: [Decision]?
        }
        private struct Document: Decodable { let result: Report }

        private static let configuration = """
            [[receive.route]]
            recipient = "journal@*"
            account = "firm"
            journal = true
            [[receive.route]]
            recipient = "team-*@*"
            account = "team"
            [[receive.route]]
            recipient = "*@*"
            account = "{1}"

            [[capture.rule]]
            address = "keeps@*"
            action = "archive"
            [[capture.rule]]
            name = "newsletters"
            list-id = "*.shop.test"
            action = "skip"
            [[capture.rule]]
            name = "numbered"
            field = "X-Number"
            action = "skip"
            [[capture.rule]]
            name = "team-bot"
            address = "team-bot@*"
            action = "skip"
            """

        private static let newsletter = Array(
            "List-Id: <offers.shop.test>\r\nSubject: secret offer\r\n\r\nBuy.\r\n".utf8)
        private static let mail = Array("Subject: mail\r\n\r\nHello.\r\n".utf8)

        private func configure(_ program: MailarcProgram) throws {
            try program.folder.write("config/mailarc/config.toml", Self.configuration)
        }

        private func skips(_ program: MailarcProgram) async throws -> Skips {
            try await program.json(Skips.self, ["stats"])
        }

        @Test("recipients of one message differ: each hears 250, one copy is archived, the rest is counted and told")
        func receives() async throws {
            try await withArchive { program in
                try configure(program)
                let text = String(decoding: Self.newsletter, as: UTF8.self).replacing("\r\n", with: "\\r\\n")
                try await receiving(program, ["--lmtp", "127.0.0.1:0", "--smtp", "127.0.0.1:0"]) { receiver in
                    let addresses = try receiver.addresses
                    for (greeting, replies) in [
                        ("LHLO", "S: 250 2.0.0 Not kept, as a rule says\nS: 250 2.0.0 Archived as"),
                        ("EHLO", "S: 250 2.0.0 Archived as"),
                    ] {
                        try await Play.say(
                            addresses[greeting == "LHLO" ? 0 : 1],
                            """
                            S: 220
                            C: \(greeting) x
                            R: 250
                            C: MAIL FROM:<\(greeting)@b>
                            S: 250
                            C: RCPT TO:<anna@lab.test>
                            S: 250
                            C: RCPT TO:<keeps@lab.test>
                            S: 250
                            C: DATA
                            S: 354
                            X: \(text).\\r\\n
                            \(replies)
                            C: QUIT
                            S: 221
                            """)
                    }
                    let events = try receiver.events.filter { $0.event != "listening" }
                    #expect(events.map(\.event) == ["skipped", "archived", "skipped", "archived"])
                    let skipped = try #require(events.first)
                    #expect(skipped.rule == "newsletters" && skipped.text == "anna:INBOX" && skipped.id == nil)
                    #expect(skipped.recipients == ["anna@lab.test"] && skipped.octets == Self.newsletter.count)
                    #expect(events[1].recipients == ["keeps@lab.test"])
                }
                #expect(try await skips(program).counts == ["newsletters": 2])
                let rows = try await program.json([MailboxRowDocument].self, ["list", "mailboxes"])
                #expect(rows.map(\.account) == ["keeps"])
                // What is kept of a skipped message is its rule's name and nothing else, and stays.
                try await program.run(["check", "--level", "4"])
                try await program.run(["rebuild-catalog"])
                #expect(try await skips(program).counts == ["newsletters": 2])
                let copy = program.at(program.folder.file("copy"))
                try await program.run(["backup", copy.archive])
                #expect(try await skips(copy).counts == ["newsletters": 2])
                try await copy.run(["check", "--level", "4"])
                #expect(try await program.run(["stats"]).output.contains("2 newsletters"))
            }
        }

        @Test("deliver says 0, counts, and explains without counting; one copy for several is skipped for all or none")
        func delivers() async throws {
            try await withArchive { program in
                try configure(program)
                let before = try await skips(program)
                let explained = try await deliver(
                    program, Self.newsletter, to: ["anna@lab.test", "keeps@lab.test"], ["--explain"])
                #expect(
                    explained.output == """
                        anna:INBOX <> → anna@lab.test: newsletters: skip
                        keeps:INBOX <> → keeps@lab.test: rule 1: archive

                        """)
                #expect(try await skips(program).ledgerSize == before.ledgerSize)
                let json = try await deliver(program, Self.newsletter, to: ["anna@lab.test"], ["--json"]).output
                let report = try JSONDecoder().decode(Document.self, from: Data(json.utf8)).result
                #expect(report.id == nil && report.places.isEmpty && !report.isRepeated && !report.isSealed)
                #expect(report.skipped?.map(\.rule) == ["newsletters"] && report.octets == Self.newsletter.count)
                let told = try await deliver(program, Self.newsletter, to: ["anna@lab.test"])
                #expect(told.output == "not kept in anna:INBOX: rule newsletters\n")
                // One leaf, and no message, event or key beside it.
                let after = try await skips(program)
                #expect(after.counts == ["newsletters": 2] && after.messages == 0)
                #expect(after.ledgerSize == before.ledgerSize + 2)
                _ = try await deliver(program, Self.mail, to: ["team-bot@lab.test"])
                #expect(try await skips(program).counts["team-bot"] == 1)
                let both = try await deliver(program, Self.mail, to: ["team-bot@lab.test", "team-anna@lab.test"])
                #expect(both.output.hasPrefix("team:INBOX UID 1"))
                #expect(try await skips(program).counts["team-bot"] == 1)
                #expect(try await program.messages(account: "team", mailbox: "INBOX") == [Self.mail])
                try await program.expectClean()
            }
        }

        @Test("of a journal report the enclosed message decides, and the report goes with it")
        func journal() async throws {
            try await withArchive { program in
                try configure(program)
                let report = JournalTests.report(Self.newsletter)
                let told = try await deliver(program, report, to: ["journal@lab.test"], ["--explain"]).output
                #expect(told.contains("firm:Journal <> → journal@lab.test: newsletters: skip"), "\(told)")
                _ = try await deliver(program, report, to: ["journal@lab.test"])
                let after = try await skips(program)
                #expect(after.counts == ["newsletters": 1] && after.messages == 0)
                _ = try await deliver(program, JournalTests.report(), to: ["journal@lab.test"])
                #expect(try await skips(program).messages == 2)
                try await program.expectClean()
            }
        }

        @Test("a flood shares leaves, and what was answered with 250 is counted, whenever it was killed")
        func floods() async throws {
            try await withArchive { program in
                try configure(program)
                let before = try await skips(program).ledgerSize
                let options = ["--sender", "a@b", "--recipient", "x@lab.test", "--lmtp"]
                try await receiving(program, ["--lmtp", "127.0.0.1:0"]) { receiver in
                    let address = try receiver.addresses[0]
                    let sent = try await Play.send(address, options + ["--count", "300", "--threads", "20"])
                    #expect(sent.count == 300)
                    #expect(try receiver.events.count { $0.event == "skipped" } == 300)
                }
                let flooded = try await skips(program)
                #expect(flooded.counts == ["numbered": 300] && flooded.messages == 0)
                #expect(flooded.ledgerSize - before < 150, "\(flooded.ledgerSize - before) leaves")
                let port = try Loopback.freePorts(1)[0]
                var acknowledged = 0
                try await receiving(program, ["--lmtp", "127.0.0.1:\(port)"]) { receiver in
                    for count in [1, 20, 60] {
                        async let sending = Play.send(
                            "127.0.0.1:\(port)", options + ["--count", "200", "--threads", "4"], allAcknowledged: false)
                        try await wait("some mail") {
                            try receiver.events.count { $0.event == "skipped" } >= count
                        }
                        try await receiver.killAndRestart()
                        acknowledged += try await sending.count
                    }
                }
                let counted = try await skips(program).counts["numbered", default: 0]
                // Whoever hears no answer sends again, and is counted again.
                #expect(counted >= UInt64(300 + acknowledged) && counted <= 900, "\(counted), \(acknowledged)")
                try await program.expectClean()
            }
        }

        @Test("a write-only host seals the numbers, and they are in the ledger when they are adopted, once")
        func outbox() async throws {
            try await withArchive { owner in
                let host = try MailarcProgram()
                defer { host.remove() }
                try FileManager.default.removeItem(atPath: host.folder.file("key"))
                try await owner.run(["writer", "add", "mx1", "--credential", host.folder.file("credential")])
                try configure(host)
                let outbox = host.folder.file("outbox")
                let sealing = ["--outbox", outbox, "--credential", host.folder.file("credential")]
                try await receiving(host, ["--lmtp", "127.0.0.1:0"] + sealing, opens: false) { receiver in
                    let sent = try await Play.send(
                        try receiver.addresses[0],
                        [
                            "--count", "60", "--threads", "6", "--sender", "a@b", "--recipient", "x@lab.test",
                            "--lmtp",
                        ])
                    #expect(sent.count == 60)
                    let events = try receiver.events.filter { $0.event == "skipped" }
                    #expect(events.count == 60 && events.allSatisfy { $0.id?.hasPrefix("segment ") == true })
                }
                let mixed = try await deliver(
                    host, Self.newsletter, to: ["anna@lab.test", "keeps@lab.test"], sealing + ["--json"], opens: false)
                let report = try JSONDecoder().decode(Document.self, from: Data(mixed.output.utf8)).result
                #expect(report.isSealed && report.skipped?.count == 1)
                #expect(try await skips(owner).skipped.isEmpty)
                let adopted = try await owner.json(AdoptionDocument.self, ["writer", "adopt", "mx1", outbox, "--keep"])
                #expect(adopted.messages == 1 && adopted.skipped == 61)
                let again = try await owner.json(AdoptionDocument.self, ["writer", "adopt", "mx1", outbox])
                #expect(again.messages == 0 && again.skipped == 0 && again.known == adopted.segments)
                #expect(try await skips(owner).counts == ["newsletters": 1, "numbered": 60])
                #expect(try await owner.messages(account: "keeps", mailbox: "INBOX") == [Self.newsletter])
                try await owner.expectClean()
            }
        }

        private struct AdoptionDocument: Decodable { let segments, messages, skipped, known: Int }
    }
}
