import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// The same as `BadInputTests` for `copy`, `reconcile` and `watch`: one line each, what to do, a code of its own.
    @Suite("bad input of copy, reconcile and watch", .timeLimit(.minutes(4)))
    struct BadInputCommandTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        /// A command, its exit code, and what its error must say; `HOST1`, `HOST2` stand for imapsync's options of an end.
        struct Case: Sendable, CustomStringConvertible {
            var arguments: String
            var code: Int32
            var words: [String]
            /// Lines at most; a usage error brings the usage along.
            var lines = 2
            var description: String { arguments }
        }

        static let cases = [
            Case(
                arguments: "copy HOST1 HOST2 --bogus", code: 64, words: ["--bogus", "no option of imapsync"], lines: 4),
            Case(arguments: "copy HOST1 --user2 anna", code: 64, words: ["--host2 is missing"], lines: 4),
            Case(
                arguments: "copy HOST1 --host2 127.0.0.1 --port2 1 --user2 anna --passfile2 PASSWORD", code: 64,
                words: ["are one"]),
            Case(
                arguments: "copy --host1 127.0.0.1 --user1 anna --passfile1 none/such HOST2", code: 11,
                words: ["none/such", "No such file"]),
            Case(
                arguments: "copy HOST1 HOST2", code: 8,
                words: ["127.0.0.1:1", "Connection refused", "check host and port"]
            ),
            Case(
                arguments: "copy HOST1 HOST2 --state PASSWORD/state", code: 11,
                words: ["password/state", "Not a directory"]),
            Case(arguments: "reconcile --bogus", code: 64, words: ["--bogus"], lines: 4),
            Case(arguments: "reconcile --sample many", code: 64, words: ["--sample takes a number or all"], lines: 4),
            Case(arguments: "reconcile nowhere ARCHIVE", code: 12, words: ["no account named nowhere"]),
            Case(arguments: "reconcile refused -a none/such", code: 6, words: ["none/such"]),
            Case(arguments: "reconcile refused ARCHIVE", code: 8, words: ["127.0.0.1:1", "Connection refused"]),
            Case(arguments: "reconcile unlocked ARCHIVE", code: 11, words: ["none/such", "No such file"]),
            Case(arguments: "watch --bogus", code: 64, words: ["--bogus"], lines: 4),
            Case(arguments: "watch nowhere ARCHIVE", code: 12, words: ["no account named nowhere"]),
            Case(arguments: "watch refused --method carrier-pigeon", code: 64, words: ["--method takes"], lines: 4),
            Case(arguments: "watch refused refused --strategy copy", code: 64, words: ["are one"]),
            Case(arguments: "watch maildir:B maildir:B/ --strategy copy", code: 64, words: ["are one"]),
            Case(
                arguments: "watch unlocked maildir:B --strategy copy", code: 11, words: ["none/such", "No such file"]),
            Case(
                arguments: "watch imaps://anna@h maildir:B --strategy copy --source-password-file none/such", code: 11,
                words: ["none/such", "No such file"]),
            Case(arguments: "watch refused -a none/such", code: 6, words: ["none/such"]),
        ]

        @Test("is one line that says what, and what to do next", arguments: cases)
        func table(_ item: Case) async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            try await prepare(program)
            if item.arguments.contains("ARCHIVE") { try await program.create() }
            let arguments = words(item.arguments, program)
            let result = try await run(program, arguments, codes: [item.code])
            for word in item.words { #expect(result.errors.contains(word), "\(result.errors)") }
            #expect(result.errors.split(separator: "\n").count <= item.lines, "\(result.errors)")
            #expect(!result.errors.contains("Error(") && !result.errors.contains("secret"), "\(result.errors)")
            #expect(
                item.arguments.contains("unlocked") || !FileManager.default.fileExists(atPath: program.folder.file("B"))
            )
        }

        /// From the folder the tests run in, which has this file.
        @Test("a relative path is named once", .enabled(if: FileManager.default.fileExists(atPath: "Package.swift")))
        func relativeState() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let ends = ["maildir:" + program.folder.file("A"), "maildir:" + program.folder.file("B")]
            let arguments = ["sync"] + ends + ["--strategy", "copy", "--state", "Package.swift/state"]
            let result = try await run(program, arguments, codes: [11])
            #expect(result.errors.components(separatedBy: "Package.swift").count == 2, "\(result.errors)")
        }

        /// `refused`: nobody listens there; `unlocked`: its password file is not there.
        private func prepare(_ program: MailarcProgram) async throws {
            try program.writeAccounts([("refused", 1, "anna"), ("unlocked", 2, "anna")])
            let file = program.folder.file("config/mailarc/config.toml")
            let text = try String(contentsOfFile: file, encoding: .utf8)
            let parts = text.split(separator: "[accounts.unlocked]")
            let lost = String(parts[1]).replacing(
                program.folder.file("password"), with: program.folder.file("none/such"))
            try program.folder.write(
                "config/mailarc/config.toml", parts[0] + "[accounts.unlocked]" + lost, mode: 0o600)
        }

        private func words(_ text: String, _ program: MailarcProgram) -> [String] {
            text.replacing("HOST1", with: "--host1 127.0.0.1 --port1 1 --user1 anna --passfile1 PASSWORD")
                .replacing("HOST2", with: "--host2 localhost --port2 1 --user2 bert --passfile2 PASSWORD")
                .split(separator: " ").map { word in
                    String(word).replacing("PASSWORD", with: program.folder.file("password"))
                        .replacing("maildir:B", with: "maildir:" + program.folder.file("B"))
                        .replacing("none/such", with: program.folder.file("none/such"))
                }.flatMap { word in
                    word == "ARCHIVE" ? ["-a", program.archive, "--key-file", program.folder.file("key")] : [word]
                }
        }

        private func run(
            _ program: MailarcProgram, _ arguments: [String], codes: Set<Int32> = [0]
        ) async throws -> ProcessResult {
            try await program.run(
                arguments, opens: false, codes: codes,
                environment: ["XDG_STATE_HOME": program.folder.file("state"), "NO_COLOR": "1"])
        }

        @Test(
            "a wrong password is code 9, whatever the command, and nothing is said of it",
            .enabled(if: canRunDovecot))
        func wrongPassword() async throws {
            var options = DovecotServer.Options()
            options.users["bert"] = "secret"
            try await DovecotServer.with(options) { server in
                try await withArchive { program in
                    try program.folder.write("forgotten", "forgotten\n", mode: 0o600)
                    try await program.addAccount(port: server.port)
                    let lines = [
                        line(program, server, passfile: "forgotten"),
                        ["watch", "test", "maildir:" + program.folder.file("B")]
                            + ["--strategy", "copy"],
                        ["watch"] + words("ARCHIVE", program), ["reconcile"] + words("ARCHIVE", program),
                    ]
                    try program.folder.write("password", "forgotten\n", mode: 0o600)
                    for arguments in lines {
                        let result = try await run(program, arguments, codes: [9])
                        let text = result.errors
                        #expect(text.contains("check user and password"), "\(arguments): \(text)")
                        #expect(text.split(separator: "\n").count <= 2 && !text.contains("forgotten"), "\(text)")
                    }
                }
            }
        }

        private func line(
            _ program: MailarcProgram, _ server: DovecotServer, passfile: String = "password"
        ) -> [String] {
            ["copy"]
                + zip([1, 2], ["anna", "bert"]).flatMap { side, user in
                    [
                        "--host\(side)", "127.0.0.1", "--port\(side)", String(server.port), "--user\(side)", user,
                        "--passfile\(side)", program.folder.file(passfile), "--nossl\(side)", "--notls\(side)",
                    ]
                }
        }

        // MARK: Disks

        @Test(
            "copy: a mailbox the server cannot write to, and one that is full, are told; with room the next run ends it",
            .enabled(if: canRunDovecot), arguments: ["read-only", "full"])
        func copyToNoRoom(_ what: String) async throws {
            var options = DovecotServer.Options()
            options.users["bert"] = "secret"
            try await SmallDisk.with("400k") { disk in
                try await withSampleServer(messages: 40, seed: 4, options: options) { server in
                    let program = try MailarcProgram()
                    defer { program.remove() }
                    let expected = try await Dump.server(port: server.port)
                    let mail = server.mailFolder(of: "bert")
                    try FileManager.default.createSymbolicLink(
                        atPath: mail, withDestinationPath: disk.folder.file("Maildir"))
                    try FileManager.default.createDirectory(
                        atPath: disk.folder.file("Maildir"), withIntermediateDirectories: true)
                    try await ProcessCommand("chown", ["-R", "5000:5000", disk.folder.path]).runSuccessfully()
                    if what == "read-only" { try await disk.remount("ro") }
                    let refused = try await run(program, line(program, server), codes: [3, 11, 18])
                    #expect(!(refused.output + refused.errors).isEmpty)
                    print("copy, \(what): \(refused.ending) \(refused.output)\(refused.errors)")
                    try await disk.remount("rw,size=200m")
                    _ = try await run(program, line(program, server))
                    expectEqual(try await Dump.server(port: server.port, user: "bert"), expected)
                    #expect(try await run(program, line(program, server)).output.contains("nothing to do"))
                }
            }
        }

        @Test("copy: a full disk of the state says so", .enabled(if: canRunDovecot))
        func fullState() async throws {
            var options = DovecotServer.Options()
            options.users["bert"] = "secret"
            try await SmallDisk.with("300k") { disk in
                try await withSampleServer(messages: 20, seed: 4, options: options) { server in
                    let program = try MailarcProgram()
                    defer { program.remove() }
                    try Data(count: 296 << 10).write(to: URL(fileURLWithPath: disk.folder.file("fill")))
                    let arguments = line(program, server) + ["--state", disk.folder.file("state")]
                    let full = try await run(program, arguments, codes: [11])
                    #expect(full.errors.contains("  → make room"), "\(full.errors)")
                    try await disk.remount("size=200m")
                    _ = try await run(program, arguments)
                    expectEqual(
                        try await Dump.server(port: server.port, user: "bert"),
                        try await Dump.server(port: server.port))
                }
            }
        }

        @Test(
            "watch: a destination without room is told, and the watch goes on once there is some",
            arguments: ["ro", "full"])
        func watchNoRoom(_ what: String) async throws {
            try await SmallDisk.with("4m") { disk in
                let program = try MailarcProgram()
                defer { program.remove() }
                let source = try await makeSampleMaildir(at: program.folder.file("source"), messages: 5)
                let mail = disk.folder.file("B")
                let ends = ["maildir:" + source, "maildir:" + mail, "--strategy", "copy"]
                let state = ["--state", program.folder.file("state"), "--interval", "1"]
                let more = "Subject: one more\r\n\r\n" + String(repeating: "body of it\r\n", count: 500)
                func copied() -> Int {
                    TestFolder.files(below: mail).filter { $0.contains("cur/") || $0.contains("new/") }.count
                }
                try await watching(program, ends + state, opens: false) { watch in
                    try await wait("the first copy") { copied() == 5 }
                    if what == "ro" {
                        try await disk.remount("ro")
                    } else {
                        let free = try FileManager.default.attributesOfFileSystem(forPath: disk.folder.path)[
                            .systemFreeSize]
                        let count = (free as? NSNumber)?.intValue ?? 0
                        try Data(count: count).write(to: URL(fileURLWithPath: disk.folder.file("fill")))
                    }
                    try Data(more.utf8).write(to: URL(fileURLWithPath: source + "/new/1.more.host"))
                    try await wait("trouble") {
                        watch.outputSoFar.contains("disconnected") || watch.outputSoFar.contains("problem")
                    }
                    try await disk.remount("rw,size=20m")
                    try await wait("the message") { copied() == 6 }
                } ended: { events in
                    #expect(events.contains { ["disconnected", "problem"].contains($0.event) }, "\(events)")
                }
            }
        }

        @Test("watch: a host that is not there is tried again, and told")
        func watchUnreachable() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            try await prepare(program)
            let ends = ["refused", "maildir:" + program.folder.file("B"), "--strategy", "copy"]
            try await watching(program, ends + ["--state", program.folder.file("state")], opens: false) { watch in
                try await wait("two attempts") {
                    watch.outputSoFar.split(separator: "\n").filter { $0.contains("disconnected") }.count > 1
                }
            } ended: { events in
                #expect(events.contains { $0.text.contains("Connection refused") && $0.retryAfter != nil }, "\(events)")
            }
        }
    }
}
