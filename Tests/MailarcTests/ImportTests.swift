import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// What servers refuse goes in by Maildir and mbox, octet for octet.
    @Suite("imports")
    struct ImportTests {
        /// A name and octets that at least one server refuses or alters.
        static var refused: [(String, [UInt8])] {
            let head = Array("Subject: x\r\n\r\n".utf8)
            return [
                ("nothing at all", []),
                ("NUL octets", head + [0x61, 0, 0, 0x62, 0x0d, 0x0a]),
                ("bare carriage returns", Array("Subject: a\rX: b\r\rbody\rmore\r".utf8)),
                ("bare line feeds", Array("Subject: a\n\nbody\nmore".utf8)),
                ("mixed line ends", Array("Subject: a\r\nX: b\n\r\nbody\n\rend\r\n\n".utf8)),
                ("8-bit header fields", Array("Subject: ".utf8) + [0xe9, 0xff, 0xfe] + Array("\r\n\r\nb\r\n".utf8)),
                ("every octet", head + (0...255).map { UInt8($0) }),
                ("a header without end", Array("Subject: no body and no line end".utf8)),
                ("a From_ line", Array("From a@b Mon Jan  1 00:00:00 2024\nSubject: x\n\n>From y\nFrom z\n".utf8)),
                ("a line of a megaoctet", head + [UInt8](repeating: 0x78, count: 1 << 20)),
            ]
        }

        @Test("messages no server takes come back octet for octet")
        func refusedMessages() async throws {
            try await withArchive { program in
                let maildir = try MaildirFiller(root: program.folder.file("source"))
                for (number, (_, octets)) in Self.refused.enumerated() { try maildir.add(octets, number: number) }
                try maildir.add(longLine(60 << 20), number: 99)
                let first = try await program.json(
                    PullDocument.self, ["import", "maildir:\(maildir.root)", "--account", "odd"])
                #expect(first.isBalanced && first.quarantined.isEmpty)
                expectEqual(try await program.exported(), try await Dump.maildir(maildir.root))
                let again = try await program.json(
                    PullDocument.self, ["import", "maildir:\(maildir.root)", "--account", "odd"])
                #expect(again.newMessages == 0)
                try await program.expectClean()
            }
        }

        private func longLine(_ count: Int) -> [UInt8] {
            Array("Subject: long\r\n\r\n".utf8) + [UInt8](repeating: 0x79, count: count)
        }

        @Test("every file of the corpora comes back octet for octet", .tags(.heavy))
        func corpora() async throws {
            guard let corpora = Corpora.folder() else { return }
            try await withArchive { program in
                let maildir = try MaildirFiller(root: program.folder.file("source"))
                for (number, file) in TestFolder.files(below: corpora).enumerated() {
                    let octets = try Data(contentsOf: URL(fileURLWithPath: "\(corpora)/\(file)"))
                    try maildir.add([UInt8](octets), to: number % 3 == 0 ? "Archiv" : "INBOX", number: number)
                }
                let report = try await program.json(
                    PullDocument.self, ["import", "maildir:\(maildir.root)", "--account", "corpora"])
                #expect(report.isBalanced && report.quarantined.isEmpty)
                expectEqual(try await program.exported(), try await Dump.maildir(maildir.root))
                try await program.expectClean()
            }
        }

        @Test("an mbox comes in message by message and goes out again")
        func mbox() async throws {
            try await withArchive { program in
                let text = (1...3).map { number in
                    "From a@example.org Mon Jan  1 00:00:0\(number) 2024\nSubject: m\(number)\n\nbody \(number)\n\n"
                }
                try program.folder.write("in.mbox", text.joined())
                let report = try await program.json(
                    PullDocument.self, ["import", "mbox:\(program.folder.file("in.mbox"))", "--account", "box"])
                #expect(report.newMessages == 3)
                #expect(try await program.exported().count == 3)
                try await program.run(["export", "", "--to", "mbox:\(program.folder.file("out"))"])
                #expect(!TestFolder.files(below: program.folder.file("out")).isEmpty)
            }
        }
    }
}
