import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// What people do wrong and disks run out of: one line each, what to do next, a code of its own, nothing lost.
    @Suite("bad input", .timeLimit(.minutes(4)))
    struct BadInputTests {
        /// A command that cannot work, its exit code, and what its error must say. `SOURCE` is a Maildir with mail.
        struct Case: Sendable, CustomStringConvertible {
            var arguments: String
            var code: Int32
            var words: [String]
            var description: String { arguments }
        }

        static let cases = [
            Case(arguments: "sync nowhere maildir:B --strategy backup", code: 12, words: ["no account named nowhere"]),
            Case(arguments: "sync gopher:x maildir:B --strategy backup", code: 64, words: ["gopher:x"]),
            Case(arguments: "sync maildir:SOURCE maildir:B", code: 64, words: ["--strategy"]),
            Case(arguments: "sync maildir:SOURCE maildir:B --strategy mirror", code: 64, words: ["mirror", "backup"]),
            Case(arguments: "sync maildir:SOURCE maildir:SOURCE/ --strategy two-way", code: 64, words: ["are one"]),
            Case(
                arguments: "sync maildir:SOURCE maildir:SOURCE/../source --strategy copy", code: 64, words: ["are one"]
            ),
            Case(arguments: "sync maildir:SOURCE maildir:LINK --strategy copy", code: 64, words: ["are one"]),
            Case(
                arguments: "sync imaps://anna@Mail.Example.ORG imaps://anna@mail.example.org:993 --strategy copy",
                code: 64, words: ["are one"]),
            Case(arguments: "sync maildir:SOURCE maildir:none/such/place --strategy copy", code: 11, words: ["none"]),
            Case(
                arguments: "sync imap://anna@127.0.0.1:1 maildir:B --strategy copy --source-password-file PASSWORD",
                code: 8, words: ["127.0.0.1:1", "Connection refused", "check host and port"]),
            Case(
                arguments: "sync imaps://anna@no.such.host.invalid maildir:B --strategy copy "
                    + "--source-password-file PASSWORD",
                code: 8, words: ["no.such.host.invalid", "not known"]),
            Case(arguments: "watch maildir:SOURCE", code: 64, words: ["SOURCE DESTINATION --strategy"]),
            Case(arguments: "watch maildir:SOURCE archive: --strategy backup", code: 64, words: ["from a timer"]),
            Case(
                arguments: "sync maildir:SOURCE maildir:B --strategy copy --search TEXT", code: 64, words: ["TEXT"]),
            Case(arguments: "sync maildir:SOURCE maildir:B --strategy copy --max-age soon", code: 64, words: ["soon"]),
        ]

        @Test("is one line that says what, and what to do next", arguments: cases)
        func table(_ item: Case) async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let source = try await makeSampleMaildir(at: program.folder.file("source"), messages: 5)
            let link = program.folder.file("link")
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: source)
            let arguments = item.arguments.split(separator: " ").map { word -> String in
                String(word).replacing("SOURCE", with: source).replacing("LINK", with: link)
                    .replacing("maildir:B", with: "maildir:" + program.folder.file("B"))
                    .replacing("none/such", with: program.folder.file("none/such"))
                    .replacing("PASSWORD", with: program.folder.file("password"))
            }
            let result = try await run(program, arguments, codes: [item.code])
            for word in item.words { #expect(result.errors.contains(word), "\(result.errors)") }
            #expect(result.errors.split(separator: "\n").count <= (item.code == 64 ? 4 : 2), "\(result.errors)")
            #expect(!result.errors.contains("Error(") && !result.errors.contains("secret"), "\(result.errors)")
            #expect(item.code != 64 || !FileManager.default.fileExists(atPath: program.folder.file("B")))
        }

        private func run(
            _ program: MailarcProgram, _ arguments: [String], codes: Set<Int32> = [0]
        ) async throws -> ProcessResult {
            try await program.run(
                arguments, opens: false, codes: codes,
                environment: ["XDG_STATE_HOME": program.folder.file("state"), "NO_COLOR": "1"])
        }

        // MARK: Servers

        @Test(
            "a wrong password and bad certificates have codes of their own",
            .enabled(if: DovecotServer.reasonNotRunnable == nil), arguments: ["password", "expired", "unknown", "name"])
        func servers(_ fault: String) async throws {
            var options = DovecotServer.Options()
            options.isCertificateExpired = fault == "expired"
            if fault == "name" { options.certificateNames = ["DNS:other.example.org"] }
            try await DovecotServer.with(options) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                if fault == "password" { try program.folder.write("password", "forgotten\n", mode: 0o600) }
                try await program.addAccount(
                    port: server.tlsPort, security: "tls",
                    authority: fault == "unknown" ? nil : server.certificates.authority)
                let arguments = ["sync", "test", "maildir:" + program.folder.file("B"), "--strategy", "backup"]
                let result = try await run(program, arguments, codes: [fault == "password" ? 9 : 10])
                let words = [
                    "password": "check user and password", "expired": "the certificate is expired, self-signed",
                    "unknown": "signed by nobody known here", "name": "the certificate is not for this name",
                ]
                #expect(result.errors.contains(words[fault] ?? "?"), "\(result.errors)")
                #expect(result.errors.split(separator: "\n").count <= 2, "\(result.errors)")
                #expect(!result.errors.contains("forgotten") && !result.errors.contains("SSL"), "\(result.errors)")
            }
        }

        /// VANISHED names a message that is there instead of the one that is gone, so that the count is right.
        @Test("a server that names the wrong message as gone deletes nothing at the other end")
        func wrongVanished() async throws {
            for strategy in ["backup", "two-way"] {
                let bodies = (1...6).map { Array("Subject: \($0)\r\n\r\nbody \($0)\r\n".utf8) }
                let model = ScriptedIMAPServer.Model(
                    capabilities: ScriptedIMAPServer.Model.rich + ["UIDPLUS", "MOVE"],
                    mailboxes: [.init("INBOX", bodies, uidValidity: 7)])
                try await ScriptedIMAPServer.with(model) { server in
                    let program = try MailarcProgram()
                    defer { program.remove() }
                    try await program.addAccount(port: server.port)
                    let mail = program.folder.file("B")
                    let arguments = ["sync", "test", "maildir:" + mail, "--strategy", strategy]
                    _ = try await run(program, arguments)
                    server.update { model in
                        model.change("INBOX") { $0.expunge(2) }
                        model.faults.falseVanished = "5"
                    }
                    _ = try await run(program, arguments)
                    let texts = try ["cur", "new"].flatMap { folder in
                        try FileManager.default.contentsOfDirectory(atPath: "\(mail)/\(folder)").map {
                            try String(contentsOfFile: "\(mail)/\(folder)/\($0)", encoding: .utf8)
                        }
                    }
                    let expected = [1, 3, 4, 5, 6].map { "Subject: \($0)\r\n\r\nbody \($0)\r\n" }
                    #expect(texts.sorted() == expected, "\(strategy)")
                    #expect(server.model.mailboxes[0].messages.map(\.uid) == [1, 3, 4, 5, 6], "\(strategy)")
                }
            }
        }

        // MARK: Disks

        @Test("a full disk says so, and with room the next run ends it", arguments: ["maildir", "mbox", "state"])
        func fullDisk(_ what: String) async throws {
            try await SmallDisk.with("300k") { disk in try await fill(disk, what) }
        }

        @Test("a destination that can only be read says so, and nothing is lost", arguments: ["maildir", "mbox"])
        func readOnly(_ what: String) async throws {
            try await SmallDisk.with("3m") { disk in
                let program = try MailarcProgram()
                defer { program.remove() }
                let source = try await makeSampleMaildir(at: program.folder.file("source"), messages: 20)
                let target = "\(what):" + disk.folder.file("B")
                let arguments = ["sync", "maildir:" + source, target, "--strategy", "backup"]
                _ = try await run(program, arguments)
                try Data("Subject: one more\r\n\r\nbody\r\n".utf8).write(
                    to: URL(fileURLWithPath: source + "/new/1.more.host"))
                try await disk.remount("ro")
                let refused = try await run(program, arguments, codes: [11])
                #expect((refused.output + refused.errors).contains("  → "), "\(refused.output)\(refused.errors)")
                try await disk.remount("rw")
                #expect(try await run(program, arguments).output.contains("1 copied"))
                #expect(try await run(program, arguments).output.contains("nothing to do"))
            }
        }

        @Test(
            "a pull that is only planned is done", .enabled(if: DovecotServer.reasonNotRunnable == nil))
        func plannedPull() async throws {
            try await withSampleServer(messages: 5) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let planned = try await program.run(["pull", "--dry-run"])
                    #expect(!planned.output.contains("DOES NOT BALANCE"), "\(planned.output)")
                    let same = ["sync", "test", "imap://anna@127.0.0.1:\(server.port)", "--strategy", "copy"]
                    #expect(try await run(program, same, codes: [64]).errors.contains("are one"))
                }
            }
        }

        private func fill(_ disk: SmallDisk, _ what: String) async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let source = try await makeSampleMaildir(at: program.folder.file("source"), messages: 150)
            let target = what == "state" ? "maildir:" + program.folder.file("B") : "\(what):" + disk.folder.file("B")
            var arguments = ["sync", "maildir:" + source, target, "--strategy", "backup"]
            if what == "state" {
                arguments += ["--state", disk.folder.file("state")]
                try Data(count: 296 << 10).write(to: URL(fileURLWithPath: disk.folder.file("fill")))
            }
            let full = try await run(program, arguments, codes: [11])
            let text = full.output + full.errors
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("created ") }
            #expect(text.contains("  → ") && lines.count <= 3, "\(text)")
            try await disk.remount("size=200m")
            _ = try await run(program, arguments)
            let back = ["sync", target, "maildir:" + program.folder.file("back"), "--strategy", "copy"]
            _ = try await run(program, back)
            let (there, here) = (
                try await Dump.maildir(program.folder.file("back")), try await Dump.maildir(source)
            )
            // An mbox does not keep every octet (Documentation/Sync.md).
            if what == "mbox" { #expect(there.count == here.count) } else { expectEqual(there, here) }
            let second = try await run(program, arguments)
            #expect(second.output.contains("nothing to do"), "\(second.output)")
        }
    }
}
