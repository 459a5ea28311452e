import Foundation
import MailarcTesting
import Testing

/// What `pull --json` says, as far as deletion in the source goes.
struct DeletionDocument: Decodable {
    struct Row: Decodable, Hashable {
        let mailbox: String
        let uidValidity, uid: UInt32
        let id, sha256: String
        let octets: Int
        let ledgerIndex: UInt64
    }
    let deleted: [Row]
    let plan: [String]
    let problems: [String]
    let newMessages: Int
}

extension EndToEnd {
    /// `pull --delete-source-after` and `sync … archive: --delete-source-after`: a message leaves the server only once
    /// the archive was read back.
    @Suite("deleting in the source after archiving", .timeLimit(.minutes(8)))
    struct ArchivedDeletionTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
        static let ways = [["pull", "test"], ["sync", "test", "archive:", "--strategy", "backup"]]

        @Test(
            "what is old enough leaves once it was read back, with its evidence; the rest stays",
            .enabled(if: canRunDovecot), arguments: ways)
        func verified(_ way: [String]) async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let source = try await Dump.server(port: server.port)
                    let planned = try await pull(program, way, ["--delete-source-after", "0", "--dry-run"])
                    #expect(planned.plan.count { $0.contains("read back from the archive") } == source.count)
                    #expect(try await pull(program, way, ["--delete-source-after", "100y"]).deleted.isEmpty)
                    expectEqual(try await Dump.server(port: server.port), source)
                    let again = try await pull(program, way, ["--delete-source-after", "0", "--dry-run"])
                    #expect(again.plan.count { $0.contains("read back from the archive") } == source.count)

                    let report = try await pull(program, way, ["--delete-source-after", "0"])
                    #expect(report.deleted.count == source.count && report.problems.isEmpty, "\(report.problems)")
                    #expect(Set(report.deleted.map(\.uidValidity)).contains(0) == false)
                    #expect(try await Dump.server(port: server.port).isEmpty)
                    try await expectEvidence(report.deleted, program)
                    // Nothing of it is an outage, and nothing comes twice.
                    let next = try await program.run(way)
                    #expect(next.output.contains("nothing changed"), "\(next.output)")
                    expectEqual(try await program.everything(), Self.contents(source))
                    try await program.run(["reconcile"])
                    try await program.expectClean()
                }
            }
        }

        @Test("only the mailboxes asked for, and only what the archive holds", .enabled(if: canRunDovecot))
        func exactly() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await server.doveadm(["mailbox", "create", "-u", "anna", "Lists"])
                    for number in 1...6 { try await deliver(server, "number \(number)", to: "INBOX") }
                    try await deliver(server, "of a list", to: "Lists")
                    try await program.run(["pull"])
                    // Marked by its owner, erased here, of another mailbox: all of these stay.
                    try await server.doveadm(
                        ["flags", "add", "-u", "anna", "\\Deleted", "mailbox", "INBOX", "uid", "1"])
                    struct Row: Decodable { let id, subject: String }
                    let rows = try await program.json([Row].self, ["list", "--mailbox", "INBOX"])
                    let erased = try #require(rows.first { $0.subject == "number 3" }?.id)
                    try await program.run(["erase", "--id", erased, "--yes", "--basis", "test"])
                    let report = try await pull(
                        program, Self.ways[0], ["--mailbox", "INBOX", "--delete-source-after", "0"])
                    #expect(report.deleted.map(\.uid) == [1, 2, 4, 5, 6], "\(report)")
                    #expect(try await subjects(server, "INBOX") == ["number 3"])
                    #expect(try await subjects(server, "Lists") == ["of a list"])
                    try await expectEvidence(report.deleted, program)
                    try await program.run(["reconcile"])
                }
            }
        }

        @Test("a changed UIDVALIDITY, and mail that comes meanwhile, cost nobody anything", .enabled(if: canRunDovecot))
        func otherUIDs() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    for number in 1...4 { try await deliver(server, "number \(number)", to: "INBOX") }
                    try await program.run(["pull"])
                    try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "2"])
                    try await server.doveadm([
                        "mailbox", "update", "-u", "anna", "--uid-validity", "1234567", "INBOX",
                    ])
                    try await deliver(server, "number 5", to: "INBOX")
                    let report = try await pull(program, Self.ways[0], ["--delete-source-after", "0"])
                    #expect(report.deleted.count == 4, "\(report)")
                    #expect(report.deleted.allSatisfy { $0.uidValidity == 1_234_567 })
                    #expect(try await subjects(server, "INBOX").isEmpty)
                    try await expectEvidence(report.deleted, program)
                    #expect(try await program.everything().count == 5)
                }
            }
        }

        @Test("what the archive does not give back stays in the source, and is told", .enabled(if: canRunDovecot))
        func damaged() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    for number in 1...3 { try await deliver(server, "number \(number)", to: "INBOX") }
                    try await program.run(["pull"])
                    let packs = TestFolder.files(below: program.archive).filter {
                        $0.hasSuffix(".pk") || $0.hasPrefix("packs/")
                    }
                    #expect(!packs.isEmpty)
                    for pack in packs {
                        let url = URL(fileURLWithPath: "\(program.archive)/\(pack)")
                        var octets = try Data(contentsOf: url)
                        octets[octets.count - 20] ^= 0x55
                        try octets.write(to: url)
                    }
                    // The last message of the pack is hit; the others are whole, and may go.
                    let result = try await program.run(Self.ways[1] + ["--delete-source-after", "0"], codes: [18])
                    #expect(result.output.contains("1 not deleted in the source"), "\(result.output)")
                    #expect(try await subjects(server, "INBOX") == ["number 3"])
                }
            }
        }

        @Test("without UIDPLUS, or from files, it is refused before anything is done", .enabled(if: canRunDovecot))
        func refused() async throws {
            let poor = DovecotServer.Options.withCapabilities("IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE")
            try await withSampleServer(messages: 5, seed: 4, options: poor) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let source = try await Dump.server(port: server.port)
                    for way in Self.ways {
                        let result = try await program.run(way + ["--delete-source-after", "0"], codes: [64])
                        #expect(result.errors.contains("UIDPLUS") && result.errors.contains("→"), "\(result.errors)")
                    }
                    expectEqual(try await Dump.server(port: server.port), source)
                    #expect(try await program.everything().isEmpty)
                    let cases: [([String], String)] = [
                        (["pull", "--delete-source-after", "soon"], "not an age"),
                        (["pull", "--delete-source-after", "-1d"], ""),
                        (
                            [
                                "sync", "mbox:/dev/null", "archive:x", "--strategy", "backup", "--delete-source-after",
                                "0",
                            ], "can only be read"
                        ),
                        (
                            ["watch", "test", "archive:", "--strategy", "backup", "--delete-source-after", "0"],
                            "only --mailbox can be given"
                        ),
                    ]
                    for (arguments, words) in cases {
                        let result = try await program.run(arguments, codes: [64])
                        #expect(words.isEmpty || result.errors.contains(words), "\(arguments): \(result.errors)")
                    }
                }
            }
        }

        static let steps = [
            "leave-verify", "leave-journal", "leave-expunge", "leave-record", "journal-sync", "catalog", "state",
        ]

        @Test(
            "killed at a step, each message is whole in one of both, and the next run goes on",
            .enabled(if: canRunDovecot), arguments: steps, isSoak ? [1, 2, 3] : [1])
        func kills(_ step: String, _ passing: Int) async throws {
            try await withSampleServer(messages: 14, seed: 4) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let source = try await Dump.server(port: server.port)
                    var command = program.command(["pull", "--delete-source-after", "0"])
                    command.environment["MAILARC_FAULT"] = "\(step):\(passing)"
                    let result = try await command.run()
                    #expect(result.isKilled || result.isSuccess, "\(step): \(result.ending) \(result.errors)")
                    #expect(result.isKilled || passing > 1, "no run ever passed the step \(step)")
                    let left = try await Dump.server(port: server.port)
                    try await program.expectClean()
                    let held = Set(try await program.everything())
                    #expect(held.union(Self.contents(left)).isSuperset(of: Self.contents(source)))
                    // A run that deletes nothing records what the dead one deleted: no outage.
                    try await program.run(["pull"])
                    expectEqual(try await Dump.server(port: server.port), left, step)
                    try await program.run(["reconcile"])
                    try await program.run(["pull", "--delete-source-after", "0"])
                    #expect(try await Dump.server(port: server.port).isEmpty)
                    expectEqual(try await program.everything(), Self.contents(source), step)
                    try await program.expectClean()
                }
            }
        }

        // MARK: helpers

        private func pull(_ program: MailarcProgram, _ way: [String], _ more: [String]) async throws -> DeletionDocument
        {
            try #require(try await program.json([DeletionDocument].self, way + more).first)
        }

        /// Each row names a message that the archive gives back with these octets, under this entry of the ledger.
        private func expectEvidence(_ rows: [DeletionDocument.Row], _ program: MailarcProgram) async throws {
            struct Shown: Decodable {
                let sha256: String
                let ledgerIndex: UInt64
            }
            for row in Set(rows.map(\.id)).sorted().prefix(10) {
                let shown = try await program.json(Shown.self, ["show", row])
                let named = try #require(rows.first { $0.id == row })
                #expect(shown.sha256 == named.sha256 && shown.ledgerIndex == named.ledgerIndex, "\(named)")
            }
        }

        /// The contents of a dump, each once: the archive holds equal octets once.
        private static func contents(_ lines: [String]) -> [String] {
            Set(lines.map { String($0.split(separator: "\t")[1]) }).sorted()
        }

        private func subjects(_ server: DovecotServer, _ mailbox: String) async throws -> [String] {
            let result = try await server.doveadm(["fetch", "-u", "anna", "hdr.subject", "mailbox", mailbox, "ALL"])
            return result.output.split(whereSeparator: \.isNewline)
                .compactMap { $0.hasPrefix("hdr.subject: ") ? String($0.dropFirst(13)) : nil }.sorted()
        }

        private func deliver(_ server: DovecotServer, _ subject: String, to mailbox: String) async throws {
            try await server.deliver("Subject: \(subject)\r\nMessage-ID: <\(subject)@x>\r\n\r\nbody\r\n", to: mailbox)
        }
    }
}
