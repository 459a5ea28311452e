import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// An archive on a medium nobody can write to, as an auditor gets it.
    @Suite("a read-only medium", .timeLimit(.minutes(3)))
    struct ReadOnlyMediumTests {
        @Test("all that reads works there, and what writes says why it cannot")
        func reads() async throws {
            try await SmallDisk.with("60m") { disk in
                var program = try MailarcProgram()
                defer { program.remove() }
                program.archive = disk.folder.file("mail.archive")
                try await program.create()
                let maildir = try await makeSampleMaildir(at: program.folder.file("source"), messages: 40)
                try await program.run(["import", "maildir:\(maildir)", "--account", "old"])
                let exported = try await program.exported(label: "before")
                try await disk.remount("ro")
                #expect(try await program.exported(label: "after") == exported)
                try await program.expectClean()
                #expect(try await program.json(StatisticsDocument.self, ["stats"]).messages > 0)
                for command in [["search", "--limit", "3", ""], ["list"]] {
                    let result = try await program.run(command)
                    #expect(!result.output.isEmpty, "\(command)")
                }
                try await program.run(
                    [
                        "sync", "archive:old", "maildir:\(program.folder.file("copy"))", "--strategy", "copy",
                        "--state",
                        program.folder.file("state"),
                    ])
                expectEqual(try await Dump.maildir(program.folder.file("copy")), exported)
                let refused = try await program.run(
                    ["import", "maildir:\(maildir)", "--account", "new"], codes: [11])
                #expect(refused.errors.contains("Read-only file system"), "\(refused.errors)")
            }
        }

        @Test("an archive that a crash left open is refused there, with the way out")
        func broken() async throws {
            try await SmallDisk.with("60m") { disk in
                var program = try MailarcProgram()
                defer { program.remove() }
                program.archive = disk.folder.file("mail.archive")
                try await program.create()
                let catalog = program.archive + "/catalog"
                for file in try FileManager.default.contentsOfDirectory(atPath: catalog) {
                    try FileManager.default.removeItem(atPath: "\(catalog)/\(file)")
                }
                try await disk.remount("ro")
                let result = try await program.run(["list"], codes: [11])
                #expect(result.errors.contains("copy the archive to a disk"), "\(result.errors)")
            }
        }
    }
}
