import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc copy` beside imapsync, on a real Dovecot.
    @Suite("copy, as imapsync does", .timeLimit(.minutes(8)))
    struct CopyTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
        static let imapsync = findExecutable("imapsync") ?? findExecutable("/usr/local/bin/imapsync")
        static let users = ["anna": "secret", "bert": "secret", "cora": "secret"]

        private static var options: DovecotServer.Options {
            var options = DovecotServer.Options()
            options.users = users
            return options
        }

        @Test(
            "a command line of imapsync gives what imapsync gives, and the messages it drops",
            .enabled(if: canRunDovecot),
            arguments: [
                [], ["--folder", "INBOX", "--maxsize", "3000"], ["--exclude", "^INBOX", "--subfolder2", "Old"],
                ["--search", "UNSEEN", "--skipemptyfolders"], ["--maxage", "20000", "--minage", "400"],
                ["--maxage", "1", "--minage", "700", "--syncinternaldates", "--useuid", "--addheader"],
            ])
        func likeImapsync(_ more: [String]) async throws {
            try await withSampleServer(messages: 40, seed: 4, options: Self.options) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await Self.addOddMessages(server)
                let source = try await Dump.server(port: server.port)
                let first = try await copy(program, server, "cora", more)
                let copied = try await Dump.server(port: server.port, user: "cora")
                #expect(first.total(\.copied) == copied.count)
                #expect(try await copy(program, server, "cora", more).isUnchanged)
                expectEqual(try await Dump.server(port: server.port, user: "cora"), copied)
                expectEqual(try await Dump.server(port: server.port), source, "the source")
                if more.isEmpty { expectEqual(copied, source) }
                guard let imapsync = Self.imapsync else { return print("imapsync: not installed") }
                var command = ProcessCommand(
                    imapsync,
                    line(program, server, "bert") + more.filter { $0 != "--useuid" && $0 != "--addheader" } + [
                        "--nolog", "--noreleasecheck", "--tmpdir", program.folder.path,
                    ])
                command.timeout = .seconds(200)
                let result = try await command.run()
                #expect(result.isSuccess, "\(result.ending) \(result.output.suffix(2_000))")
                let theirs = try await Dump.server(port: server.port, user: "bert")
                // Nothing that imapsync copies is missing; what it drops has no Message-ID of its own.
                let missing = Set(theirs).subtracting(copied)
                #expect(missing.isEmpty, "\(more): \(missing)")
                let surplus = Set(copied).subtracting(theirs).count
                print("copy \(more): \(copied.count) messages, imapsync \(theirs.count), \(surplus) it left out")
                if more.isEmpty { #expect(surplus > 0, "imapsync copied the odd ones, too") }
            }
        }

        @Test("--dry changes nothing, --delete2 deletes what is extra and no more", .enabled(if: canRunDovecot))
        func deletions() async throws {
            try await withSampleServer(messages: 20, seed: 4, options: Self.options) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                let plan = try await copy(program, server, "bert", ["--dry"])
                #expect(!plan.plan.isEmpty)
                #expect(try await Dump.server(port: server.port, user: "bert").isEmpty)
                _ = try await copy(program, server, "bert")
                let copied = try await Dump.server(port: server.port, user: "bert")
                try await Self.append(server, "bert", "Subject: extra\r\n\r\nbody\r\n")
                #expect(try await copy(program, server, "bert").isUnchanged)
                #expect(try await copy(program, server, "bert", ["--delete2"]).total(\.expunged) == 1)
                expectEqual(try await Dump.server(port: server.port, user: "bert"), copied)
            }
        }

        @Test("names: --f1f2, --subfolder1 and back, --folderrec", .enabled(if: canRunDovecot))
        func names() async throws {
            try await withSampleServer(messages: 30, seed: 4, options: Self.options) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                _ = try await copy(program, server, "bert", ["--subfolder2", "Old/Mail"])
                let (source, there) = (
                    try await Dump.server(port: server.port), try await Dump.server(port: server.port, user: "bert")
                )
                #expect(there.count == source.count && there.allSatisfy { $0.contains("Old") }, "\(there.first ?? "")")
                try await program.run(
                    line(program, server, "cora", from: "bert", command: "copy")
                        + ["--subfolder1=Old/Mail", "--state", program.folder.file("back")], opens: false)
                expectEqual(try await Dump.server(port: server.port, user: "cora"), source)
                let more = ["--folder", "INBOX", "--f1f2", "INBOX=Incoming"]
                let state = ["--state", program.folder.file("names")]
                try await program.run(
                    line(program, server, "bert", command: "copy") + more + state, opens: false)
                let incoming = try await server.doveadm(["search", "-u", "bert", "mailbox", "Incoming", "ALL"]).output
                let inbox = try await server.doveadm(["search", "-u", "anna", "mailbox", "INBOX", "ALL"]).output
                #expect(incoming.split(separator: "\n").count == inbox.split(separator: "\n").count)
            }
        }

        @Test("an option that is not taken is refused in one line that names what to do")
        func refusals() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let cases: [([String], String)] = [
                (["--password1", "hunter2"], "--passfile1"), (["--password2=hunter2"], "--passfile2"),
                (["--regextrans2", "s/a/b/"], "--f1f2"), (["--search2", "SEEN"], "--search"),
                (["--pipemess", "cat"], "octet for octet"), (["--bogus"], "no option of imapsync"),
                (["stray"], "not an option"), (["--folder"], "wants a value"), (["--dry=1"], "takes no value"),
                (["--user1", "a"], "--host1 is missing"), (["--host1", "h"], "--user1 is missing"),
                (["--exclude", "("], "not a regular expression"), (["--maxsize", "big"], "takes a number"),
                (["--search", "SEEN)"], "cannot be read"), (["--sslargs1", "SSL_version=SSLv3"], "SSL_ca_file"),
                (["--authmech1", "NTLM"], "SCRAM-SHA-256"), (["--f1f2", "INBOX"], "FROM=TO"),
            ]
            let ends = [
                "--host1", "127.0.0.1", "--user1", "anna", "--passfile1", program.folder.file("password"), "--host2",
                "127.0.0.1", "--user2", "bert", "--passfile2", program.folder.file("password"), "--port1", "1",
            ]
            for (arguments, words) in cases {
                let isWhole = words.contains("missing")
                let result = try await program.run(
                    ["copy"] + (isWhole ? [] : ends) + arguments, opens: false, codes: [64])
                #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                #expect(!result.errors.contains("hunter2") && !result.output.contains("hunter2"))
            }
        }

        @Test("Documentation/Copy.md is the table, and the table has every option imapsync's help names")
        func table() async throws {
            struct Row: Decodable { let option, verdict, text: String }
            struct Document: Decodable { let result: [Row] }
            let program = try MailarcProgram()
            defer { program.remove() }
            let listed = try await program.run(["copy", "--list-options", "--json"], opens: false)
            let rows = try JSONDecoder().decode(Document.self, from: Data(listed.standardOutput)).result
            let page = try String(contentsOfFile: "\(Repository.root)/Documentation/Copy.md", encoding: .utf8)
            for row in rows {
                let line = "| `--\(row.option)` | \(row.verdict) | \(row.text.replacing("|", with: "\\|")) |"
                #expect(page.contains(line), "Copy.md lacks: \(line)")
            }
            guard let imapsync = Self.imapsync else { return print("imapsync: not installed") }
            let help = try await ProcessCommand(imapsync, ["--help", "--nolog"]).run().output
            let known = Set(rows.flatMap { row in ["1", "2"].map { row.option.replacing("#", with: $0) } })
            var count = 0
            for line in help.split(separator: "\n") {
                guard let match = line.firstMatch(of: /^ +--([a-z][a-z0-9]+)( +(str|int|flo|reg|cmd))? *:/) else {
                    continue
                }
                count += 1
                #expect(known.contains(String(match.1)), "imapsync has --\(match.1)")
            }
            print("options of imapsync's help: \(count), all in the table")
        }

        // MARK: helpers

        /// Two messages with one Message-ID, two without any, one of them twice.
        private static func addOddMessages(_ server: DovecotServer) async throws {
            for body in ["first", "second"] {
                try await append(
                    server, "anna", "Message-ID: <same@example.org>\r\nSubject: \(body)\r\n\r\n\(body)\r\n")
            }
            for body in ["no id", "no id either", "no id"] { try await append(server, "anna", "\r\n\(body)\r\n") }
        }

        private static func append(_ server: DovecotServer, _ user: String, _ message: String) async throws {
            let path = server.folder.file("message-\(UInt32.random(in: 0...UInt32.max))")
            try Data(message.utf8).write(to: URL(fileURLWithPath: path))
            let configuration = server.folder.file("dovecot.conf")
            try await ProcessCommand(
                "sh", ["-c", "doveadm -c \(configuration) save -u \(user) -m INBOX < \(path)"]
            ).runSuccessfully()
        }

        private func copy(
            _ program: MailarcProgram, _ server: DovecotServer, _ user: String, _ more: [String] = []
        ) async throws -> SyncDocument {
            struct Document: Decodable { let result: SyncDocument }
            let result = try await program.run(
                line(program, server, user, command: "copy") + more + [
                    "--json", "--state", program.folder.file("state"),
                ],
                opens: false)
            return try JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        private func line(
            _ program: MailarcProgram, _ server: DovecotServer, _ user: String, from source: String = "anna",
            command: String? = nil
        ) -> [String] {
            let ends = [("1", source), ("2", user)].flatMap { side, user in
                [
                    "--host\(side)", "127.0.0.1", "--port\(side)", String(server.port), "--user\(side)", user,
                    "--passfile\(side)", program.folder.file("password"), "--nossl\(side)", "--notls\(side)",
                ]
            }
            return (command.map { [$0] } ?? []) + ends
        }
    }
}
