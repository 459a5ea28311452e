import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc erase`: gone from everything the folder opens, everything else as it was, whatever dies on the way.
    @Suite("erasure", .timeLimit(.minutes(10)))
    struct EraseTests {
        static let steps = [
            "erase-intent", "erase-begin", "pack-append", "pack-sync", "vault-sync", "journal-sync", "ledger-append",
            "checkpoint", "erase-rewrite", "erase-events", "erase-pairs", "erase-state", "erase-catalog",
            "erase-optimize",
            "erase-copy",
            "erase-state-copy", "vault-root", "current-flip", "erase-vault", "erase-unlink", "erase-leaf", "erase-end",
        ]
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test("nothing of 200 marks is left in anything the folder opens; all else is exact")
        func marks() async throws {
            guard let python = ReaderTests.python else {
                print("not run: no Python with cryptography and zstandard")
                return
            }
            try await withArchive { program in
                let mail = try MarkedMail(in: program.folder)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                let before = try await mail.found(program, python)
                #expect(before.count == mail.marks.count, "the walker sees only \(before.count) of \(mail.marks.count)")
                let kept = try await program.exported("subject:here", label: "before")
                #expect(kept.count == mail.keptCount)
                let report = try await program.json(EraseDocument.self, ["erase", mail.query, "--yes"])
                #expect(report.plan.messages == mail.erasedCount && report.plan.sharedParts == 1 && !report.isPending)
                let left = try await mail.found(program, python)
                #expect(left.isEmpty, "\(left.prefix(5).joined(separator: "\n"))")
                expectEqual(try await program.exported("subject:here", label: "after"), kept, "what stays")
                try await program.expectClean()
                for query in [mail.marks[0], mail.query] {
                    let hits = try await program.json(SearchDocument.self, ["search", query])
                    #expect(hits.total == 0)
                }
                let list = try await program.run(["list", "--json"]).output
                #expect(!list.contains(mail.mailboxMark))
            }
        }

        @Test("dying at any step, the next command finishes", arguments: steps)
        func dies(step: String) async throws {
            try await withArchive { program in
                let mail = try MarkedMail(in: program.folder, erasedCount: 3, keptCount: 5)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                let kept = try await program.exported("subject:here")
                var command = program.command(["erase", mail.query, "--yes"])
                command.environment["MAILARC_FAULT"] = "\(step):1"
                let result = try await command.run()
                #expect(result.isKilled, "the step \(step) was not passed: \(result.ending) \(result.errors)")
                // The first command after it finishes, or finds that nothing but an intent was said.
                let hits = try await program.json(SearchDocument.self, ["search", mail.query])
                if ["erase-intent", "journal-sync", "ledger-append", "checkpoint"].contains(step) {
                    #expect(hits.total == mail.erasedCount)
                    try await program.run(["erase", mail.query, "--yes"])
                } else {
                    #expect(hits.total == 0)
                }
                #expect(!FileManager.default.fileExists(atPath: program.archive + "/vault/erasing"))
                try await program.expectClean()
                expectEqual(try await program.exported("subject:here"), kept, step)
                if let python = ReaderTests.python {
                    #expect(try await mail.found(program, python).isEmpty)
                }
            }
        }

        @Test(
            "rebuilt after an erasure, or erased after a rebuild: the same; a second erasure; erased again: taken anew")
        func rebuilt() async throws {
            try await withArchive { program in
                let mail = try MarkedMail(in: program.folder, erasedCount: 4, keptCount: 6)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                try await program.run(["rebuild-catalog"])
                try await program.run(["erase", mail.query, "--yes"])
                let erased = try await everything(program)
                try await program.run(["rebuild-catalog"])
                #expect(try await everything(program) == erased)
                try await program.run(["erase", "subject:stays1", "--basis", "retention", "--yes"])
                let twice = try await everything(program)
                try FileManager.default.removeItem(atPath: program.archive + "/catalog")
                try await program.run(["rebuild-catalog"])
                #expect(try await everything(program) == twice)
                try await program.expectClean()
                try await program.run(["import", "maildir:\(mail.path)", "--account", "elsewhere"])
                let hits = try await program.json(SearchDocument.self, ["search", mail.query])
                #expect(hits.total == mail.erasedCount)
                try await program.expectClean()
            }
        }

        @Test("the command: refuses without a terminal, shows with --dry-run, finds nothing with 12")
        func refusals() async throws {
            try await withArchive { program in
                let mail = try MarkedMail(in: program.folder, erasedCount: 2, keptCount: 2)
                try await program.run(["import", "maildir:\(mail.path)", "--account", "old"])
                try await program.run(["erase", mail.query], codes: [64])
                let plan = try await program.json(EraseDocument.Plan.self, ["erase", mail.query, "--dry-run"])
                #expect(plan.messages == 2 && plan.sharedParts == 1)
                try await program.run(["erase", "nosuchword", "--yes"], codes: [12])
                try await program.run(["erase", "--yes"], codes: [64])
                try await program.run(["erase", mail.query, "--yes", "--basis", "Not A Word"], codes: [64])
                let hits = try await program.json(SearchDocument.self, ["search", mail.query])
                #expect(hits.total == 2)
                let id = try #require(hits.messages.first?.id)
                try await program.run(["erase", "--id", String(id.prefix(12)), "--yes"])
                #expect(try await program.json(SearchDocument.self, ["search", mail.query]).total == 1)
                try await program.run(["show", id], codes: [12])
            }
        }

        @Test("pulled again, erased mail stays away; with --forget it comes back", .enabled(if: canRunDovecot))
        func pulledAgain() async throws {
            try await withSampleServer(messages: 60, seed: 5) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await program.run(["pull"])
                    let all = try await program.json(StatisticsDocument.self, ["stats"])
                    let report = try await program.json(
                        EraseDocument.self, ["erase", "has:attachment", "--yes", "--basis", "gdpr-17"])
                    let count = report.plan.messages
                    #expect(count > 0 && report.plan.onServer >= count)
                    for _ in 0..<2 {
                        let again = try await program.json([PullDocument].self, ["pull"])
                        #expect(again.allSatisfy { $0.isBalanced && $0.newMessages == 0 })
                    }
                    #expect(try await program.json(StatisticsDocument.self, ["stats"]).messages == all.messages - count)
                    try await program.expectClean()
                    // With --forget the next pull takes from the server what is erased.
                    let second = try await program.json(EraseDocument.self, ["erase", "report", "--yes", "--forget"])
                    let back = try await program.json([PullDocument].self, ["pull"])
                    #expect(second.plan.messages > 0)
                    #expect(back.reduce(0) { $0 + $1.newMessages } >= second.plan.messages)
                    #expect(try await program.json(StatisticsDocument.self, ["stats"]).messages == all.messages - count)
                    try await program.expectClean()
                }
            }
        }

        /// What the commands show, without what a rebuild may number anew.
        private func everything(_ program: MailarcProgram) async throws -> [String] {
            var lines = [try await program.run(["list", "--json"]).output]
            let hits = try await program.json(SearchDocument.self, ["search", "example", "--limit", "1000"])
            for hit in hits.messages { lines.append(try await program.run(["show", hit.id, "--json"]).output) }
            return lines + (try await program.exported())
        }
    }
}

struct EraseDocument: Decodable {
    struct Plan: Decodable {
        let messages: Int
        let dyingParts: Int
        let sharedParts: Int
        let eventRecords: Int
        let onServer: Int
    }
    let plan: Plan
    let isPending: Bool
    let keys: Int
}

struct SearchDocument: Decodable {
    struct Hit: Decodable {
        let id: String
    }
    let total: Int
    let messages: [Hit]
}

/// A Maildir with messages full of marks, a mailbox of their own among them, and messages that stay.
struct MarkedMail {
    let path: String
    let marks: [String]
    let mailboxMark: String
    let erasedCount: Int
    let keptCount: Int
    private let words: String

    /// Finds what is to be erased.
    var query: String { "subject:goes" }

    init(in folder: TestFolder, erasedCount: Int = 18, keptCount: Int = 12) throws {
        var generator = SystemRandomNumberGenerator()
        func mark() -> String {
            String((0..<16).map { _ in "bcdfghjklmnpqrstvwxz".randomElement(using: &generator) ?? "b" })
        }
        path = folder.file("marked-\(UInt32.random(in: 0...UInt32.max))")
        (self.erasedCount, self.keptCount) = (erasedCount, keptCount)
        mailboxMark = mark()
        let keywordMark = mark()
        var marks = [mailboxMark, keywordMark]
        for box in ["", "/.\(mailboxMark)"] {
            for name in ["cur", "new", "tmp"] {
                try FileManager.default.createDirectory(
                    atPath: path + box + "/" + name, withIntermediateDirectories: true)
            }
            try Data("0 ordinary\n1 \(keywordMark)\n".utf8).write(
                to: URL(fileURLWithPath: path + box + "/dovecot-keywords"))
        }
        let shared = Data((0..<4_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        for number in 0..<erasedCount {
            let own = (0..<11).map { _ in mark() }
            marks += own
            let box = number % 3 == 0 ? "/.\(mailboxMark)" : ""
            try Self.message(own, number, shared).write(
                to: URL(fileURLWithPath: "\(path)\(box)/cur/1700000\(100 + number).M\(number).test:2,Sab"))
        }
        for number in 0..<keptCount {
            let text = """
                From: someone@example.org
                To: other@example.org
                Subject: stays\(number) here
                MIME-Version: 1.0
                Content-Type: application/octet-stream; name="kept.bin"
                Content-Transfer-Encoding: base64

                \(Self.base64(shared))

                """
            try Data(text.utf8).write(
                to: URL(fileURLWithPath: "\(path)/cur/1700001\(100 + number).M\(number).test:2,Sa"))
        }
        self.marks = marks
        words = folder.file("words-\(UInt32.random(in: 0...UInt32.max))")
        try Data(marks.joined(separator: "\n").utf8).write(to: URL(fileURLWithPath: words))
    }

    /// The marks that anything in the archive's folder still tells, and where.
    func found(_ program: MailarcProgram, _ python: String) async throws -> [String] {
        let walker = Repository.fixtures + "/reader/mailarc_walk.py"
        let result = try await ProcessCommand(
            python, [walker, program.archive, "--key-file", program.folder.file("key"), words]
        ).runSuccessfully()
        return result.output.split(separator: "\n").map(String.init)
    }

    private static func message(_ marks: [String], _ number: Int, _ shared: Data) -> Data {
        let utf16 = marks[6].data(using: .utf16LittleEndian) ?? Data()
        let large =
            Data((marks[7] + " text of an attachment\n").utf8)
            + Data(repeating: 0x41 + UInt8(number % 20), count: 3_000)
        return Data(
            """
            From: \(marks[0]) <\(marks[1])@example.org>
            To: other@example.org
            Subject: goes \(marks[2]) =?utf-8?B?\(Data(marks[3].utf8).base64EncodedString())?=
            Message-ID: <\(marks[4])@example.org>
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: text/plain; charset=utf-8
            Content-Transfer-Encoding: quoted-printable

            Gr=C3=BC=C3=9Fe \(marks[5]) und mehr
            --b
            Content-Type: text/plain; charset=utf-16le
            Content-Transfer-Encoding: base64

            \(base64(utf16))
            --b
            Content-Type: text/plain; name="\(marks[8]).txt"
            Content-Disposition: attachment; filename="\(marks[8]).txt"
            Content-Transfer-Encoding: base64

            \(base64(large))
            --b
            Content-Type: text/html

            <p>\(marks[9])</p><a href="https://\(marks[10]).example.org/">x</a>
            --b
            Content-Type: application/octet-stream; name="kept.bin"
            Content-Transfer-Encoding: base64

            \(base64(shared))
            --b--

            """.utf8)
    }

    private static func base64(_ octets: Data) -> String {
        octets.base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    }
}
