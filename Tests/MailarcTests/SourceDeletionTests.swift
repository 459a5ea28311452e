import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `--delete-source-after` between a real Dovecot and a Maildir.
    @Suite("deleting in the source after copying", .timeLimit(.minutes(6)))
    struct SourceDeletionTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "what is old enough leaves the source once its copy was verified, the rest stays",
            .enabled(if: canRunDovecot))
        func verified() async throws {
            try await withSampleServer(messages: 40, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let source = try await Dump.server(port: server.port)
                let plan = try await sync(program, ["--delete-source-after", "0", "--dry-run"])
                #expect(plan.plan.count { $0.contains("once its copy was read back") } == source.count)
                #expect(try await sync(program, ["--delete-source-after", "100y"]).total(\.copied) == source.count)
                expectEqual(try await Dump.server(port: server.port), source)
                // One copy is changed behind our back: its source stays.
                let folder = program.folder.file("mail")
                let victim = try #require(
                    TestFolder.files(below: folder).first { $0.hasPrefix("cur/") || $0.hasPrefix("new/") })
                let path = "\(folder)/\(victim)"
                var octets = try Data(contentsOf: URL(fileURLWithPath: path))
                octets[octets.count / 2] ^= 1
                try octets.write(to: URL(fileURLWithPath: path))
                let report = try await sync(program, ["--delete-source-after", "0"])
                #expect(report.total(\.expunged) == source.count - 1, "\(report)")
                #expect(try await Dump.server(port: server.port).count == 1)
                #expect(try await Dump.maildir(folder).count == source.count)
            }
        }

        @Test("copy --delete1 empties the source as imapsync does, and nothing is lost", .enabled(if: canRunDovecot))
        func delete1() async throws {
            var options = DovecotServer.Options()
            options.users = ["anna": "secret", "bert": "secret"]
            try await withSampleServer(messages: 20, seed: 4, options: options) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                let source = try await Dump.server(port: server.port)
                let ends = ["1": "anna", "2": "bert"].flatMap { side, user in
                    [
                        "--host\(side)", "127.0.0.1", "--port\(side)", String(server.port), "--user\(side)", user,
                        "--passfile\(side)", program.folder.file("password"), "--nossl\(side)", "--notls\(side)",
                    ]
                }
                try await program.run(
                    ["copy", "--delete1", "--state", program.folder.file("state")] + ends, opens: false)
                expectEqual(try await Dump.server(port: server.port, user: "bert"), source)
                #expect(try await Dump.server(port: server.port).isEmpty)
            }
        }

        @Test("without UIDPLUS, or with a strategy that follows deletions, it is refused", .enabled(if: canRunDovecot))
        func refused() async throws {
            let poor = DovecotServer.Options.withCapabilities("IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE")
            try await withSampleServer(messages: 5, seed: 4, options: poor) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let source = try await Dump.server(port: server.port)
                for strategy in ["copy", "backup"] {
                    let result = try await program.run(
                        line(program, strategy) + ["--delete-source-after", "0"], opens: false, codes: [64])
                    #expect(result.errors.contains(strategy == "copy" ? "UIDPLUS" : "would lose"), "\(result.errors)")
                }
                expectEqual(try await Dump.server(port: server.port), source)
            }
        }

        @Test("killed at any instant, each message is whole in one of both", .enabled(if: canRunDovecot))
        func kills() async throws {
            try await withSampleServer(messages: 60, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let source = try await Dump.server(port: server.port)
                var generator = SeededGenerator(seed: EndToEnd.seed)
                for _ in 0..<(isSoak ? 100 : 12) {
                    var command = program.command(
                        line(program, "copy") + ["--delete-source-after", "0"], opens: false)
                    command.killAfter = .milliseconds(Int.random(in: 60...900, using: &generator))
                    _ = try await command.run()
                    let folder = program.folder.file("mail")
                    let here = FileManager.default.fileExists(atPath: folder) ? try await Dump.maildir(folder) : []
                    let there = try await Dump.server(port: server.port).map(unmarked)
                    let everywhere = Set(there).union(here)
                    #expect(everywhere.isSuperset(of: source))
                }
                _ = try await sync(program, ["--delete-source-after", "0"])
                expectEqual(try await Dump.maildir(program.folder.file("mail")), source)
                #expect(try await Dump.server(port: server.port).isEmpty)
            }
        }

        /// Killed between STORE and UID EXPUNGE, a run leaves its mark in the source, and there alone.
        private func unmarked(_ line: String) -> String {
            var fields = line.components(separatedBy: "\t")
            fields[3] = fields[3].split(separator: " ").filter { $0 != "\\Deleted" }.joined(separator: " ")
            return fields.joined(separator: "\t")
        }

        private func sync(_ program: MailarcProgram, _ more: [String]) async throws -> SyncDocument {
            struct Document: Decodable { let result: SyncDocument }
            let result = try await program.run(line(program, "copy") + more + ["--json"], opens: false)
            return try JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        private func line(_ program: MailarcProgram, _ strategy: String) -> [String] {
            [
                "sync", "test", "maildir:\(program.folder.file("mail"))", "--strategy", strategy, "--state",
                program.folder.file("state"),
            ]
        }
    }
}
