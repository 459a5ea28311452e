import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `dictionary train` as people run it.
    @Suite("dictionaries", .tags(.heavy), .timeLimit(.minutes(3)))
    struct DictionaryTests {
        private struct Report: Decodable {
            let lines, before, after: Int
            let pays, isKept: Bool
        }
        private struct Row: Decodable { let id: Int }

        /// A firm's notices: the same forms from several senders, each filled in differently.
        private func notices(_ folder: String, _ numbers: Range<Int>) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for number in numbers {
                let form = (0..<40).map { "Paragraph \($0 * 7919 % 1_000) of the standing rules of house \($0)\r\n" }
                    .joined()
                let text =
                    "From: s\(number % 4)@example.org\r\nSubject: notice \(number)\r\n\r\nNumber \(number)\r\n\(form)"
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(number).eml"))
            }
        }

        @Test("a dictionary that pays is kept, used by later mail, and everything reads")
        func training() async throws {
            try await withArchive { program in
                try notices(program.folder.file("one/INBOX"), 0..<150)
                try await program.run(["import", "eml:\(program.folder.file("one"))", "--account", "a"])
                let dry = try await program.json(Report.self, ["dictionary", "train", "--dry-run"])
                #expect(dry.pays && !dry.isKept && dry.lines >= 40)
                #expect(try await program.json([Row].self, ["dictionary", "list"]).map(\.id) == [1])
                let kept = try await program.json(Report.self, ["dictionary", "train"])
                #expect(kept.isKept && Double(kept.after) < Double(kept.before) * 0.6)
                #expect(try await program.json([Row].self, ["dictionary", "list"]).map(\.id) == [1, 2])
                try notices(program.folder.file("two/INBOX"), 150..<300)
                try await program.run(["import", "eml:\(program.folder.file("two"))", "--account", "b"])
                try await program.run(["check"])
                let out = program.folder.file("out")
                try await program.run(["export", "account:b", "--to", "eml:\(out)"])
                let files = try FileManager.default.subpathsOfDirectory(atPath: out).filter { $0.hasSuffix(".eml") }
                #expect(files.count == 150)
                // It is as good as the mail gets: a second one does not pay.
                let again = try await program.json(Report.self, ["dictionary", "train"])
                #expect(!again.isKept)
                try await program.run(["rebuild-catalog"])
                try await program.run(["check"])
            }
        }

        @Test("too little mail teaches nothing")
        func tooLittle() async throws {
            try await withArchive { program in
                try notices(program.folder.file("one/INBOX"), 0..<10)
                try await program.run(["import", "eml:\(program.folder.file("one"))", "--account", "a"])
                let result = try await program.run(["dictionary", "train"])
                #expect(result.output.contains("nothing changed"))
            }
        }
    }
}
