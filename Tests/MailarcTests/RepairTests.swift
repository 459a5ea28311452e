import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Every kind of file, damaged in every way: found, named, and mended from a copy; nothing guessed.
    @Suite("damage and repair", .tags(.heavy), .timeLimit(.minutes(15)))
    struct RepairTests {
        enum Change: String, CaseIterable {
            case flip, truncate, empty, extend, delete, swap, replay
        }

        /// What became of a change.
        enum Outcome: String {
            case mended = "named, mended from a copy"
            /// Opening the archive made it whole: the file is a cache, or held what a dead writer might leave.
            case healed = "made whole by opening"
            case noted = "noted; a cache"
            /// The file says again what the ledger's tree says.
            case redundant = "not noticed; says nothing that is not elsewhere"
        }

        @Test("each change to each kind of file is named, and a copy mends it")
        func matrix() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                let kinds = Dictionary(grouping: files(of: stage.base), by: Self.kind).filter { $0.key != "lock" }
                var jobs: [(kind: String, file: String, change: Change)] = []
                for (kind, members) in kinds.sorted(by: { $0.key < $1.key }) {
                    let file = members.sorted()[members.count / 2]
                    for change in Change.allCases { jobs.append((kind, file, change)) }
                }
                var rows: [String: [Change: Outcome]] = [:]
                // Several at a time: each is a copy of the archive and a few short processes.
                try await withThrowingTaskGroup(of: (Int, Outcome?).self) { group in
                    for (number, job) in jobs.enumerated() {
                        if number >= 4, let (done, outcome) = try await group.next(), let outcome {
                            rows[jobs[done].kind, default: [:]][jobs[done].change] = outcome
                        }
                        let members = kinds[job.kind] ?? []
                        group.addTask { (number, try await judge(job.file, job.change, members, stage)) }
                    }
                    for try await (done, outcome) in group {
                        if let outcome { rows[jobs[done].kind, default: [:]][jobs[done].change] = outcome }
                    }
                }
                let count = rows.values.reduce(0) { $0 + $1.count }
                #expect(count >= 60, "only \(count) changes could be made")
                let table = Self.table(rows)
                print(table)
                let document = try String(
                    contentsOfFile: "\(Repository.root)/Documentation/DamageMatrix.md", encoding: .utf8)
                let isDocumented = document.contains(table)
                #expect(isDocumented, "Documentation/DamageMatrix.md shows another table than the one printed")
            }
        }

        @Test("an archive taken back to an older state, or written anew, does not go on from a kept checkpoint")
        func rollBack() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                let checkpoint = program.folder.file("checkpoint")
                try await program.run(["check", "--write-checkpoint", checkpoint])
                try await program.run(["check", "--trusted-checkpoint", checkpoint])
                for level in ["0", "3"] {
                    let older = try await program.at(stage.older).run(
                        ["check", "--level", level, "--trusted-checkpoint", checkpoint], codes: [15])
                    #expect(older.output.contains("TAMPERED"), "\(older.output)")
                }
                // The other way round it is the same history.
                let early = program.folder.file("early")
                try await program.at(stage.older).run(["check", "--write-checkpoint", early])
                try await program.run(["check", "--trusted-checkpoint", early])
                let other = program.at(program.folder.file("other"))
                try await other.create()
                let stranger = try await other.run(["check", "--trusted-checkpoint", early], codes: [15])
                #expect(stranger.output.contains("another log's"), "\(stranger.output)")
                try program.folder.write("nonsense", "nonsense")
                try await program.run(["check", "--trusted-checkpoint", program.folder.file("nonsense")], codes: [64])
            }
        }

        @Test("an older copy brings back nothing that would undo what was done since")
        func olderCopy() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                for file in ["vault/CURRENT", "open/journal", "log/checkpoint", "keys/erasure"] {
                    let victim = try copy(stage.base, to: program.folder.file("victim"))
                    try FileManager.default.removeItem(atPath: "\(victim)/\(file)")
                    let before = try Self.octets(of: victim)
                    let result = try await program.at(victim).run(
                        ["repair", "--from", stage.older], codes: [0, 4, 13])
                    if result.exitCode == 0 {
                        // It made the file by itself, out of what is there.
                        try await program.at(victim).expectClean()
                        try await expectSame(program.at(victim), stage)
                    } else {
                        let after = try Self.octets(of: victim)
                        #expect(after == before, "\(file): something was changed, and nothing mended")
                    }
                }
                // A removed key slot, and a pack that others replaced, stay away.
                let slots = try FileManager.default.contentsOfDirectory(atPath: "\(stage.older)/keys")
                let victim = try copy(stage.base, to: program.folder.file("victim"))
                let gone = files(of: stage.base).filter { $0.hasSuffix(".gone") }
                #expect(!gone.isEmpty && !slots.isEmpty)
                for record in gone {
                    let pack = String(record.dropLast(5))
                    try? FileManager.default.copyItem(atPath: "\(stage.older)/\(pack)", toPath: "\(victim)/\(pack)")
                }
                _ = try await program.at(victim).run(["repair", "--from", stage.older], codes: [0, 4])
                for record in gone {
                    #expect(!FileManager.default.fileExists(atPath: "\(victim)/\(record.dropLast(5))"))
                }
                try await program.at(victim).expectClean()
            }
        }

        @Test("a lost key slot comes back from a copy, also the one that opens; a removed one does not")
        func slots() async throws {
            try await withArchive { program in
                let second = program.folder.file("second")
                try program.folder.write("second", String(repeating: "ab", count: 32), mode: 0o600)
                struct Key: Decodable { let id: String }
                let key = try await program.json(Key.self, ["key", "add", "--new-key-file", second])
                let base = try copy(program.archive, to: program.folder.file("base"))
                let slots = files(of: base).filter { $0.hasSuffix(".slot") }
                #expect(slots.count == 2)
                for slot in slots {
                    let victim = program.at(try copy(base, to: program.folder.file("victim")))
                    try FileManager.default.removeItem(atPath: "\(victim.archive)/\(slot)")
                    let plan = try await victim.run(["repair", "--from", base, "--dry-run"])
                    #expect(plan.output.contains("WOULD MEND"), "\(plan.output)")
                    let repair = try await victim.run(["repair", "--from", base])
                    #expect(repair.output.contains(slot), "\(repair.output)")
                    try await victim.expectClean()
                }
                try await program.run(["key", "remove", key.id])
                let refused = try await program.run(
                    ["repair", "-a", program.archive, "--from", base, "--key-file", second], opens: false, codes: [5])
                #expect(refused.errors.contains("slot"), "\(refused.errors)")
                #expect(files(of: program.archive).filter { $0.hasSuffix(".slot") }.count == 1)
                try await program.expectClean()
            }
        }

        @Test("footers come back from their copies, blobs from two damaged packs, without and with a key that changed")
        func assembly() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                let packs = files(of: stage.base).filter { $0.hasPrefix("packs/") && !$0.hasSuffix(".gone") }
                let pack = try #require(packs.first)
                let length = try Self.size(stage.base, pack)
                let alone = try copy(stage.base, to: program.folder.file("alone"))
                try Self.flip(alone, pack, at: length - 300)
                let plan = try await program.at(alone).run(["repair", "--dry-run"])
                #expect(plan.output.contains("WOULD MEND"))
                try await program.at(alone).run(["check"], codes: [4])
                try await program.at(alone).run(["repair"])
                try await program.at(alone).expectClean()
                // Two copies, damaged at different places.
                let (one, two) = (
                    try copy(stage.base, to: program.folder.file("one")),
                    try copy(stage.base, to: program.folder.file("two"))
                )
                try Self.flip(one, pack, at: 200)
                try Self.flip(two, pack, at: length - 300)
                try await program.at(one).run(["repair"], codes: [4])
                try await program.at(one).run(["repair", "--from", two])
                try await program.at(one).expectClean()
                try await expectSame(program.at(one), stage)
            }
        }

        @Test("with parity a lost pack comes back without any copy")
        func parity() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                let victim = program.at(try copy(stage.base, to: program.folder.file("victim")))
                let plan = try await victim.run(["repair", "--add-parity", "--dry-run"])
                #expect(plan.output.contains("would write"))
                let made = try await victim.run(["repair", "--add-parity"])
                #expect(made.output.contains("new stripe"))
                try await victim.run(["check", "--level", "4"])
                let packs = files(of: victim.archive).filter { $0.hasPrefix("packs/") && !$0.hasSuffix(".gone") }
                try FileManager.default.removeItem(atPath: "\(victim.archive)/\(packs[0])")
                try await victim.run(["check"], codes: [4])
                let mended = try await victim.run(["repair"])
                #expect(mended.output.contains("reckoned from parity"), "\(mended.output)")
                try await victim.expectClean()
                try await expectSame(victim, stage)
                let stripe = try #require(files(of: victim.archive).first { $0.hasPrefix("parity/") })
                try Self.flip(victim.archive, stripe, at: 500)
                let stale = try await victim.run(["check"], codes: [14])
                #expect(stale.output.contains("STALE \(stripe)"), "\(stale.output)")
                try await victim.run(["repair", "--add-parity"])
                try await victim.run(["check", "--level", "4"])
            }
        }

        @Test("what cannot be had back is told in the ledger, and everything else goes on")
        func losses() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                let open = try #require(files(of: stage.base).first { $0.hasPrefix("open/") && $0.hasSuffix(".pk") })
                let packs = files(of: stage.base).filter { $0.hasPrefix("packs/") && !$0.hasSuffix(".gone") }
                let pack = try #require(packs.first)
                let changes: [(String, (String) throws -> Void)] = [
                    ("a blob", { try Self.flip($0, pack, at: 400) }),
                    ("a pack", { try FileManager.default.removeItem(atPath: "\($0)/\(pack)") }),
                    (
                        "a pack and all copies of footers",
                        {
                            try FileManager.default.removeItem(atPath: "\($0)/\(pack)")
                            try FileManager.default.removeItem(atPath: "\($0)/index")
                        }
                    ),
                    ("an open pack", { try FileManager.default.removeItem(atPath: "\($0)/\(open)") }),
                    ("the end of an open pack", { try Self.truncate($0, open, to: 300) }),
                ]
                for (what, change) in changes {
                    let victim = program.at(try copy(stage.base, to: program.folder.file("victim")))
                    try change(victim.archive)
                    try await victim.run(["check"], codes: [4])
                    try await victim.run(["repair"], codes: [4])
                    let result = try await victim.run(["repair", "--accept-loss"], codes: [16])
                    #expect(result.output.contains("LOST "), "\(what): \(result.output)")
                    let check = try await victim.run(["check"], codes: [16])
                    #expect(check.output.contains("as the ledger says"), "\(what): \(check.output)")
                    try await victim.run(["check", "--level", "0"])
                    let export = try await victim.run(
                        [
                            "export", "--to",
                            "maildir:\(program.folder.file("left-\(UInt32.random(in: 0...9_999_999))"))",
                        ],
                        codes: [0, 3])
                    #expect(!export.output.contains("Exported 0"), "\(what): \(export.output)")
                    // The mail is archived again, not taken for what is lost.
                    try await victim.run(["import", "maildir:\(stage.source)", "--account", "again"])
                    try await victim.run(["rebuild-catalog"])
                    try await victim.run(["check"], codes: [16])
                }
            }
        }

        @Test("killed while a file is put in place, the next repair goes on")
        func faults() async throws {
            try await withArchive { program in
                let stage = try await prepare(program)
                let victim = program.at(try copy(stage.base, to: program.folder.file("victim")))
                for file in files(of: stage.base) where file.hasPrefix("packs/") && !file.hasSuffix(".gone") {
                    try Self.flip(victim.archive, file, at: 300)
                }
                try FileManager.default.removeItem(atPath: "\(victim.archive)/keys/erasure")
                var isKilled = true
                for _ in 1...20 where isKilled {
                    var command = victim.command(["repair", "--from", stage.base])
                    command.environment["MAILARC_FAULT"] = "repair-write:6"
                    let result = try await command.run()
                    #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                    isKilled = result.isKilled
                }
                #expect(!isKilled)
                try await victim.run(["repair", "--from", stage.base])
                try await expectSame(victim, stage)
                try await victim.expectClean()
                #expect(!FileManager.default.fileExists(atPath: "\(victim.archive)/repairing"))
            }
        }

        // MARK: stages

        private struct Stage: Sendable {
            /// Folders: the archive as it is, and as it was.
            var base: String
            var older: String
            var source: String
            var exported: [String]
        }

        /// An archive with everything in it: sealed and open packs, replaced ones, erased mail, two slots, a former log
        /// key.
        private func prepare(_ program: MailarcProgram) async throws -> Stage {
            let environment = ["MAILARC_PACK_TARGET": "60000"]
            let source = try await makeSampleMaildir(at: program.folder.file("source"), messages: 280)
            try await program.run(
                ["import", "maildir:\(source)", "--account", "import"], environment: environment)
            let older = try copy(program.archive, to: program.folder.file("older"))
            try await program.run(["key", "rotate", "--log"])
            try program.folder.write("second", String(repeating: "ab", count: 32), mode: 0o600)
            try await program.run(["key", "add", "--new-key-file", program.folder.file("second")])
            try await program.run(["erase", "mailbox:INBOX", "--basis", "gdpr-17", "--yes"], environment: environment)
            try await program.run(["compact"], environment: environment)
            let more = try await makeSampleMaildir(at: program.folder.file("more"), messages: 40, seed: 9)
            try await program.run(["import", "maildir:\(more)", "--account", "more"], environment: environment)
            try await program.expectClean()
            let base = try copy(program.archive, to: program.folder.file("base"))
            return Stage(base: base, older: older, source: source, exported: try await program.exported())
        }

        private func copy(_ from: String, to target: String) throws -> String {
            try? FileManager.default.removeItem(atPath: target)
            try FileManager.default.copyItem(atPath: from, toPath: target)
            return target
        }

        private func files(of archive: String) -> [String] { TestFolder.files(below: archive) }

        private func expectSame(_ program: MailarcProgram, _ stage: Stage) async throws {
            expectEqual(try await program.exported(), stage.exported)
        }

        /// A file's place, without the names and numbers of its own.
        static func kind(_ file: String) -> String {
            let parts = file.split(separator: "/").map(String.init)
            guard let folder = parts.first, let name = parts.last, parts.count > 1 else { return file }
            switch folder {
            case "packs": return name.hasSuffix(".gone") ? "packs/*.gone" : "packs/*"
            case "keys": return name.hasSuffix(".slot") ? "keys/*.slot" : file
            case "vault": return "vault/\(name.prefix { $0 != "." })"
            case "open": return name == "journal" ? file : "open/*.pk"
            case "log":
                if parts.count == 2 { return file }
                if parts[1] == "checkpoints" { return "log/checkpoints/*" }
                let isPartial = parts.contains { $0.hasSuffix(".p") }
                return "log/\(parts[1])\(parts[1] == "tile" ? "/\(parts[2])" : "")" + (isPartial ? " (partial)" : "")
            default: return "\(folder)/*"
            }
        }

        // MARK: one change

        private func judge(
            _ file: String, _ change: Change, _ members: [String], _ stage: Stage
        ) async throws -> Outcome? {
            let program = try MailarcProgram()
            defer { program.remove() }
            let victim = program.at(try copy(stage.base, to: program.folder.file("victim")))
            let whole = try Data(contentsOf: URL(fileURLWithPath: "\(stage.base)/\(file)"))
            guard !whole.isEmpty, try Self.apply(change, to: file, in: victim.archive, whole, members, stage.older)
            else {
                return nil
            }
            let label = "\(change.rawValue) of \(file)"
            let check = try await victim.command(["check"]).run()
            let code = check.exitCode ?? -1
            if code == 0 {
                if check.output.contains("NOTE") { return .noted }
                let now = try? Data(contentsOf: URL(fileURLWithPath: "\(victim.archive)/\(file)"))
                if now == whole || ["catalog/", "state/", "open/"].contains(where: file.hasPrefix) { return .healed }
                if file.hasPrefix("log/checkpoints/") { return .redundant }
                Issue.record("\(label) is not noticed\n\(check.output)")
                return nil
            }
            #expect([4, 5, 6, 13, 14, 15].contains(code), "\(label): \(check.ending)\n\(check.output)\(check.errors)")
            let name = (file as NSString).lastPathComponent
            let folder = (file as NSString).deletingLastPathComponent
            let told = check.output + check.errors
            // Of two files in each other's place either may be named.
            let others = change == .swap ? members.map { ($0 as NSString).lastPathComponent } : []
            let isNamed =
                told.contains(name) || others.contains(where: told.contains) || told.contains("\(folder):") || code == 5
                || code == 6
            #expect(isNamed, "\(label) is not named:\n\(String(told.prefix(600)))")
            let repair = try await victim.run(["repair", "--from", stage.base])
            #expect(repair.output.contains("MENDED"), "\(label): \(repair.output)")
            try await victim.expectClean()
            try await expectSame(victim, stage)
            return .mended
        }

        /// False if the change is none, or makes no sense for the file.
        private static func apply(
            _ change: Change, to file: String, in archive: String, _ whole: Data, _ members: [String], _ older: String
        ) throws -> Bool {
            let url = URL(fileURLWithPath: "\(archive)/\(file)")
            var octets = whole
            switch change {
            case .flip: octets[octets.startIndex + octets.count / 2] ^= 0x10
            case .truncate: octets = octets.dropLast(1 + octets.count / 3)
            case .empty: octets = Data()
            case .extend: octets += Data("more".utf8)
            case .delete:
                try FileManager.default.removeItem(at: url)
                return true
            case .swap:
                guard let other = members.first(where: { $0 != file }) else { return false }
                let place = URL(fileURLWithPath: "\(archive)/\(other)")
                octets = try Data(contentsOf: place)
                try whole.write(to: place)
            case .replay:
                guard let old = try? Data(contentsOf: URL(fileURLWithPath: "\(older)/\(file)")) else { return false }
                octets = old
            }
            guard octets != whole else { return false }
            try octets.write(to: url)
            return true
        }

        private static func table(_ rows: [String: [Change: Outcome]]) -> String {
            let head = "| file | " + Change.allCases.map(\.rawValue).joined(separator: " | ") + " |"
            let marks: [Outcome: String] = [.mended: "M", .healed: "O", .noted: "N", .redundant: "–"]
            let lines = rows.sorted { $0.key < $1.key }.map { kind, row in
                "| `\(kind)` | " + Change.allCases.map { row[$0].flatMap { marks[$0] } ?? "" }.joined(separator: " | ")
                    + " |"
            }
            let rule = "|---|" + String(repeating: "---|", count: Change.allCases.count)
            return ([head, rule] + lines).joined(separator: "\n")
        }

        // MARK: octets

        private static func size(_ archive: String, _ file: String) throws -> Int {
            try Data(contentsOf: URL(fileURLWithPath: "\(archive)/\(file)")).count
        }

        private static func flip(_ archive: String, _ file: String, at offset: Int) throws {
            let url = URL(fileURLWithPath: "\(archive)/\(file)")
            var octets = try Data(contentsOf: url)
            octets[octets.startIndex + offset] ^= 0x10
            try octets.write(to: url)
        }

        private static func truncate(_ archive: String, _ file: String, to count: Int) throws {
            let url = URL(fileURLWithPath: "\(archive)/\(file)")
            try Data(contentsOf: url).prefix(count).write(to: url)
        }

        private static func octets(of archive: String) throws -> [String: Data] {
            var all: [String: Data] = [:]
            for file in TestFolder.files(below: archive) where file != "lock" {
                all[file] = try Data(contentsOf: URL(fileURLWithPath: "\(archive)/\(file)"))
            }
            return all
        }
    }
}
