import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// What `mailarc sync` is told to leave out, on a real Dovecot.
    @Suite("selections of sync", .timeLimit(.minutes(6)))
    struct SelectionTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test("a SEARCH program, ages and sizes select what the server says they do", .enabled(if: canRunDovecot))
        func programs() async throws {
            try await withSampleServer(messages: 60, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let cases: [(arguments: [String], doveadm: [String])] = [
                    (["--search", "UNSEEN"], ["UNSEEN"]),
                    (
                        ["--search", "(OR FLAGGED SEEN) NOT ANSWERED"],
                        ["(", "FLAGGED", "OR", "SEEN", ")", "NOT", "ANSWERED"]
                    ),
                    (["--search", "SUBJECT \"e\"", "--search", "NOT DELETED"], ["SUBJECT", "e", "NOT", "DELETED"]),
                    (["--search", "SUBJECT ü"], ["SUBJECT", "ü"]),
                    (["--search", "SINCE 1-Jun-2023"], ["SINCE", "1-Jun-2023"]),
                    (["--larger", "1500", "--mailbox", "INBOX"], ["mailbox", "INBOX", "LARGER", "1499"]),
                    (["--smaller", "2K"], ["SMALLER", "2049"]),
                    (["--min-age", "30d", "--max-age", "100y"], ["ALL"]),
                    (["--max-age", "1h"], ["SAVEDSINCE", "2099-01-01"]),
                ]
                for (number, (arguments, wanted)) in cases.enumerated() {
                    let found = try await server.doveadm(["search", "-u", "anna"] + wanted).output
                    let count = found.split(separator: "\n").count
                    let report = try await sync(program, "copy", arguments, to: "m\(number)")
                    #expect(report?.total(\.copied) == count, "\(arguments): \(count) expected")
                    let copied = try await Dump.maildir(program.folder.file("m\(number)"))
                    #expect(copied.count == count)
                    #expect(try await sync(program, "copy", arguments, to: "m\(number)")?.isUnchanged == true)
                }
            }
        }

        @Test("a name that no mailbox has is an error, and the others are taken", .enabled(if: canRunDovecot))
        func unknownName() async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let names = ["--mailbox", "INBOX", "--mailbox", "Nobody/*"]
                    let runs = [
                        ["sync", "test", "maildir:\(program.folder.file("m"))", "--strategy", "copy", "--state"]
                            + [program.folder.file("state")],
                        ["pull", "test"], ["reconcile", "test"],
                    ]
                    for words in runs {
                        let result = try await program.run(
                            words + names, opens: words[0] != "sync", codes: [12])
                        #expect(result.errors.contains("no mailbox of test is named Nobody/*"), "\(result.errors)")
                        try await program.run(words + Array(names.prefix(2)), opens: words[0] != "sync")
                    }
                    let inbox = try await Dump.server(port: server.port).filter { $0.hasPrefix("INBOX\t") }
                    #expect(!inbox.isEmpty)
                    expectEqual(try await Dump.maildir(program.folder.file("m")), inbox)
                }
            }
        }

        @Test("what is not selected is never deleted; without the selection it is", .enabled(if: canRunDovecot))
        func deletions() async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                _ = try await sync(program, "backup", [])
                let before = try await Dump.maildir(program.folder.file("m"))
                let seen = try await server.doveadm(["search", "-u", "anna", "mailbox", "INBOX", "SEEN"]).output
                let first = try #require(seen.split(separator: "\n").first?.split(separator: " ").last)
                try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", String(first)])
                #expect(try await sync(program, "backup", ["--search", "UNSEEN"])?.isUnchanged == true)
                expectEqual(try await Dump.maildir(program.folder.file("m")), before)
                #expect(try await sync(program, "backup", ["--exclude", "INBOX"])?.isUnchanged == true)
                #expect(try await sync(program, "backup", [])?.total(\.expunged) == 1)
                expectEqual(
                    try await Dump.maildir(program.folder.file("m")), try await Dump.server(port: server.port))
            }
        }

        @Test("--rename, --subfolder and --delete-extra do what they say", .enabled(if: canRunDovecot))
        func names() async throws {
            try await withSampleServer(messages: 30, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let arguments = ["--rename", "INBOX=Incoming", "--subfolder", "Old", "--mailbox", "INBOX"]
                let count = try await sync(program, "copy", arguments)?.total(\.copied) ?? 0
                let copied = try await Dump.maildir(program.folder.file("m"))
                #expect(count > 0 && copied.count == count && copied.allSatisfy { $0.contains("Old") }, "\(copied)")
                try Data("Subject: extra\r\n\r\nbody\r\n".utf8).write(
                    to: URL(fileURLWithPath: program.folder.file("m/.Old.Incoming/new/1.extra.host")))
                #expect(try await sync(program, "copy", arguments)?.isUnchanged == true)
                #expect(try await sync(program, "copy", arguments + ["--delete-extra"])?.total(\.expunged) == 1)
                expectEqual(try await Dump.maildir(program.folder.file("m")), copied)
            }
        }

        @Test("what cannot be selected by is refused in one line, before anything is done", .enabled(if: canRunDovecot))
        func refusals() async throws {
            try await withSampleServer(messages: 5, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let cases: [([String], String)] = [
                    (["--search", "SEEN)"], "cannot be read"), (["--search", "SEEN\r\nA LOGOUT"], "control character"),
                    (["--search", "FROM {3}"], "literals"), (["--search", "1:5"], "message numbers"),
                    (["--search", "X-GM-RAW \"has:attachment\""], "SEARCH program"),
                    (["--since", "2024-05-01", "--before", "2024-04-01"], "leave no message"),
                    (["--max-age", "soon"], "not an age"), (["--larger", "5X"], "not a size"),
                ]
                for (arguments, words) in cases {
                    let result = try await program.run(line(program, "copy") + arguments, opens: false, codes: [64])
                    #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                }
                _ = try await sync(program, "copy", [])
                let maildir = "maildir:\(program.folder.file("m"))"
                let result = try await program.run(
                    [
                        "sync", maildir, "maildir:\(program.folder.file("n"))", "--strategy", "copy", "--search",
                        "FROM anna", "--state", program.folder.file("state"),
                    ], opens: false, codes: [64])
                #expect(result.errors.contains("cannot search for FROM"))
                // From the server, the other end need not search.
                #expect(try await sync(program, "copy", ["--search", "FROM anna"])?.isUnchanged == true)
                // It must where something there might be deleted.
                _ = try await program.run(
                    line(program, "backup") + ["--search", "FROM anna"], opens: false, codes: [64])
            }
        }

        // MARK: helpers

        private func sync(
            _ program: MailarcProgram, _ strategy: String, _ more: [String], to target: String = "m"
        ) async throws -> SyncDocument? {
            struct Document: Decodable { let result: SyncDocument }
            let result = try await program.run(
                line(program, strategy, target) + more + ["--json"], opens: false)
            return try JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        private func line(_ program: MailarcProgram, _ strategy: String, _ target: String = "m") -> [String] {
            [
                "sync", "test", "maildir:\(program.folder.file(target))", "--strategy", strategy, "--state",
                program.folder.file("state"),
            ]
        }
    }
}
