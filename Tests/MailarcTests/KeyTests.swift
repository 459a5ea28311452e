import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// The keys of an archive: recipients, programs that hold identities, rotation, export.
    @Suite("keys", .timeLimit(.minutes(3)))
    struct KeyTests {
        struct Key: Decodable {
            let id: String
            let type: String
            let label: String
            let recipient: String?
        }
        struct Rotation: Decodable {
            let removed: Key
            let added: Key?
        }
        struct LogKeys: Decodable {
            struct Row: Decodable {
                let fingerprint: String
                let firstSize: UInt64
                let lastSize: UInt64?
                let pem: String
                let handover: String?
                let handoverText: String?
            }
            let origin: String
            let keys: [Row]
        }

        static let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
        static let identity = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"

        /// What opens the archive besides the key file of every test.
        private func with(_ program: MailarcProgram, _ options: String...) -> [String] {
            ["-a", program.archive] + options
        }

        @Test("a recipient is added, listed, and its identity file opens the archive")
        func recipient() async throws {
            try await withArchive { program in
                try program.folder.write("id", "# made by hand\n\n\(Self.identity)\n", mode: 0o600)
                try program.folder.write("other", Self.identity.replacing("GFPYY", with: "GFPYX") + "\n")
                let added = try await program.json(
                    Key.self, ["key", "add", "--recipient", Self.recipient, "--label", "auditor"])
                #expect(added.type == "x25519" && added.recipient == Self.recipient)
                let opened = with(program, "--identity-file", program.folder.file("id"))
                let list = try await program.run(["key", "list"] + opened, opens: false)
                #expect(list.output.contains("auditor") && list.output.contains(Self.recipient))
                // By environment, and by configuration.
                try await program.run(
                    ["stats"] + with(program), opens: false,
                    environment: ["MAILARC_IDENTITY_FILE": program.folder.file("id")])
                try program.folder.write(
                    "config/mailarc/config.toml", "[unlock]\nidentity-file = \"\(program.folder.file("id"))\"\n")
                try await program.run(["check"] + with(program), opens: false)
                // A line with a wrong character is named, and not shown.
                let wrong = try await program.run(
                    ["stats"] + with(program, "--identity-file", program.folder.file("other")), opens: false,
                    codes: [64])
                #expect(wrong.errors.contains("line 1") && !wrong.errors.contains("SECRET-KEY-1GF"))
                let bad = try await program.run(["key", "add", "--recipient", "age1nothing"], codes: [64])
                #expect(bad.errors.contains("not an age recipient"))
            }
        }

        @Test("a key that age-keygen made opens, with another recipient's slot beside it")
        func realAge() async throws {
            guard let made = try? await ProcessCommand("age-keygen").run(), made.isSuccess else {
                print("not run: age-keygen is not installed")
                return
            }
            try await withArchive { program in
                try program.folder.write("id", made.output, mode: 0o600)
                let line = try #require(made.output.split(separator: "\n").first { $0.contains("public key: ") })
                let recipient = String(line.split(separator: " ").last ?? "")
                try program.folder.write("recipient", "# someone\n\(recipient)\n")
                try await program.run(["key", "add", "--recipient", Self.recipient])
                try await program.run(["key", "add", "--recipient-file", program.folder.file("recipient")])
                try await program.run(
                    ["check"] + with(program, "--identity-file", program.folder.file("id")), opens: false)
                // An encrypted identity file is told apart from a wrong one.
                try program.folder.write("locked", "age-encryption.org/v1\n-> scrypt x 18\n")
                let locked = try await program.run(
                    ["stats"] + with(program, "--identity-file", program.folder.file("locked")), opens: false,
                    codes: [64])
                #expect(locked.errors.contains("is encrypted") && locked.errors.contains("age -d"))
            }
        }

        @Test("a program does the key agreement: the example with openssl")
        func identityCommand() async throws {
            try await withArchive { program in
                let (key, publicKey) = (program.folder.file("id.pem"), program.folder.file("id.pub"))
                for name in ["id", "other"] {
                    let path = program.folder.file("\(name).pem")
                    try await ProcessCommand("openssl", ["genpkey", "-algorithm", "X25519", "-out", path])
                        .runSuccessfully()
                    try await ProcessCommand(
                        "openssl", ["pkey", "-in", path, "-pubout", "-out", program.folder.file("\(name).pub")]
                    ).runSuccessfully()
                }
                try await program.run(["key", "add", "--recipient-file", program.folder.file("other.pub")])
                try await program.run(["key", "add", "--recipient-file", publicKey, "--label", "a \"token\"\\"])
                let script = Repository.root + "/Documentation/Examples/identity-openssl"
                try await program.run(
                    ["check"] + with(program, "--identity-command", "'\(script)' '\(key)'"), opens: false)
                try await program.run(
                    ["stats"] + with(program), opens: false,
                    environment: ["MAILARC_IDENTITY_COMMAND": "'\(script)' '\(key)'"])
                for (command, message) in [
                    ("exit 3", "ended with status 3"), ("echo nonsense", "32 octets in base64"),
                    ("base64 -w0 /dev/zero | head -c 200000", "larger than"),
                    ("head -c 32 /dev/zero | base64", "no key slot opens"),
                ] {
                    let result = try await program.run(
                        ["stats"] + with(program, "--identity-command", command), opens: false, codes: [5, 64])
                    #expect(result.errors.contains(message), "\(command): \(result.errors)")
                }
            }
        }

        @Test("a key slot gives its place to another one in one step")
        func rotateSlot() async throws {
            try await withArchive { program in
                try program.folder.write("new", "a new passphrase\n", mode: 0o600)
                let keys = try await program.json([Key].self, ["key", "list"])
                let id = try #require(keys.first?.id)
                let dry = try await program.json(
                    Rotation.self, ["key", "rotate", "--slot", String(id.prefix(8)), "--dry-run"])
                #expect(dry.removed.id == id && dry.added == nil)
                let rotated = try await program.json(
                    Rotation.self,
                    ["key", "rotate", "--slot", id, "--new-passphrase-file", program.folder.file("new")])
                #expect(rotated.added?.type == "scrypt")
                try await program.run(["stats"], codes: [5])
                let opened = with(program, "--passphrase-file", program.folder.file("new"))
                try await program.run(["check"] + opened, opens: false)
                let missing = try await program.run(
                    ["key", "rotate", "--slot", "ffff", "--recipient", Self.recipient] + opened, opens: false,
                    codes: [12])
                #expect(missing.errors.contains("mailarc key list"))
                try await program.run(["key", "rotate"] + opened, opens: false, codes: [64])
                // A systemd credential opens what a passphrase opens.
                try program.folder.write("credentials/mailarc-passphrase", "a new passphrase", mode: 0o600)
                try await program.run(
                    ["stats"] + with(program), opens: false,
                    environment: ["CREDENTIALS_DIRECTORY": program.folder.file("credentials")])
            }
        }

        @Test("the log's key changes; auditors verify old and new checkpoints with openssl alone")
        func rotateLog() async throws {
            try await withArchive { program in
                let before = try await program.json(LogKeys.self, ["key", "export", "log"])
                try await program.run(["key", "rotate", "--log"])
                try await program.run(["key", "add", "--recipient", Self.recipient])
                let after = try await program.json(LogKeys.self, ["key", "export", "log"])
                #expect(after.keys.count == 2 && after.keys.first?.fingerprint == before.keys.first?.fingerprint)
                let (old, new) = (after.keys[0], after.keys[1])
                #expect(old.lastSize == new.firstSize)
                let kept = "\(program.archive)/log/checkpoints"
                for name in try FileManager.default.contentsOfDirectory(atPath: kept) {
                    let size = try #require(UInt64(name))
                    for (key, signs) in [(old, size <= new.firstSize), (new, size >= new.firstSize)] {
                        #expect(try await verifies("\(kept)/\(name)", key, program) == signs, "\(name)")
                    }
                }
                try program.folder.write("handover", try #require(old.handoverText))
                let signature = try #require(old.handover.flatMap { Data(base64Encoded: $0) })
                try signature.write(to: URL(fileURLWithPath: program.folder.file("handover.sig")))
                #expect(try await verify("handover", key: old, program))
                // Neither with keys nor without does a check find anything, nor does the independent reader.
                try await program.expectClean()
                try await program.run(["check", "--level", "0"] + with(program), opens: false)
                if let python = ReaderTests.python {
                    try program.folder.write("id", Self.identity + "\n", mode: 0o600)
                    for open in [
                        ["--key-file", program.folder.file("key")], ["--identity-file", program.folder.file("id")],
                    ] {
                        try await ProcessCommand(
                            python, ["-B", ReaderTests.reader, program.archive] + open + ["check"]
                        )
                        .runSuccessfully()
                    }
                } else {
                    print("not run: no Python with cryptography and zstandard")
                }
            }
        }

        /// Whether one of the note's signature lines is the key's over its body.
        private func verifies(_ note: String, _ key: LogKeys.Row, _ program: MailarcProgram) async throws -> Bool {
            let parts = try String(contentsOfFile: note, encoding: .utf8).components(separatedBy: "\n\n")
            try program.folder.write("body", parts[0] + "\n")
            for line in parts[1].split(separator: "\n") {
                let octets = try #require(Data(base64Encoded: String(line.split(separator: " ").last ?? "")))
                try octets.dropFirst(4).write(to: URL(fileURLWithPath: program.folder.file("body.sig")))
                if try await verify("body", key: key, program) { return true }
            }
            return false
        }

        private func verify(_ file: String, key: LogKeys.Row, _ program: MailarcProgram) async throws -> Bool {
            try program.folder.write("key.pem", key.pem)
            let path = program.folder.file(file)
            let arguments = [
                "pkeyutl", "-verify", "-pubin", "-inkey", program.folder.file("key.pem"), "-rawin", "-in", path,
                "-sigfile", path + ".sig",
            ]
            return try await ProcessCommand("openssl", arguments).run().isSuccess
        }

        @Test(
            "a rotation goes on, or never was, after dying at a step",
            arguments: [
                (["--log"], "vault-root"), (["--log"], "current-flip"), (["--log"], "journal-sync"),
                (["--log"], "ledger-append"), (["--log"], "checkpoint"), (["--log"], "log-key-file"),
                (["--log"], "identity"), (["--slot"], "slot-write"), (["--slot"], "journal-sync"),
                (["--slot"], "slot-remove"),
            ])
        func faults(_ what: [String], _ step: String) async throws {
            try await withArchive { program in
                try await program.run(["key", "add", "--recipient", Self.recipient, "--label", "old"])
                let keys = try await program.json([Key].self, ["key", "list"])
                let old = try #require(keys.first { $0.label == "old" })
                let isLog = what == ["--log"]
                let arguments = ["key", "rotate"] + what + (isLog ? [] : [old.id, "--recipient", Self.recipient])
                for passing in 1...2 {
                    var command = program.command(arguments)
                    command.environment["MAILARC_FAULT"] = "\(step):\(passing)"
                    let result = try await command.run()
                    #expect(passing > 1 || result.isKilled, "no run ever passed the step \(step): \(result.errors)")
                    try await program.run(["key", "list"])
                    // What a slot's rotation leaves behind is named; the log's goes on by itself.
                    try await program.run(["check"], codes: isLog ? [0] : [0, 4])
                    try await program.run(["check", "--level", "0"] + with(program), opens: false)
                }
                let left = try await program.json([Key].self, ["key", "list"]).filter { $0.type == "x25519" }
                for key in left { try await program.run(["key", "remove", key.id]) }
                if isLog { try await program.run(["key", "rotate", "--log"]) }
                try await program.expectClean()
            }
        }

        @Test("a slot's file is exported, and put back opens the archive")
        func exportSlot() async throws {
            try await withArchive { program in
                let keys = try await program.json([Key].self, ["key", "list"])
                let id = try #require(keys.first?.id)
                let export = try await program.run(
                    ["key", "export", "slot", String(id.prefix(10))] + with(program), opens: false)
                let path = "\(program.archive)/keys/\(id).slot"
                let octets = try Data(contentsOf: URL(fileURLWithPath: path))
                #expect(Data(export.standardOutput) == octets)
                try FileManager.default.removeItem(atPath: path)
                try await program.run(["stats"], codes: [5])
                try Data(export.standardOutput).write(to: URL(fileURLWithPath: path))
                try await program.expectClean()
                try await program.run(["key", "export", "slot", "0000"] + with(program), opens: false, codes: [12])
            }
        }

        @Test("a slot of a later version is listed as unknown and passed over")
        func unknownSlot() async throws {
            try await withArchive { program in
                let text = "mailarc-slot/1\ntype mlkem768x25519 AA\nlabel tomorrow\ncreated 2030-01-01T00:00:00Z\n"
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(program.archive)/keys/00.slot"))
                let keys = try await program.json([Key].self, ["key", "list"])
                #expect(keys.map(\.type).sorted() == ["keyfile", "unknown"])
                #expect(keys.contains { $0.label == "tomorrow" })
                let last = try #require(keys.first { $0.type == "keyfile" })
                let result = try await program.run(["key", "remove", last.id], codes: [64])
                #expect(result.errors.contains("the last key"))
            }
        }
    }
}
