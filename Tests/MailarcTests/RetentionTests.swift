import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `keep` of a capture rule: what is archived for a time goes when that is over, and nothing else does.
    @Suite("capture rules that keep for a time", .timeLimit(.minutes(10)))
    struct RetentionTests {
        private struct Plan: Decodable { let messages: Int }
        private struct Kept: Decodable { let messages, occurrences: Int }
        private struct Statistics: Decodable { let messages, expiring, expired: Int }

        private static let configuration = """
            [[receive.route]]
            recipient = "journal@*"
            account = "firm"
            journal = true
            [[receive.route]]
            recipient = "*@*"
            account = "{1}"

            [[capture.rule]]
            address = "boss@*"
            action = "archive"
            [[capture.rule]]
            name = "loud"
            score = 8
            action = "spam"
            keep = "1s"
            [[capture.rule]]
            name = "lists"
            list-id = "*"
            action = "archive"
            keep = "30d"
            """

        private static func spam(_ subject: String) -> [UInt8] {
            Array("Subject: \(subject)\r\nX-Rspamd-Score: 9.5\r\n\r\nBuy \(subject).\r\n".utf8)
        }
        private static let newsletter = Array("List-Id: <n.shop.test>\r\nSubject: news\r\n\r\nNews.\r\n".utf8)
        private static let mail = Array("Subject: mail\r\n\r\nHello.\r\n".utf8)

        private func due(_ program: MailarcProgram, _ options: [String] = []) async throws -> Int {
            try await program.json(Plan.self, ["expire", "--dry-run"] + options).messages
        }

        @Test("spam goes when its time is over; what is kept longer, elsewhere or for good by hand stays")
        func expires() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                let (gone, shared, wrong) = (Self.spam("gone"), Self.spam("shared"), Self.spam("wrong"))
                let told = try await deliver(program, gone, to: ["anna@lab.test"], ["--explain"]).output
                #expect(told == "anna:Junk <> → anna@lab.test: loud: spam, for 1 second\n")
                #expect(
                    try await deliver(program, Self.newsletter, to: ["x@y"], ["--explain"]).output.hasSuffix(
                        "for 30 days\n"))
                #expect(try await program.run(["expire"]).output == "nothing is due\n")
                for message in [gone, wrong, Self.newsletter, Self.mail] {
                    _ = try await deliver(program, message, to: ["anna@lab.test"])
                }
                // Another mailbox has it for good.
                _ = try await deliver(program, shared, to: ["anna@lab.test", "boss@lab.test"])
                try await program.run(["retain", "subject:wrong"])
                try await program.run(["retain", "subject:wrong"], codes: [12])
                try await program.run(["retain", "subject:mail"], codes: [12])
                let found = try await program.json(SearchDocument.self, ["search", "subject:news"])
                let id = try #require(found.messages.first?.id)
                #expect(try await program.run(["show", id]).output.contains(", kept until 20"))
                try await wait("the end of a second") { try await due(program) == 1 }
                #expect(try await due(program, ["--by", "2999"]) == 2)
                let before = try await program.json(Statistics.self, ["stats"])
                #expect(before.messages == 5 && before.expiring == 2 && before.expired == 1)
                // Nobody is there to be asked.
                try await program.run(["expire"], codes: [64])
                try await program.run(["expire", "--by", "2999", "--yes"], codes: [64])
                #expect(try await program.json(Statistics.self, ["stats"]).messages == 5)
                try await program.run(["expire", "--yes"])
                #expect(try await program.run(["expire", "--yes"]).output == "nothing is due\n")
                #expect(Set(try await program.messages(account: "anna", mailbox: "Junk")) == [wrong, shared])
                #expect(
                    Set(try await program.messages(account: "anna", mailbox: "INBOX")) == [Self.newsletter, Self.mail])
                #expect(try await program.messages(account: "boss", mailbox: "INBOX") == [shared])
                #expect(try await program.json(SearchDocument.self, ["search", "subject:gone"]).total == 0)
                try await program.expectClean()
                try await program.run(["check", "--level", "4"])
                try await program.run(["rebuild-catalog"])
                let after = try await program.json(Statistics.self, ["stats"])
                #expect(after.messages == 4 && after.expiring == 1 && after.expired == 0)
                // What was kept by hand can be erased like any other.
                try await program.run(["erase", "subject:wrong", "--yes"])
                try await program.run(["check", "--level", "4"])
            }
        }

        @Test("a journal report goes with the message that it encloses")
        func journal() async throws {
            try await withArchive { program in
                try program.folder.write("config/mailarc/config.toml", Self.configuration)
                _ = try await deliver(program, JournalTests.report(Self.spam("enclosed")), to: ["journal@lab.test"])
                _ = try await deliver(program, JournalTests.report(), to: ["journal@lab.test"])
                try await wait("the end of a second") { try await due(program) == 2 }
                try await program.run(["expire", "--yes"])
                #expect(try await program.messages(account: "firm", mailbox: "Journal") == [JournalTests.report()])
                #expect(try await program.messages(account: "firm", mailbox: "Junk").isEmpty)
                try await program.expectClean()
            }
        }

        @Test("what a write-only host takes is kept for as long as its rules say")
        func outbox() async throws {
            try await withArchive { owner in
                let host = try MailarcProgram()
                defer { host.remove() }
                try await owner.run(["writer", "add", "mx1", "--credential", host.folder.file("credential")])
                try host.folder.write("config/mailarc/config.toml", Self.configuration)
                let outbox = host.folder.file("outbox")
                let sealing = ["--outbox", outbox, "--credential", host.folder.file("credential")]
                for message in [Self.spam("sealed"), Self.mail] {
                    _ = try await deliver(host, message, to: ["anna@lab.test"], sealing, opens: false)
                }
                try await owner.run(["writer", "adopt", "mx1", outbox])
                try await wait("the end of a second") { try await due(owner) == 1 }
                try await owner.run(["expire", "--yes"])
                #expect(try await owner.messages(account: "anna", mailbox: "Junk").isEmpty)
                #expect(try await owner.messages(account: "anna", mailbox: "INBOX") == [Self.mail])
                try await owner.expectClean()
            }
        }
    }
}
