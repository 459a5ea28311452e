import Foundation
import MailarcTesting
import Testing

/// What `backup --json` gives.
struct BackupDocument: Decodable {
    let isFirst: Bool
    let copiedFiles: Int
    let verifiedFiles: Int
    let removedFiles: Int
    let mended: [String]
    let problems: [String]
    let erasures: Int
    let ledgerSize: UInt64
}

extension EndToEnd {
    /// The copy is an archive by itself, whatever happens while it is made.
    @Suite("backups", .tags(.heavy), .timeLimit(.minutes(10)))
    struct BackupTests {
        @Test("a copy opens, checks clean, gives the same mail and goes on by itself")
        func copies() async throws {
            try await withArchive { program in
                try await fill(program, messages: 40, seed: 5)
                let copy = program.at(program.folder.file("copy"))
                let plan = try await backup(program, copy, ["--dry-run"])
                #expect(plan.copiedFiles > 0)
                #expect(!FileManager.default.fileExists(atPath: copy.archive))
                let first = try await backup(program, copy)
                #expect(first.isFirst && first.problems.isEmpty && first.verifiedFiles == first.copiedFiles)
                try await expectSame(program, copy)
                // Reading the copy may touch its caches only.
                let again = try await backup(program, copy)
                #expect(!again.isFirst && again.copiedFiles <= 1, "\(again)")
                try await fill(program, messages: 20, seed: 6)
                let second = try await backup(program, copy)
                #expect(!second.isFirst && second.ledgerSize > first.ledgerSize && second.removedFiles > 0)
                try await expectSame(program, copy)
                let unread = try await backup(program, copy, ["--verify", "none"])
                #expect(unread.verifiedFiles == 0)
                // It is a full archive: it can be written to, and then is nobody's copy any more.
                try await fill(copy, messages: 10, seed: 7)
                try await copy.expectClean()
                let refused = try await program.run(["backup", copy.archive], codes: [6])
                #expect(refused.errors.contains("newer"), "\(refused.errors)")
                try await fill(program, messages: 30, seed: 8)
                let diverged = try await program.run(["backup", copy.archive], codes: [6])
                #expect(diverged.errors.contains("history of its own"), "\(diverged.errors)")
                try await copy.expectClean()
            }
        }

        @Test("another archive, a folder with other things, and the archive itself are refused and left alone")
        func refusals() async throws {
            try await withArchive { program in
                let other = program.at(program.folder.file("other"))
                try await other.create()
                try await program.run(["backup", other.archive], codes: [6])
                try await other.expectClean()
                let full = program.folder.file("full")
                try FileManager.default.createDirectory(atPath: full, withIntermediateDirectories: true)
                try Data("mine".utf8).write(to: URL(fileURLWithPath: "\(full)/notes"))
                try await program.run(["backup", full], codes: [6])
                #expect(try FileManager.default.contentsOfDirectory(atPath: full).sorted() == ["lock", "notes"])
                try await program.run(["backup", program.archive], codes: [6])
                try await program.run(["backup", "\(program.archive)/copy"], codes: [6])
                try await program.expectClean()
            }
        }

        @Test("a removed key slot is removed from the copy")
        func slots() async throws {
            try await withArchive { program in
                try program.folder.write("second", String(repeating: "ab", count: 32), mode: 0o600)
                struct Key: Decodable { let id: String }
                let key = try await program.json(
                    Key.self, ["key", "add", "--new-key-file", program.folder.file("second")])
                let copy = program.at(program.folder.file("copy"))
                try await backup(program, copy)
                let slots = { try FileManager.default.contentsOfDirectory(atPath: "\(copy.archive)/keys").sorted() }
                let before = try slots()
                #expect(before.contains("\(key.id).slot"))
                try await program.run(["key", "remove", key.id])
                try await backup(program, copy)
                #expect(try slots() == before.filter { $0 != "\(key.id).slot" })
                try await expectSame(program, copy)
            }
        }

        @Test("an erasure reaches the copy with the next backup")
        func erasure() async throws {
            try await withArchive { program in
                try await fill(program, messages: 20, seed: 5)
                let copy = program.at(program.folder.file("copy"))
                try await backup(program, copy)
                let secret = { try Data(contentsOf: URL(fileURLWithPath: "\(copy.archive)/keys/erasure")) }
                let old = (
                    vault: try FileManager.default.contentsOfDirectory(atPath: "\(copy.archive)/vault"),
                    secret: try secret()
                )
                try await program.run(["erase", "mailbox:INBOX", "--basis", "gdpr-17", "--yes"])
                let report = try await backup(program, copy)
                #expect(report.erasures == 1, "\(report)")
                let vault = try FileManager.default.contentsOfDirectory(atPath: "\(copy.archive)/vault")
                #expect(Set(old.vault).intersection(vault) == ["CURRENT"], "\(vault)")
                #expect(try secret() != old.secret)
                try await expectSame(program, copy)
            }
        }

        @Test(
            "a list of a last step that names anything outside of the archive is refused, and nothing of it is done",
            arguments: [
                "drop ../mine", "move ../mine", "drop /tmp/x", "drop keys/../../mine", "drop lock", "move incoming/x",
                "",
                "drop ", "keep x", "drop a//b",
            ])
        func hostileList(line: String) async throws {
            try await withArchive { program in
                try program.folder.write("mine", "mine", mode: 0o600)
                let id = try #require(
                    try String(contentsOfFile: "\(program.archive)/MAILARC", encoding: .utf8)
                        .split(separator: "\n").first { $0.hasPrefix("archive ") })
                let list = "mailarc-switching/1\n\(id)\ndrop open/nothing\n\(line)\nend 2\n"
                try Data(list.utf8).write(to: URL(fileURLWithPath: "\(program.archive)/switching"))
                let files = { TestFolder.files(below: program.folder.path).filter { !$0.hasSuffix("/lock") } }
                let before = files()
                let result = try await program.run(["check"], codes: [4])
                #expect(result.errors.contains("switching"))
                #expect(files() == before)
            }
        }

        @Test("damage at the copy is found and mended by --verify full")
        func mending() async throws {
            try await withArchive { program in
                try await fill(program, messages: 30, seed: 5)
                let copy = program.at(program.folder.file("copy"))
                try await backup(program, copy)
                let files = TestFolder.files(below: copy.archive).filter { file in
                    ["dict/", "vault/", "open/", "log/tile", "writers/", "log/entries"].contains { file.hasPrefix($0) }
                        && file != "vault/CURRENT"
                }
                for file in files {
                    let url = URL(fileURLWithPath: "\(copy.archive)/\(file)")
                    var octets = try Data(contentsOf: url)
                    guard !octets.isEmpty else { continue }
                    octets[octets.count / 2] ^= 1
                    try octets.write(to: url)
                }
                let mended = try await backup(program, copy, ["--verify", "full"])
                #expect(mended.copiedFiles >= files.count, "\(mended) of \(files)")
                try await expectSame(program, copy)
            }
        }

        @Test("killed at every step, the copy is its older or its newer self, and the next backup completes it")
        func faults() async throws {
            try await withArchive { program in
                try await fill(program, messages: 20, seed: 5)
                let copy = program.at(program.folder.file("copy"))
                var deaths: [String: Int] = [:]
                for round in 0..<4 {
                    try await fill(program, messages: 6, seed: 20 + round)
                    for (step, counts) in [
                        ("backup-stage", [1, 7, 15]), ("backup-list", [1]), ("backup-switch", [1, 5, 12]),
                        ("backup-end", [1]),
                    ] {
                        for count in counts {
                            var command = program.command(["backup", copy.archive])
                            command.environment["MAILARC_FAULT"] = "\(step):\(count)"
                            let result = try await command.run()
                            #expect(result.isKilled || result.isSuccess, "\(step) \(result.ending) \(result.errors)")
                            if result.isKilled { deaths[step, default: 0] += 1 }
                            try await expectSomeSelf(copy, isFirst: round == 0)
                            if round > 0 || step != "backup-stage" {
                                try await fill(program, messages: 2, seed: count * 97 + round)
                            }
                        }
                    }
                    try await backup(program, copy)
                    try await expectSame(program, copy)
                }
                for step in ["backup-stage", "backup-list", "backup-switch", "backup-end"] {
                    #expect(deaths[step, default: 0] > 0, "no run ever passed \(step)")
                }
            }
        }

        @Test("killed at random instants, the copy opens and checks clean")
        func kills() async throws {
            try await withArchive { program in
                try await fill(program, messages: 40, seed: 5)
                let copy = program.at(program.folder.file("copy"))
                let whole = try await program.run(["backup", copy.archive]).duration
                let seed = EndToEnd.seed
                print("kill instants: MAILARC_SEED=\(seed), a whole run takes \(whole)")
                var generator = SeededGenerator(seed: seed)
                for round in 0..<(isSoak ? 100 : 10) {
                    try await fill(program, messages: 3, seed: 100 + round)
                    var command = program.command(["backup", copy.archive])
                    command.killAfter = whole * Double.random(in: 0.1...1.1, using: &generator)
                    let result = try await command.run()
                    #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                    try await copy.expectClean()
                }
                try await backup(program, copy)
                try await expectSame(program, copy)
            }
        }

        @Test("where the destination is full, the copy stays as it was and the status says so")
        func fullDisk() async throws {
            try await withArchive { program in
                try await SmallDisk.with("3m") { disk in
                    let copy = program.at(disk.folder.file("copy"))
                    try await fill(program, messages: 5, seed: 5)
                    try await backup(program, copy)
                    let before = try await copy.exported()
                    try Self.leave(octets: 200_000, in: disk.folder)
                    try await fill(program, messages: 60, seed: 6)
                    try await program.run(["backup", copy.archive], codes: [11])
                    expectEqual(try await copy.exported(), before)
                    try await copy.expectClean()
                }
            }
        }

        // MARK: helpers

        /// Fills the file system up but for `octets`.
        private static func leave(octets: Int, in folder: TestFolder) throws {
            let facts = try FileManager.default.attributesOfFileSystem(forPath: folder.path)
            let free = try #require(facts[.systemFreeSize] as? Int)
            try Data(count: max(0, free - octets)).write(to: URL(fileURLWithPath: folder.file("ballast")))
        }

        private func fill(_ program: MailarcProgram, messages: Int, seed: Int) async throws {
            let maildir = program.folder.file("source-\(seed)-\(UInt32.random(in: 0...UInt32.max))")
            _ = try await makeSampleMaildir(at: maildir, messages: messages, seed: seed)
            try await program.run(["import", "maildir:\(maildir)", "--account", "import\(seed)"])
            try FileManager.default.removeItem(atPath: maildir)
        }

        @discardableResult
        private func backup(
            _ program: MailarcProgram, _ copy: MailarcProgram, _ arguments: [String] = []
        ) async throws -> BackupDocument {
            try await program.json(BackupDocument.self, ["backup", copy.archive] + arguments)
        }

        private func expectSame(_ program: MailarcProgram, _ copy: MailarcProgram) async throws {
            try await copy.expectClean()
            expectEqual(try await copy.exported(label: "copy"), try await program.exported())
            #expect(!FileManager.default.fileExists(atPath: "\(copy.archive)/incoming"))
            #expect(!FileManager.default.fileExists(atPath: "\(copy.archive)/switching"))
        }

        /// Before the first list of a last step there is nothing; afterwards there is always an archive without fault.
        private func expectSomeSelf(_ copy: MailarcProgram, isFirst: Bool) async throws {
            let files = TestFolder.files(below: copy.archive)
            if isFirst, !files.contains("MAILARC"), !files.contains("switching") {
                try await copy.run(["check"], codes: [6])
            } else {
                try await copy.expectClean()
            }
        }
    }
}

extension MailarcProgram {
    /// The same keys and configuration for an archive elsewhere.
    func at(_ path: String) -> MailarcProgram {
        var other = self
        other.archive = path
        return other
    }
}
