import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc postfix --write`, into the files of a real Postfix that runs with what came of it.
    @Suite(
        "postfix --write", .timeLimit(.minutes(10)), .enabled(if: PostfixServer.reasonNotRunnable == nil, "no postfix"))
    struct PostfixWriteTests {
        private struct Difference: Decodable {
            let path: String
            let isNew: Bool
            let removed, added: [String]
            let backup: String?
        }

        private static let addresses = ["anna@lab.test", "bert@lab.test", "--domain", "archive.test"]

        private static func words(_ folder: String, _ socket: String = "unix:/x/lmtp") -> [String] {
            ["postfix"] + addresses + ["--socket", socket, "--config-directory", folder]
        }

        private static func configure(_ program: MailarcProgram) throws {
            try program.folder.write(
                "config/mailarc/config.toml",
                """
                [[receive.route]]
                recipient = "*_rcv@archive.test"
                account = "{1}"
                direction = "received"
                [[receive.route]]
                recipient = "*_snd@archive.test"
                account = "{1}"
                direction = "sent"
                """)
        }

        /// Every file of `folder` with its octets; tables that postmap makes aside.
        private static func contents(_ folder: String) throws -> [String: Data] {
            var found: [String: Data] = [:]
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) where !name.hasSuffix(".db") {
                found[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            return found
        }

        private static func write(
            _ program: MailarcProgram, _ words: [String], codes: Set<Int32> = [0]
        ) async throws -> ProcessResult {
            try await program.run(words + ["--write", "--yes"], opens: false, codes: codes)
        }

        private static func differences(_ result: ProcessResult) throws -> [Difference] {
            struct Document: Decodable { let result: [Difference] }
            return try JSONDecoder().decode(Document.self, from: Data(result.standardOutput)).result
        }

        @Test("a Postfix that had nothing of it archives every message; a second run changes nothing")
        func writes() async throws {
            try await withArchive { program in
                try Self.configure(program)
                let socket = "/tmp/mailarc-lmtp-\(UInt32.random(in: 0...UInt32.max))"
                var options = PostfixServer.Options(archiveTransport: "")
                options.isBare = true
                options.prepare = { etc in
                    let main = "\(etc)/main.cf"
                    let before = try String(contentsOfFile: main, encoding: .utf8)
                    // As Debian has it: a table, and values over several lines.
                    let text =
                        before.replacing("relay_domains = lab.test", with: "relay_domains =\n\t# ours\n  lab.test")
                        + "transport_maps = hash:\(etc)/transport\n# the end"
                    try text.write(toFile: main, atomically: false, encoding: .utf8)
                    try await ProcessCommand("postmap", ["-c", etc, "hash:\(etc)/transport"]).runSuccessfully()
                    try await ProcessCommand("chmod", ["640", main]).runSuccessfully()
                    let result = try await Self.write(program, Self.words(etc, "unix:\(socket)") + ["--json"])
                    let written = try Self.differences(result)
                    #expect(
                        written.map { URL(fileURLWithPath: $0.path).lastPathComponent }
                            == ["bcc_archive_rcv", "bcc_archive_snd", "transport", "main.cf"])
                    #expect(written[2].added == ["archive.test lmtp:unix:\(socket)"] && written[2].removed.isEmpty)
                    #expect(written[3].added.contains("relay_domains = lab.test, archive.test"))
                    let backup = try #require(written[3].backup)
                    #expect(try String(contentsOfFile: backup, encoding: .utf8) == text)
                    for path in [backup, main] {
                        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
                        #expect(mode == 0o640, "\(path)")
                    }
                    let after = try String(contentsOfFile: main, encoding: .utf8)
                    #expect(after.contains("\t# ours\n") && after.contains("transport_maps = hash:\(etc)/transport\n"))
                    let files = try Self.contents(etc)
                    let again = try await Self.write(program, Self.words(etc, "unix:\(socket)"))
                    #expect(again.output.contains("nothing was written"))
                    #expect(try Self.contents(etc) == files)
                    try await program.run(Self.words(etc, "unix:\(socket)") + ["--check"], opens: false)
                }
                try await receiving(program, ["--lmtp", "unix:\(socket)", "--socket-mode", "666"]) { _ in
                    try await PostfixServer.with(options) { server in
                        for (sender, recipient, first) in [
                            ("x@else.test", "anna@lab.test", "1"), ("anna@lab.test", "bert@lab.test", "101"),
                        ] {
                            let sent = try await Play.send(
                                "127.0.0.1:\(server.port)",
                                ["--sender", sender, "--recipient", recipient, "--count", "20", "--first", first])
                            #expect(sent.count == 20)
                        }
                        try await wait("an empty queue") {
                            try await server.flush()
                            return try await server.queued() == 0
                        }
                        #expect(!server.log.contains("status=bounced"), "\(server.log.suffix(2_000))")
                    }
                }
                #expect(try await program.numbers(account: "anna", mailbox: "INBOX") == Array(1...20))
                #expect(try await program.numbers(account: "anna", mailbox: "Sent") == Array(101...120))
                #expect(try await program.numbers(account: "bert", mailbox: "INBOX") == Array(101...120))
                try await program.expectClean()
            }
        }

        @Test("out through somebody else's server: the right login for each sender, passwords never shown")
        func relays() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let relay = try await MaliciousServer.startRelay()
            let other = try await MaliciousServer.startRelay()
            let (host, otherHost) = ("[127.0.0.1]:\(relay.port)", "[127.0.0.1]:\(other.port)")
            let words = [
                "--relayhost", host, "--relayhost-for", "bert@lab.test=\(host)",
                "--relayhost-for", "cora@lab.test=\(otherHost)",
            ]
            let logins = try program.folder.write(
                "logins",
                "# mine\n\(host) firm:secret of firm\nbert@lab.test bert:secret of bert\n"
                    + "cora@lab.test cora:secret of cora\n", mode: 0o600)
            var options = PostfixServer.Options(archiveTransport: "")
            options.isBare = true
            options.mainLines = "smtp_tls_security_level = may"
            options.prepare = { etc in
                let before = try Self.contents(etc)
                let printed = try await program.run(Self.words(etc) + words, opens: false).output
                #expect(printed.contains("\nrelayhost = \(host)\n") && printed.contains("\(host) USER:PASSWORD"))
                let lacking = try await Self.write(program, Self.words(etc) + words, codes: [64])
                #expect(lacking.errors.contains("there is no password for \(host)"), "\(lacking.errors)")
                #expect(try Self.contents(etc) == before)
                let written = try await Self.write(program, Self.words(etc) + words + ["--relay-credentials", logins])
                #expect(written.output.contains("\(host) ********") && !written.output.contains("secret"))
                #expect(written.output.contains("- smtp_tls_security_level = may"))
                let mode = try FileManager.default.attributesOfItem(atPath: "\(etc)/relay_passwd")[.posixPermissions]
                #expect(mode as? Int == 0o600)
                let again = try await Self.write(program, Self.words(etc) + words)
                #expect(again.output.contains("nothing was written"), "\(again.output)")
                try await program.run(Self.words(etc) + words + ["--check"], opens: false)
                // What runs next has no archive.
                try "lab.test discard:\narchive.test discard:\n".write(
                    toFile: "\(etc)/transport", atomically: false, encoding: .utf8)
            }
            try await PostfixServer.with(options) { server in
                for sender in ["anna@lab.test", "bert@lab.test", "cora@lab.test"] {
                    _ = try await Play.send(
                        "127.0.0.1:\(server.port)",
                        ["--sender", sender, "--recipient", "x@else.test", "--count", "2"])
                }
                try await wait("an empty queue") {
                    try await server.flush()
                    return try await server.queued() == 0
                }
                #expect(
                    try relay.relayed.sorted() == [
                        "bert bert@lab.test x@else.test", "bert bert@lab.test x@else.test",
                        "firm anna@lab.test x@else.test", "firm anna@lab.test x@else.test",
                    ], "\(server.log.suffix(2_000))")
                #expect(try other.relayed == ["cora cora@lab.test x@else.test", "cora cora@lab.test x@else.test"])
            }
            await relay.stop()
            await other.stop()
        }

        /// Lines of main.cf (or of a map) that say something else, and what is said of it.
        static let refused = [
            ("main.cf", "recipient_bcc_maps = inline:{ anna@lab.test=x@y.test }", "not understood"),
            ("main.cf", "sender_bcc_maps = texthash:ETC/mine", "has something else for anna@lab.test: boss@lab.test"),
            ("main.cf", "transport_maps = static:smtp:", "something else for archive.test"),
            ("main.cf", "transport_maps = regexp:ETC/transport", "is no map of keys and values"),
            ("main.cf", "relay_domains = a.test\nrelay_domains = b.test", "sets relay_domains 2 times"),
            ("main.cf", "relayhost = other.example.org", "relayhost is other.example.org"),
            ("main.cf", "smtp_sasl_security_options = noactive", "smtp_sasl_security_options is noactive"),
            ("bcc_archive_snd", "anna@lab.test boss@lab.test", "something else for anna@lab.test"),
            ("master.cf", "x unix - - n - - smtp\n  -o relayhost=other.example.org", "master.cf sets"),
        ]

        @Test("what says something else is refused with a reason, and nothing is written")
        func refuses() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let etc = program.folder.file("etc")
            for (file, lines, reason) in Self.refused {
                try? FileManager.default.removeItem(atPath: etc)
                try program.folder.write("etc/main.cf", "compatibility_level = 3.6\n")
                try program.folder.write("etc/master.cf", "smtp unix - - n - - smtp\n")
                try program.folder.write("etc/mine", "anna@lab.test boss@lab.test\n")
                let present = (try? String(contentsOfFile: "\(etc)/\(file)", encoding: .utf8)) ?? ""
                try program.folder.write("etc/\(file)", present + lines.replacing("ETC", with: etc) + "\n")
                try program.folder.write("logins", "[mail.example.org]:587 firm:hidden\n", mode: 0o600)
                let before = try Self.contents(etc)
                let result = try await Self.write(
                    program,
                    Self.words(etc) + [
                        "--relayhost", "[mail.example.org]:587", "--relay-credentials", program.folder.file("logins"),
                    ], codes: [64])
                #expect(result.errors.contains(reason), "\(lines): \(result.errors)")
                #expect(try Self.contents(etc) == before, "\(lines)")
            }
        }

        @Test("nothing is written without a yes, and what Postfix cannot read afterwards is put back")
        func asks() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let etc = program.folder.file("etc")
            try program.folder.write(
                "etc/main.cf", "compatibility_level = 3.6\nrelay_domains = $mydestination, a.test\n")
            try program.folder.write("etc/master.cf", "smtp unix - - n - - smtp\n")
            let before = try Self.contents(etc)
            let asked = try await program.run(Self.words(etc) + ["--write"], opens: false, codes: [64])
            for line in [
                "- relay_domains = $mydestination, a.test", "+ relay_domains = $mydestination, a.test, archive.test",
                "\(etc)/transport (new)", "+ archive.test lmtp:unix:/x/lmtp", "nothing was written",
            ] {
                #expect(asked.errors.contains(line), "\(line) in \(asked.errors)")
            }
            #expect(try Self.contents(etc) == before)
            // postmap cannot write its table.
            let main = before["main.cf", default: Data()] + Data("transport_maps = hash:\(etc)/transport\n".utf8)
            try program.folder.write("etc/main.cf", [UInt8](main))
            try program.folder.write("etc/transport", "a.test smtp:\n")
            try FileManager.default.createDirectory(
                atPath: "\(etc)/transport.db", withIntermediateDirectories: false)
            let whole = try Self.contents(etc)
            let failed = try await Self.write(program, Self.words(etc), codes: [11])
            #expect(failed.errors.contains("it is as before") && failed.output.isEmpty, "\(failed.errors)")
            #expect(try Self.contents(etc) == whole)
            try FileManager.default.removeItem(atPath: "\(etc)/transport.db")
            // On a terminal it asks.
            for (answer, code) in [("n", Int32(130)), ("y", 0)] {
                let command = program.command(Self.words(etc) + ["--write"], opens: false)
                let line = ([command.executable] + command.arguments).map { "'\($0)'" }.joined(separator: " ")
                var terminal = ProcessCommand("script", ["-qec", line, "/dev/null"])
                (terminal.environment, terminal.input) = (command.environment, Array("\(answer)\n".utf8))
                let result = try await terminal.run()
                #expect(result.exitCode == code && result.output.contains("Write this? [y/N]"), "\(result.output)")
                #expect(try (Self.contents(etc) == whole) == (answer == "n"))
            }
            for words in [
                ["postfix"] + Self.addresses + ["--write", "--check"],
                ["postfix"] + Self.addresses + ["--relay-credentials", "/x"],
                Self.words(etc) + ["--relayhost", "no host"],
                Self.words(etc) + ["--relayhost", "[a.test]:25", "--relayhost-for", "anna"],
                Self.words(etc) + ["--relayhost", "[a.test]:25", "--relayhost-for", "anna=[b.test]:25"],
            ] {
                try await program.run(words, opens: false, codes: [64])
            }
            try program.folder.write("logins", "[b.test]:25 firm:hidden\n", mode: 0o600)
            let other = try await program.run(
                Self.words(etc) + ["--relayhost", "[a.test]:25", "--relay-credentials", program.folder.file("logins")],
                opens: false, codes: [64])
            #expect(other.errors.contains("line 1 of the credentials") && !other.errors.contains("hidden"))
            try await program.run(
                Self.words(program.folder.file("nowhere")) + ["--write"], opens: false, codes: [11, 12])
        }
    }
}
