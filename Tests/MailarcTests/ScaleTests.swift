import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Big messages, big mailboxes, many mailboxes, full disks.
    @Suite("scale and limits", .tags(.heavy))
    struct ScaleTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
        /// The promise of peak memory; scrypt does not run here, as key files open these archives.
        static let memoryLimit = 128 << 20

        @Test("a message of 500 MB passes in bounded memory", .enabled(if: canRunDovecot))
        func bigMessage() async throws {
            try await DovecotServer.with { server in
                let maildir = try server.makeMaildir(of: "anna")
                let path = try maildir.add([], number: 1)
                try await ProcessCommand("python3", ["-c", Self.bigMessageScript, path]).runSuccessfully()
                try await server.adopt(user: "anna")
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let pulled = try await program.run(["pull"])
                    expectMemory(pulled, "pull")
                    let target = program.folder.file("export")
                    expectMemory(try await program.run(["export", "", "--to", "maildir:\(target)"]), "export")
                    let expected = try await Dump.maildir(maildir.root, asCRLF: true)
                    expectEqual(try await Dump.maildir(target), expected)
                    expectMemory(try await program.run(["check"]), "check")
                }
            }
        }

        /// 500 MB as one base64 attachment of random octets.
        static let bigMessageScript = """
            import base64, os, random, sys
            when, pick, size = os.stat(sys.argv[1]).st_mtime, random.Random(1), 0
            with open(sys.argv[1], "wb") as out:
                out.write(b"Subject: big\\nMIME-Version: 1.0\\nContent-Type: application/octet-stream\\n"
                          b"Content-Transfer-Encoding: base64\\n\\n")
                while size < 500_000_000:
                    coded = base64.encodebytes(pick.randbytes(57 * 1024))
                    out.write(coded)
                    size += len(coded)
            os.utime(sys.argv[1], (when, when))
            """

        @Test("a mailbox of 20,000 messages", .enabled(if: canRunDovecot))
        func manyMessages() async throws {
            try await DovecotServer.with { server in
                let maildir = try server.makeMaildir(of: "anna")
                for number in 0..<20_000 {
                    try maildir.add(Array("Subject: message \(number)\n\nbody of \(number)\n".utf8), number: number)
                }
                try await server.adopt(user: "anna")
                try await pullAndCompare(server, count: 20_000)
            }
        }

        @Test("2,000 mailboxes", .enabled(if: canRunDovecot))
        func manyMailboxes() async throws {
            try await DovecotServer.with { server in
                let maildir = try server.makeMaildir(of: "anna")
                for number in 0..<2_000 {
                    let name = "group\(number / 50).box\(number)"
                    try maildir.add(Array("Subject: in \(number)\n\nbody\n".utf8), to: name, number: number)
                }
                try await server.adopt(user: "anna")
                try await pullAndCompare(server, count: 2_000)
            }
        }

        private func pullAndCompare(_ server: DovecotServer, count: Int) async throws {
            try await withArchive { program in
                try await program.addAccount(port: server.port)
                expectMemory(try await program.run(["pull"]), "pull")
                let expected = try await Dump.server(port: server.port)
                #expect(expected.count == count)
                expectEqual(try await program.exported(), expected)
                let again = try await program.json([PullDocument].self, ["pull"])
                #expect(again.allSatisfy { $0.isUnchanged && $0.isBalanced && $0.archived == count })
            }
        }

        private func expectMemory(
            _ result: ProcessResult, _ label: String, messages: Int = 0,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            print("\(label): peak \(result.peakResidentOctets >> 20) MiB, \(result.duration)")
            let limit = Self.memoryLimit + 64 * messages
            #expect(result.peakResidentOctets <= limit, "\(label)", sourceLocation: sourceLocation)
        }

        @Test(
            "an mbox beyond 4 GiB, killed again and again: each run goes on where the last one was, in bounded memory")
        func largeMbox() async throws {
            let gigabytes = ProcessInfo.processInfo.environment["MAILARC_MBOX_GB"].flatMap { Int($0) } ?? 5
            let count = gigabytes * 20
            try await withArchive { program in
                let path = program.folder.file("large.mbox")
                try await ProcessCommand("python3", ["-c", Self.largeMboxScript, path, String(count)]).runSuccessfully()
                #expect(
                    try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0 > gigabytes
                        * 1_000_000_000)
                let arguments = ["import", "mbox:\(path)", "--account", "old"]
                var kept = 0
                for _ in 1...2 {
                    var killed = program.command(arguments)
                    killed.environment["MAILARC_FAULT"] = "catalog:1"
                    killed.timeout = .seconds(1_200)
                    let result = try await killed.run()
                    #expect(result.isKilled, "\(result.ending): \(result.errors)")
                    let now = try await program.json(SearchDocument.self, ["search", ""]).total
                    #expect(now > kept && now < count)
                    kept = now
                }
                let rest = try await program.run(arguments + ["--json"])
                expectMemory(rest, "import of \(gigabytes) GB, \(kept) of \(count) messages were there")
                #expect(rest.output.contains("\"newMessages\":\(count - kept)"), "\(rest.output.prefix(500))")
                let again = try await program.run(arguments + ["--json"])
                #expect(again.output.contains("\"newMessages\":0"))
                for number in [0, count - 1] {
                    let found = try await program.json(SearchDocument.self, ["search", "subject:number\(number)x"])
                    let id = try #require(found.messages.first?.id)
                    #expect(found.total == 1)
                    // Not through this process: what it ever held counts for its children.
                    let show = program.command(["show", id, "--raw"])
                    var digest = ProcessCommand(
                        "sh", ["-c", "\"$@\" | sha256sum", "sh", show.executable] + show.arguments)
                    digest.environment = show.environment
                    let expected = try await ProcessCommand(
                        "python3", ["-c", Self.largeDigestScript, String(number)]
                    ).runSuccessfully()
                    #expect(try await digest.runSuccessfully().output.prefix(64) == expected.output.prefix(64))
                }
            }
        }

        static let largeDigestScript = """
            import hashlib, sys
            print(hashlib.sha256(b"Subject: number%sx\\n\\n" % sys.argv[1].encode() + bytes(50_000_000) + b"\\n").hexdigest())
            """

        /// Messages of 50 MB of NUL, which take no room on the disk.
        static let largeMboxScript = """
            import sys
            with open(sys.argv[1], "wb") as out:
                for number in range(int(sys.argv[2])):
                    out.write(b"From a@b Thu Nov 20 10:00:00 2003\\nSubject: number%dx\\n\\n" % number)
                    out.seek(50_000_000, 1)
                    out.write(b"\\n\\n")
            """

        @Test("of a million messages in one mbox file no more than 64 octets each are held")
        func manyInMbox() async throws {
            try await withArchive { program in
                let path = program.folder.file("many.mbox")
                try await ProcessCommand("python3", ["-c", Self.manyInMboxScript, path]).runSuccessfully()
                var killed = program.command(["import", "mbox:\(path)", "--account", "old"])
                killed.environment["MAILARC_FAULT"] = "catalog:3"
                let result = try await killed.run()
                #expect(result.isKilled, "\(result.ending): \(result.errors)")
                expectMemory(result, "a million in an mbox", messages: 1_000_000)
            }
        }

        static let manyInMboxScript = """
            import sys
            with open(sys.argv[1], "w") as out:
                for number in range(1_000_000):
                    out.write("From anna.%d@mail.example.org Thu Nov 20 10:00:00 2003\\nMessage-ID: <%d@example.org>\\n"
                              "Subject: %d\\nStatus: RO\\n\\n%d\\n\\n" % (number, number, number, number))
            """

        @Test("a full disk is one clear error, and the next run goes on")
        func fullDisk() async throws {
            try await SmallDisk.with("2m") { disk in try await fill(disk) }
        }

        private func fill(_ disk: SmallDisk) async throws {
            let program = try MailarcProgram(archive: disk.folder.file("archive"))
            defer { program.remove() }
            try await program.create()
            let maildir = try await makeSampleMaildir(at: program.folder.file("source"), messages: 250)
            let arguments = ["import", "maildir:\(maildir)", "--account", "old"]
            let full = try await program.run(arguments, codes: [11])
            #expect(full.errors.split(separator: "\n").count <= 3, "\(full.errors)")
            try await program.expectClean()
            try await disk.remount("size=200m")
            try await program.run(arguments)
            expectEqual(try await program.exported(), try await Dump.maildir(maildir))
            try await program.expectClean()
        }
    }
}
