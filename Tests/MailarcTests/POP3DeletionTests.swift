import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `pull --delete-source-after` of POP3 accounts: DELE only of what was read back, and nothing counts before QUIT.
    @Suite("POP3, deleting after archiving", .timeLimit(.minutes(8)))
    struct POP3DeletionTests {
        static let canRunDovecot = DovecotServer.reasonNoPOP3 == nil
        static let steps = ["leave-verify", "leave-journal", "leave-expunge", "leave-record"]

        @Test("what is old enough leaves once it was read back, with its evidence", .enabled(if: canRunDovecot))
        func verified() async throws {
            try await withSampleMaildrop(messages: 60) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    let expected = try await Maildrop.contents(of: server)
                    let first = try await program.json([DeletionDocument].self, Self.deleting + ["--dry-run"])
                    #expect(first.first?.plan.count { $0.contains("read back from the archive") } == expected.count)
                    try await program.run(["pull"])
                    // Its age counts from when it was first seen.
                    let young = try await program.json(
                        [DeletionDocument].self, ["pull", "--delete-source-after", "1h"])
                    #expect(young.first?.deleted.isEmpty == true)
                    let planned = try await program.json([DeletionDocument].self, Self.deleting + ["--dry-run"])
                    #expect(planned.first?.plan.count { $0.contains("read back from the archive") } == expected.count)
                    expectEqual(try await Maildrop.contents(of: server), expected)

                    let report = try #require(try await program.json([DeletionDocument].self, Self.deleting).first)
                    #expect(report.problems.isEmpty && report.deleted.count == expected.count, "\(report.problems)")
                    expectEqual(report.deleted.map(\.sha256).sorted(), expected)
                    #expect(try await Maildrop.contents(of: server).isEmpty)
                    #expect(try await program.run(["pull"]).output.contains("nothing changed"))
                    let held = Set(try await program.everything())
                    #expect(held == Set(expected))
                    try await program.expectClean()
                    // New mail gets new UIDs.
                    try await server.deliver("Subject: new\r\n\r\nbody\r\n", to: "INBOX")
                    let next = try await program.json([FetchDocument].self, ["pull"])
                    #expect(next.first?.newMessages == 1)
                }
            }
        }

        @Test(
            "killed at a step, each message is whole in one of both, and the next run goes on",
            .enabled(if: canRunDovecot), arguments: steps)
        func kills(_ step: String) async throws {
            try await withSampleMaildrop(messages: 30) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.pop3Port, protocol: "pop3")
                    let expected = Set(try await Maildrop.contents(of: server))
                    var command = program.command(Self.deleting)
                    command.environment["MAILARC_FAULT"] = "\(step):1"
                    let result = try await command.run()
                    #expect(result.isKilled, "\(step): \(result.ending) \(result.errors)")
                    let left = try await Maildrop.contents(of: server)
                    #expect(Set(try await program.everything()).union(left) == expected)
                    try await program.run(["pull"])
                    expectEqual(try await Maildrop.contents(of: server), left)
                    try await program.run(Self.deleting)
                    #expect(try await Maildrop.contents(of: server).isEmpty)
                    #expect(Set(try await program.everything()) == expected)
                    try await program.expectClean()
                }
            }
        }

        @Test(
            "where QUIT is not confirmed, the next UIDL tells what is gone", arguments: ["quit-lost", "quit-refused"])
        func unconfirmed(_ mode: String) async throws {
            try await withScriptedMaildrop(mode) { server, program in
                for number in 1...4 { try server.put("m\(number)", "Subject: \(number)\r\n\r\nbody\r\n") }
                let report = try #require(try await program.json([DeletionDocument].self, Self.deleting).first)
                #expect(report.deleted.count == (mode == "quit-lost" ? 4 : 0), "\(report)")
                #expect(try server.maildrop.count == (mode == "quit-lost" ? 0 : 4))
                #expect(try await program.everything().count == 4)
                let again = try await program.json([FetchDocument].self, ["pull"])
                #expect(again.first?.octetsFetched == 0)
                try await program.expectClean()
            }
        }

        @Test(
            "without UIDL, or with EXPIRE 0, it is refused before anything is done", arguments: ["no-uidl", "expire-0"])
        func refused(_ mode: String) async throws {
            try await withScriptedMaildrop(mode) { server, program in
                try server.put("m1", "Subject: 1\r\n\r\nbody\r\n")
                let result = try await program.run(Self.deleting, codes: [64])
                #expect(result.errors.contains(mode == "no-uidl" ? "no UIDL" : "EXPIRE 0"), "\(result.errors)")
                // A session that read is not ended in order where that would delete.
                try await program.run(["pull"])
                #expect(try server.maildrop.count == 1)
            }
        }

        @Test("a repeated unique-id names nobody: its messages stay, the others go")
        func repeated() async throws {
            try await withScriptedMaildrop("repeated-uidl") { server, program in
                try server.put("a-1", "Subject: 1\r\n\r\none\r\n")
                try server.put("a-2", "Subject: 2\r\n\r\ntwo\r\n")
                try server.put("b-1", "Subject: 3\r\n\r\nthree\r\n")
                let report = try #require(try await program.json([DeletionDocument].self, Self.deleting).first)
                #expect(report.deleted.count == 1 && report.problems.isEmpty, "\(report)")
                #expect(try server.maildrop.keys.sorted() == ["a-1", "a-2"])
                #expect(try await program.everything().count == 3)
            }
        }

        static let deleting = ["pull", "--delete-source-after", "0"]
    }
}

/// A scripted POP3 server and an archive with it as account "test".
func withScriptedMaildrop<R>(
    _ modes: String, _ body: (MaliciousServer, MailarcProgram) async throws -> R
) async throws -> R {
    let server = try await MaliciousServer.startPOP3(modes)
    do {
        let result = try await withArchive { program in
            try await program.addAccount(port: server.port, protocol: "pop3")
            return try await body(server, program)
        }
        await server.stop()
        return result
    } catch {
        await server.stop()
        throw error
    }
}
