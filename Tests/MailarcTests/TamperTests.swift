import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Whole folders, and files from elsewhere: taken back, taken away, put back, mixed up. Single files: RepairTests.
    @Suite("tampering", .tags(.heavy), .timeLimit(.minutes(15)))
    struct TamperTests {
        @Test("folders taken back or away, strange files, and every change to parity and anchors are named and mended")
        func matrix() async throws {
            let specimen = try await Specimen.make()
            defer { specimen.remove() }
            var cases: [DamageCase] = FileKind.all.flatMap { kind in
                FileChange.allCases.map {
                    DamageCase(name: kind.name, change: $0.rawValue, kind: kind, action: .file($0))
                }
            }
            cases += FolderChange.all.map {
                DamageCase(name: $0.name, change: $0.change, kind: nil, action: .folder($0))
            }
            let outcomes = try await specimen.run(cases)
            #expect(outcomes.count >= 30)
            let table = DamageTable.text(outcomes)
            print(table)
            let document = try String(
                contentsOfFile: "\(Repository.root)/Documentation/DamageMatrix.md", encoding: .utf8)
            let isDocumented = document.contains(table)
            #expect(isDocumented, "Documentation/DamageMatrix.md shows another table than the one printed")
        }

        @Test("a lost pack comes back from its stripe alone, and a repair that dies there goes on")
        func parity() async throws {
            let specimen = try await Specimen.make()
            defer { specimen.remove() }
            let program = specimen.program
            let packs = TestFolder.files(below: program.archive).filter {
                $0.hasPrefix("packs/") && !$0.hasSuffix(".gone")
            }
            let file = "\(program.archive)/\(packs[0])"
            let whole = try Disk.read(file)
            try FileManager.default.removeItem(atPath: file)
            try await program.run(["check"], codes: [4])
            var command = program.command(["repair"])
            command.environment["MAILARC_FAULT"] = "repair-write:1"
            #expect(try await command.run().isKilled)
            try await program.run(["repair"])
            #expect(try Disk.read(file) == whole)
            try await program.run(["check", "--level", "4"])
            for (fault, start) in [("parity-write:1", 500), ("parity-remove:1", 700)] {
                let more = try Specimen.makeMaildir(at: program.folder.file(fault), numbers: start..<start + 100)
                try await program.run(
                    ["import", "maildir:\(more)", "--account", fault], environment: Specimen.smallPacks)
                var command = program.command(["repair", "--add-parity"])
                command.environment["MAILARC_FAULT"] = fault
                #expect(try await command.run().isKilled, "no run ever passed \(fault)")
                try await program.run(["check", "--level", "4"])
                try await program.run(["repair", "--add-parity"])
                try await program.run(["check", "--level", "4"])
            }
            // What is erased and compacted away is in no stripe either.
            let before = Set(TestFolder.files(below: "\(program.archive)/parity"))
            try await program.run(["erase", "subject:zebra12", "--basis", "test", "--yes"])
            var dying = program.command(["compact"])
            dying.environment["MAILARC_FAULT"] = "parity-remove:1"
            #expect(try await dying.run().isKilled)
            try await program.run(["check", "--level", "4"])
            try await program.run(["compact"])
            #expect(before.isDisjoint(with: TestFolder.files(below: "\(program.archive)/parity")))
            try await program.run(["check", "--level", "4"])
        }
    }
}

/// What is done to one file.
enum FileChange: String, CaseIterable, Sendable {
    case flip, truncate, empty, extend, swap, replay, delete
}

/// One sort of file: how it is called in the matrix, and which files are of it.
struct FileKind: Sendable {
    let name: String
    let isMember: @Sendable (String) -> Bool
    /// Changes after which the archive is still right, and why: readers and the next writer know what to do.
    var harmless: [FileChange: String] = [:]
    /// Changes nobody can mend from a copy, and why.
    var final: [FileChange: String] = [:]
    /// Made anew from the rest.
    var isCache = false

    static let all: [FileKind] = [
        FileKind(name: "keys/anchors") { $0 == "keys/anchors" },
        FileKind(name: "parity/*", isMember: { $0.hasPrefix("parity/") }, isCache: true),
    ]
}

/// What is done to more than one file.
struct FolderChange: Sendable {
    let name: String
    let change: String
    /// Changes the archive at `path`; there are an older copy and one of today.
    let apply: @Sendable (_ path: String, _ specimen: Specimen) throws -> Void
    var usesCheckpoint = false
    var isHarmless = false
    var isFinal = false

    static let all: [FolderChange] =
        ["vault", "log", "open", "packs", "keys"].map { folder in
            FolderChange(name: "\(folder)/", change: "roll back") { path, specimen in
                try Disk.replace("\(path)/\(folder)", with: "\(specimen.older)/\(folder)")
            }
        }
        + ["vault", "log", "open", "packs", "keys", "writers", "dict"].map { folder in
            FolderChange(name: "\(folder)/", change: "delete") { path, _ in
                try FileManager.default.removeItem(atPath: "\(path)/\(folder)")
            }
        }
        + ["catalog", "state"].flatMap { folder in
            [
                FolderChange(
                    name: "\(folder)/", change: "roll back",
                    apply: { path, specimen in
                        try Disk.replace("\(path)/\(folder)", with: "\(specimen.older)/\(folder)")
                    }, isHarmless: true),
                FolderChange(
                    name: "\(folder)/", change: "delete",
                    apply: { path, _ in try FileManager.default.removeItem(atPath: "\(path)/\(folder)") },
                    isHarmless: true),
            ]
        }
        + [
            FolderChange(name: "keys/ and vault/", change: "roll back") { path, specimen in
                for folder in ["keys", "vault"] {
                    try Disk.replace("\(path)/\(folder)", with: "\(specimen.older)/\(folder)")
                }
            },
            FolderChange(
                name: "the whole folder", change: "roll back",
                apply: { path, specimen in try Disk.replace(path, with: specimen.older) }, usesCheckpoint: true,
                isFinal: true),
            FolderChange(
                name: "the whole folder", change: "another archive",
                apply: { path, specimen in try Disk.replace(path, with: specimen.other) }, usesCheckpoint: true,
                isFinal: true),
            FolderChange(name: "a replaced pack", change: "put back") { path, specimen in
                let names = TestFolder.files(below: specimen.older).filter { $0.hasPrefix("packs/") }
                for name in names where FileManager.default.fileExists(atPath: "\(path)/\(name).gone") {
                    try FileManager.default.copyItem(atPath: "\(specimen.older)/\(name)", toPath: "\(path)/\(name)")
                }
            },
            FolderChange(name: "a removed key slot", change: "put back") { path, specimen in
                for name in specimen.removedSlots {
                    try FileManager.default.copyItem(
                        atPath: "\(specimen.oldest)/keys/\(name)", toPath: "\(path)/keys/\(name)")
                }
            },
            FolderChange(name: "another archive's pack", change: "add") { path, specimen in
                let name = try #require(TestFolder.files(below: specimen.other).first { $0.hasPrefix("packs/") })
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(name.prefix(8))", withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: "\(specimen.other)/\(name)", toPath: "\(path)/\(name)")
            },
            FolderChange(name: "another archive's slot", change: "add") { path, specimen in
                let name = try #require(TestFolder.files(below: specimen.other).first { $0.hasSuffix(".slot") })
                try FileManager.default.copyItem(atPath: "\(specimen.other)/\(name)", toPath: "\(path)/\(name)")
            },
            FolderChange(name: "a file no vault has", change: "add") { path, _ in
                try Data([1]).write(to: URL(fileURLWithPath: "\(path)/vault/shadow"))
            },
        ]
}

enum Disk {
    static func replace(_ path: String, with other: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        if FileManager.default.fileExists(atPath: other) {
            try FileManager.default.copyItem(atPath: other, toPath: path)
        }
    }

    static func read(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }
}

struct DamageCase: Sendable {
    enum Action: Sendable {
        case file(FileChange)
        case folder(FolderChange)
    }
    let name: String
    let change: String
    let kind: FileKind?
    let action: Action
    var label: String { "\(change) of \(name)" }
}

/// What became of one case.
struct DamageOutcome: Sendable {
    enum Detection: String, Sendable {
        /// `check` lists it as a finding.
        case named
        /// The archive does not open, and the error says what is wrong.
        case refused
        case harmless
    }
    let name: String
    let change: String
    let detection: Detection
    let isMended: Bool

    var cell: String {
        detection == .harmless ? "harmless" : "\(detection.rawValue)\(isMended ? ", mended" : ", left")"
    }
}

/// An archive with one of every kind of file, older copies of it, and one of today as its replica.
struct Specimen: Sendable {
    let program: MailarcProgram
    /// Before the last import, erasure and compaction.
    let older: String
    /// Before a key slot was removed.
    let oldest: String
    let replica: String
    /// Another archive altogether.
    let other: String
    let checkpoint: String
    let removedSlots: [String]
    let messages: Int

    static let smallPacks = ["MAILARC_PACK_TARGET": "30000"]

    func remove() { program.remove() }

    static func make() async throws -> Specimen {
        let program = try MailarcProgram()
        try await program.create()
        let file = program.folder.file
        try program.folder.write("second", String(repeating: "ab", count: 32), mode: 0o600)
        struct Key: Decodable { let id: String }
        let key = try await program.json(Key.self, ["key", "add", "--new-key-file", file("second")])
        let first = try makeMaildir(at: file("one"), numbers: 0..<270)
        try await program.run(["import", "maildir:\(first)", "--account", "one"], environment: smallPacks)
        try Disk.replace(file("oldest"), with: program.archive)
        try await program.run(["key", "remove", key.id])
        try await program.run(["key", "rotate", "--log"])
        try await program.run(["anchor", "add", "directory", file("anchor")])
        try await program.run(["anchor", "add", "inside"])
        try Disk.replace(file("older"), with: program.archive)
        let second = try makeMaildir(at: file("two"), numbers: 300..<330)
        try await program.run(["import", "maildir:\(second)", "--account", "two"], environment: smallPacks)
        try await program.run(["erase", "subject:zebra7", "--basis", "test", "--yes"])
        try await program.run(["compact"], environment: smallPacks)
        let third = try makeMaildir(at: file("three"), numbers: 400..<406)
        try await program.run(["import", "maildir:\(third)", "--account", "three"], environment: smallPacks)
        try await program.run(["repair", "--add-parity"])
        let report = try await program.json(
            CheckDocument.self, ["check", "--level", "4", "--write-checkpoint", file("checkpoint")])
        try Disk.replace(file("replica"), with: program.archive)
        var stranger = program
        stranger.archive = file("other")
        try await stranger.create()
        try await stranger.run(["import", "maildir:\(first)", "--account", "one"], environment: smallPacks)
        return Specimen(
            program: program, older: file("older"), oldest: file("oldest"), replica: file("replica"),
            other: file("other"), checkpoint: file("checkpoint"), removedSlots: ["\(key.id).slot"],
            messages: report.messages)
    }

    /// Small messages with octets that do not compress.
    static func makeMaildir(at path: String, numbers: Range<Int>) throws -> String {
        for folder in ["cur", "new", "tmp"] {
            try FileManager.default.createDirectory(atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
        var generator = SeededGenerator(seed: UInt64(numbers.lowerBound + 1))
        for number in numbers {
            let octets = Data((0..<300).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
            let text =
                "From: a@example.org\nTo: b@example.org\nSubject: zebra\(number)\n\n"
                + octets.base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed]) + "\n"
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/cur/1700000000.M\(number).test:2,S"))
        }
        return path
    }
}

extension Specimen {
    /// Each case on a copy of its own, a few at a time.
    func run(_ cases: [DamageCase]) async throws -> [DamageOutcome] {
        let outcomes = try await withThrowingTaskGroup(of: (Int, DamageOutcome?).self) { group in
            var (next, found): (Int, [(Int, DamageOutcome?)]) = (0, [])
            while next < min(3, cases.count) {
                let number = next
                group.addTask { (number, try await run(cases[number], number)) }
                next += 1
            }
            while let outcome = try await group.next() {
                found.append(outcome)
                guard next < cases.count else { continue }
                let number = next
                group.addTask { (number, try await run(cases[number], number)) }
                next += 1
            }
            return found
        }
        return outcomes.sorted { $0.0 < $1.0 }.compactMap(\.1)
    }

    private func run(_ damage: DamageCase, _ number: Int) async throws -> DamageOutcome? {
        var copy = program
        copy.archive = program.folder.file("case-\(number)")
        try Disk.replace(copy.archive, with: program.archive)
        defer { try? FileManager.default.removeItem(atPath: copy.archive) }
        var blamed = damage.name
        var (isHarmless, isFinal, usesCheckpoint) = (false, false, false)
        switch damage.action {
        case .file(let change):
            guard let kind = damage.kind, let file = try apply(change, to: kind, in: copy) else { return nil }
            blamed = file
            (isHarmless, isFinal) = (kind.harmless[change] != nil, kind.final[change] != nil)
        case .folder(let change):
            try change.apply(copy.archive, self)
            (isHarmless, isFinal) = (change.isHarmless, change.isFinal)
            usesCheckpoint = change.usesCheckpoint
        }
        let detection = try await detect(copy, damage, blamed, usesCheckpoint)
        let mayBeHarmless = isHarmless || damage.kind?.isCache == true
        #expect(detection != .harmless || mayBeHarmless, "\(damage.label) is not noticed: \(blamed)")
        guard !isFinal else {
            return DamageOutcome(
                name: damage.name, change: damage.change, detection: detection, isMended: false)
        }
        let isMended = try await mend(copy, damage, detection)
        return DamageOutcome(
            name: damage.name, change: damage.change, detection: detection,
            isMended: isMended && detection != .harmless)
    }

    /// Changes one file of a kind; its path, or `nil` where there is nothing to change.
    private func apply(_ change: FileChange, to kind: FileKind, in copy: MailarcProgram) throws -> String? {
        let members = TestFolder.files(below: copy.archive).filter(kind.isMember)
        guard !members.isEmpty else { return nil }
        let file = members[members.count / 2]
        let url = URL(fileURLWithPath: "\(copy.archive)/\(file)")
        let whole = try Data(contentsOf: url)
        var changed: Data?
        switch change {
        case .flip:
            changed = whole
            changed?[whole.count / 2] ^= 0x10
        case .truncate: changed = whole.dropLast(1 + whole.count / 3)
        case .empty: changed = Data()
        case .extend: changed = whole + Data([0x2A, 0x0A])
        case .swap:
            let other = members.first { $0 != file } ?? "MAILARC"
            let name = other == file ? "vault/CURRENT" : other
            changed = try Disk.read("\(copy.archive)/\(name)")
        case .replay:
            // An older state of the same file, else the oldest of its kind under this name.
            let old = TestFolder.files(below: older).filter(kind.isMember)
            guard let name = old.contains(file) ? file : old.first else { return nil }
            changed = try Disk.read("\(older)/\(name)")
        case .delete:
            try FileManager.default.removeItem(at: url)
            return file
        }
        guard let changed, changed != whole else { return nil }
        try changed.write(to: url)
        return file
    }

    private func detect(
        _ copy: MailarcProgram, _ damage: DamageCase, _ blamed: String, _ usesCheckpoint: Bool
    ) async throws -> DamageOutcome.Detection {
        let trusted = usesCheckpoint ? ["--trusted-checkpoint", checkpoint] : []
        let level = usesCheckpoint ? ["--level", "0"] : ["--level", "2"]
        let result = try await copy.command(["check"] + level + trusted, opens: !usesCheckpoint).runNaming(copy)
        guard case .exited(let code) = result.ending else {
            Issue.record("\(damage.label): \(result.ending)")
            return .harmless
        }
        let text = result.output + result.errors
        switch code {
        case 0: return .harmless
        case 4, 14, 15:
            let isReport = !result.output.isEmpty
            let parts = blamed.split(separator: "/").map(String.init)
            let isNamed = parts.contains { text.contains($0) } || usesCheckpoint || damage.kind == nil
            #expect(isNamed, "\(damage.label) is not named:\n\(text.prefix(600))")
            if usesCheckpoint { #expect(code == 15, "\(damage.label): \(text.prefix(600))") }
            return isReport ? .named : .refused
        case 5, 6, 11, 13: return .refused
        default:
            Issue.record("\(damage.label): exit code \(code)\n\(text.prefix(600))")
            return .refused
        }
    }

    /// Mends from the replica; afterwards everything is there and right.
    private func mend(
        _ copy: MailarcProgram, _ damage: DamageCase, _ detection: DamageOutcome.Detection
    ) async throws -> Bool {
        var (said, repaired): (String, Int32?) = ("", nil)
        if detection != .harmless {
            let repair = try await copy.command(["repair", "--from", replica]).run()
            (said, repaired) = (repair.output + repair.errors, repair.exitCode)
            if damage.name.hasPrefix("catalog") { _ = try await copy.command(["rebuild-catalog"]).run() }
            if damage.name.hasPrefix("parity") { _ = try await copy.command(["repair", "--add-parity"]).run() }
            if damage.name.hasPrefix("state") {
                try? FileManager.default.removeItem(atPath: "\(copy.archive)/state")
            }
        }
        let check = try await copy.command(["check", "--level", "3", "--json"]).run()
        guard check.exitCode == 0 else {
            // What repair leaves it says, and guesses nothing.
            #expect(
                repaired != 0,
                "\(damage.label): repair ends well, check with \(check.ending)\n\(said.prefix(400))\n\(check.output.prefix(400))"
            )
            print("left: \(damage.label): \(said.prefix(300))")
            return false
        }
        struct Document: Decodable { let result: CheckDocument }
        let found = try JSONDecoder().decode(Document.self, from: Data(check.standardOutput)).result.messages
        #expect(found == messages, "\(damage.label): \(found) messages of \(messages)")
        return found == messages
    }
}

extension ProcessCommand {
    /// With the archive named where no key is given.
    func runNaming(_ program: MailarcProgram) async throws -> ProcessResult {
        var command = self
        command.environment["MAILARC_ARCHIVE"] = program.archive
        return try await command.run()
    }
}

/// The outcomes as a table of Documentation/DamageMatrix.md.
enum DamageTable {
    static func text(_ outcomes: [DamageOutcome]) -> String {
        let rows = outcomes.map { "| \($0.name) | \($0.change) | \($0.cell) |" }
        return (["| what | change | outcome |", "|---|---|---|"] + rows).joined(separator: "\n")
    }
}
