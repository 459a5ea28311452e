import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Gmail's way of keeping mail: one message, in the mailboxes of all its labels.
    ///
    /// The server is a scripted one: nobody but Google runs a real one.
    @Suite("Gmail", .timeLimit(.minutes(4)))
    struct GmailTests {
        typealias Server = ScriptedIMAPServer

        /// Twelve messages; the labels go round: none, one, two, or all three, and every fifth is starred.
        static func model() -> Server.Model {
            var model = Server.Model.gmail(["Work", "Family", "Lists/Swift"])
            for number in 1...12 {
                let flags = (number % 5 == 0 ? ["\\Flagged"] : []) + (number % 2 == 0 ? ["\\Seen"] : [])
                let date = String(format: "%2d-Feb-2024 14:03:09 +0100", number)
                for mailbox in labels(number) {
                    model.add(octets(number), to: mailbox, flags: flags, internalDate: date)
                }
            }
            return model
        }

        static func labels(_ number: Int) -> [String] {
            let all = ["INBOX", "Work", "Family", "Lists/Swift"]
            return number % 4 == 0 ? ["[Gmail]/All Mail"] : Array(all.prefix(number % 4 + 1))
        }

        static func octets(_ number: Int) -> [UInt8] {
            let body = [String](repeating: "line of message \(number)\r\n", count: 20 * number).joined()
            return Array("Message-ID: <\(number)@example.org>\r\nSubject: number \(number)\r\n\r\n\(body)".utf8)
        }

        @Test(
            "a first copy fetches each message once, and a second run nothing",
            arguments: ["backup", "copy", "two-way"])
        func source(_ strategy: String) async throws {
            try await with(Self.model()) { server, program in
                let first = try await sync(program, strategy)
                #expect(first.outcome == "done", "\(first)")
                let bodies = server.model.sentBodies
                #expect(bodies.count == 12 && bodies.values.allSatisfy { $0 == 1 }, "\(bodies)")
                try await expectEqualEnds(server, program)
                _ = server.takeLog()
                let second = try await sync(program, strategy)
                #expect(second.isUnchanged, "\(second)")
                #expect(!server.takeLog().contains { $0.contains("BODY.PEEK") })
            }
        }

        @Test("a label that comes later costs no octets")
        func newLabel() async throws {
            try await with(Self.model()) { server, program in
                _ = try await sync(program, "backup")
                let before = server.model.sentBodies
                server.update { model in for number in 1...3 { model.add(Self.octets(number), to: "Lists/Swift") } }
                let report = try await sync(program, "backup")
                #expect(report.outcome == "done" && report.total(\.copied) >= 2, "\(report)")
                #expect(server.model.sentBodies == before)
                try await expectEqualEnds(server, program)
            }
        }

        @Test("two-way: what is deleted in a label's mailbox leaves that label alone")
        func labelTaken() async throws {
            try await with(Self.model()) { server, program in
                _ = try await sync(program, "two-way")
                try remove(Self.octets(2), from: ".Work", program)
                let report = try await sync(program, "two-way")
                #expect(report.total(\.expunged) == 1, "\(report)")
                let places = server.model.places(of: Self.octets(2))
                #expect(places == ["Family", "INBOX", "[Gmail]/All Mail"], "\(places)")
                try await expectEqualEnds(server, program)
                #expect(try await sync(program, "two-way").isUnchanged)
            }
        }

        @Test("two-way: what is deleted among all mail goes to the bin, not to nothing, and not back")
        func binned() async throws {
            try await with(Self.model()) { server, program in
                _ = try await sync(program, "two-way")
                try remove(Self.octets(4), from: ".[Gmail].All Mail", program)
                let report = try await sync(program, "two-way")
                #expect(report.total(\.expunged) == 1, "\(report)")
                #expect(server.model.places(of: Self.octets(4)) == ["[Gmail]/Bin"])
                _ = try await sync(program, "two-way")
                try await expectEqualEnds(server, program)
                #expect(try await sync(program, "two-way").isUnchanged)
            }
        }

        @Test("into Gmail from files: equal messages become one, and a second run does nothing")
        func destination() async throws {
            try await with(.gmail(["Work", "Family", "Lists/Swift"])) { server, program in
                let maildir = program.folder.file("mail")
                for number in 1...12 {
                    for mailbox in Self.labels(number) where mailbox != "[Gmail]/All Mail" {
                        try add(Self.octets(number), to: mailbox, "1", maildir)
                    }
                }
                // Two of a kind in one mailbox: Gmail keeps one.
                try add(Self.octets(1), to: "Work", "2", maildir)
                let arguments = ["maildir:\(maildir)", "test", "--strategy", "copy"]
                let first = try await sync(program, arguments)
                #expect(first.outcome == "done", "\(first)")
                for number in 1...12 where number % 4 != 0 {
                    let places = server.model.places(of: Self.octets(number))
                    #expect(Set(places) == Set(Self.labels(number) + ["[Gmail]/All Mail"]), "\(number): \(places)")
                }
                _ = server.takeLog()
                for _ in 1...2 {
                    let next = try await sync(program, arguments)
                    #expect(next.isUnchanged, "\(next)")
                    #expect(!server.takeLog().contains { $0.hasPrefix("APPEND") || $0.hasPrefix("UID COPY") })
                }
            }
        }

        @Test("from Gmail to Gmail: each message is fetched and sent once, and labelled there")
        func toGmail() async throws {
            try await Server.with(.gmail(["Work", "Family", "Lists/Swift"])) { target in
                try await with(Self.model()) { source, program in
                    try await program.addAccount("target", port: target.port)
                    let arguments = ["test", "target", "--strategy", "copy"]
                    let first = try await sync(program, arguments)
                    #expect(first.outcome == "done", "\(first)")
                    let log = target.takeLog()
                    #expect(log.filter { $0.hasPrefix("APPEND") }.count == 12, "\(log)")
                    #expect(source.model.sentBodies.values.allSatisfy { $0 == 1 })
                    for number in 1...12 {
                        #expect(
                            target.model.places(of: Self.octets(number))
                                == source.model.places(of: Self.octets(number)))
                    }
                    #expect(try await sync(program, arguments).isUnchanged)
                }
            }
        }

        @Test("of two equal messages Gmail keeps one, until both are gone")
        func twins() async throws {
            try await with(.gmail(["Work"])) { server, program in
                let maildir = program.folder.file("mail")
                for mark in ["1", "2", "3"] { try add(Self.octets(1), to: "Work", mark, maildir) }
                try add(Self.octets(2), to: "INBOX", "1", maildir)
                let arguments = ["maildir:\(maildir)", "test", "--strategy", "backup"]
                _ = try await sync(program, arguments)
                for mark in ["1", "2"] {
                    try FileManager.default.removeItem(
                        atPath: "\(maildir)/.Work/cur/\(Self.octets(1).count).M\(mark).host:2,S")
                    let report = try await sync(program, arguments)
                    #expect(report.total(\.expunged) == 0 && report.total(\.copied) == 0, "\(report)")
                    #expect(server.model.places(of: Self.octets(1)) == ["Work", "[Gmail]/All Mail"])
                    #expect(try await sync(program, arguments).isUnchanged)
                }
                try FileManager.default.removeItem(
                    atPath: "\(maildir)/.Work/cur/\(Self.octets(1).count).M3.host:2,S")
                #expect(try await sync(program, arguments).total(\.expunged) == 1)
                #expect(server.model.places(of: Self.octets(1)) == ["[Gmail]/All Mail"])
                #expect(try await sync(program, arguments).isUnchanged)
            }
        }

        @Test("a backup into Gmail empties and removes none of its own mailboxes")
        func systemMailboxes() async throws {
            var model = Server.Model.gmail(["Work", "Old"])
            for number in 1...3 { model.add(Self.octets(number), to: "Old") }
            model.add(Self.octets(4), to: "[Gmail]/Sent Mail")
            try await with(model) { server, program in
                let maildir = program.folder.file("mail")
                for number in 5...8 { try add(Self.octets(number), to: "Work", "1", maildir) }
                let arguments = ["maildir:\(maildir)", "test", "--strategy", "backup"]
                let report = try await sync(program, arguments)
                #expect(report.outcome == "done" && report.total(\.expunged) == 3, "\(report)")
                #expect(server.model.places(of: Self.octets(1)) == ["[Gmail]/All Mail"])
                #expect(server.model.places(of: Self.octets(4)) == ["[Gmail]/All Mail", "[Gmail]/Sent Mail"])
                #expect(server.model.places(of: Self.octets(5)) == ["Work", "[Gmail]/All Mail"])
                #expect(try await sync(program, arguments).isUnchanged)
            }
        }

        @Test("pull archives a message once, under all of its labels")
        func pull() async throws {
            try await Server.with(Self.model()) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let report = try await program.json([PullDocument].self, ["pull"])
                    let bodies = server.model.sentBodies
                    #expect(bodies.count == 12 && bodies.values.allSatisfy { $0 == 1 }, "\(bodies) \(report)")
                    let statistics = try await program.json(StatisticsDocument.self, ["stats"])
                    #expect(statistics.messages == 12)
                    #expect(statistics.occurrences == server.model.mailboxes.reduce(0) { $0 + $1.messages.count })
                    try await program.expectClean()
                }
            }
        }

        // MARK: The two ends

        private func with(
            _ model: Server.Model, _ body: (Server, MailarcProgram) async throws -> Void
        ) async throws {
            try await Server.with(model) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                try await body(server, program)
            }
        }

        private func sync(_ program: MailarcProgram, _ strategy: String) async throws -> SyncDocument {
            try await sync(program, ["test", "maildir:\(program.folder.file("mail"))", "--strategy", strategy])
        }

        private func sync(_ program: MailarcProgram, _ arguments: [String]) async throws -> SyncDocument {
            let line = ["sync"] + arguments + ["--state", program.folder.file("state"), "--json"]
            let result = try await program.run(line, opens: false)
            struct Document: Decodable { let result: SyncDocument }
            return try JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        /// Mailbox, SHA-256 and length of each message are the same at both ends.
        private func expectEqualEnds(
            _ server: Server, _ program: MailarcProgram, sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let there = server.model.mailboxes.flatMap { mailbox in
                mailbox.messages.map { message in
                    let name = mailbox.name.replacing("/", with: ".")
                    return "\(name)\t\(hex(TestSHA256.hash(message.octets)))\t\(message.octets.count)"
                }
            }
            let here = try await Dump.maildir(program.folder.file("mail")).map { line in
                line.split(separator: "\t", omittingEmptySubsequences: false).prefix(3).joined(separator: "\t")
            }
            expectEqual(here.sorted(), there.sorted(), sourceLocation: sourceLocation)
        }

        private func hex(_ octets: [UInt8]) -> String { octets.map { String(format: "%02x", $0) }.joined() }

        private func remove(_ octets: [UInt8], from folder: String, _ program: MailarcProgram) throws {
            for part in ["cur", "new"] {
                let path = program.folder.file("mail/\(folder)/\(part)")
                for name in try FileManager.default.contentsOfDirectory(atPath: path) {
                    let file = URL(fileURLWithPath: "\(path)/\(name)")
                    if try [UInt8](Data(contentsOf: file)) == octets { try FileManager.default.removeItem(at: file) }
                }
            }
        }

        private func add(_ octets: [UInt8], to mailbox: String, _ mark: String, _ maildir: String) throws {
            let folder = mailbox == "INBOX" ? maildir : "\(maildir)/.\(mailbox.replacing("/", with: "."))"
            for part in ["cur", "new", "tmp"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(part)", withIntermediateDirectories: true)
            }
            let file = "\(folder)/cur/\(octets.count).M\(mark).host:2,S"
            try Data(octets).write(to: URL(fileURLWithPath: file))
        }
    }
}

extension ScriptedIMAPServer.Model {
    /// The mailboxes that hold a message with these octets, sorted.
    fileprivate func places(of octets: [UInt8]) -> [String] {
        mailboxes.filter { mailbox in mailbox.messages.contains { $0.octets == octets } }.map(\.name).sorted()
    }
}
