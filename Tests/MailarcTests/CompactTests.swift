import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `compact` as people run it: nothing lost at any instant, readers undisturbed.
    @Suite("compaction", .tags(.heavy), .timeLimit(.minutes(10)))
    struct CompactTests {
        /// Small packs, so that a small account fills many.
        static let smallPacks = ["MAILARC_PACK_TARGET": "15000"]
        /// Several groups of several packs each.
        static let compacting = ["MAILARC_PACK_TARGET": "120000"]

        static let faults = [
            "compact-copy:1", "compact-copy:3", "compact-seal:1", "compact-seal:2", "journal-sync:1", "journal-sync:2",
            "pack-seal:1", "ledger-append:1", "checkpoint:1", "checkpoint:2", "gone-file:1", "gone-file:3",
            "catalog:1", "catalog:2", "pack-remove:1", "pack-remove:2", "journal-rewrite:1",
        ]

        private func withFilled(
            messages: Int = 60, _ body: (MailarcProgram, _ expected: [String]) async throws -> Void
        ) async throws {
            try await withArchive { program in
                let maildir = program.folder.file("source")
                try Self.makeMaildir(at: maildir, messages: messages)
                try await program.run(
                    ["import", "maildir:\(maildir)", "--account", "old"], environment: Self.smallPacks)
                try await body(program, try await Dump.maildir(maildir))
            }
        }

        /// Messages with an attachment of 6,000 octets that do not compress.
        private static func makeMaildir(at path: String, messages: Int) throws {
            for folder in ["cur", "new", "tmp"] {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
            }
            var generator = SeededGenerator(seed: 3)
            for number in 0..<messages {
                let octets = Data((0..<6_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
                var text = "From: a@example.org\nTo: b@example.org\nSubject: number \(number)\nMIME-Version: 1.0\n"
                text += "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
                text += octets.base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed]) + "\n"
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/cur/1700000000.M\(number).test:2,S"))
            }
        }

        /// Copies the archive, so that one import serves many rounds.
        private func copy(_ program: MailarcProgram, _ number: Int) throws -> MailarcProgram {
            var other = program
            other.archive = program.folder.file("copy-\(number)")
            try FileManager.default.copyItem(atPath: program.archive, toPath: other.archive)
            return other
        }

        private func statistics(_ program: MailarcProgram) async throws -> CompactedStatistics {
            try await program.json(CompactedStatistics.self, ["stats"])
        }

        @Test("many small packs become few; dry run and second run change nothing")
        func merging() async throws {
            try await withFilled { program, expected in
                let before = try await statistics(program)
                #expect(before.packs > 4)
                let planned = try await program.json(CompactionDocument.self, ["compact", "--dry-run"])
                #expect(planned.isDryRun && planned.newPacks == 1 && planned.freedOctets == nil)
                #expect(planned.packs.allSatisfy { $0.reason == "small" })
                #expect(try await statistics(program) == before)
                let done = try await program.json(CompactionDocument.self, ["compact"])
                #expect(done.packs.map(\.pack) == planned.packs.map(\.pack) && done.newPacks == 1)
                let after = try await statistics(program)
                #expect(after.packs == before.packs - done.packs.count + 1)
                #expect(after.deadOctets == 0 && after.messages == before.messages)
                #expect(before.packOctets - after.packOctets == done.freedOctets)
                for level in ["0", "1", "2", "3"] { try await program.run(["check", "--level", level]) }
                expectEqual(try await program.exported(), expected)
                let again = try await program.run(["compact"])
                #expect(again.output == "Nothing to compact\n")
                try await program.run(["rebuild-catalog"])
                expectEqual(try await program.exported(), expected, "after rebuild-catalog")
                #expect(try await statistics(program) == after)
                try await readWithPython(program)
            }
        }

        /// The reader made from the documents alone.
        private func readWithPython(_ program: MailarcProgram) async throws {
            guard let python = ReaderTests.python else { return }
            let open = [ReaderTests.reader, program.archive, "--key-file", program.folder.file("key")]
            try await ProcessCommand(python, open + ["check"]).runSuccessfully()
        }

        @Test("compact goes on after dying at a step")
        func faults() async throws {
            try await withFilled { original, expected in
                for (number, fault) in Self.faults.enumerated() {
                    let program = try copy(original, number)
                    var command = program.command(["compact"])
                    command.environment.merge(Self.compacting) { $1 }
                    command.environment["MAILARC_FAULT"] = fault
                    let result = try await command.run()
                    #expect(result.isKilled, "no run ever passed \(fault): \(result.ending) \(result.errors)")
                    try await expectWhole(program, expected, fault)
                    try FileManager.default.removeItem(atPath: program.archive)
                }
            }
        }

        @Test("whoever takes it up may die, too", arguments: ["gone-file:1", "gone-file:2", "pack-remove:1"])
        func recovery(fault: String) async throws {
            try await withFilled { program, expected in
                for (arguments, fault) in [(["compact"], "journal-sync:1"), (["stats"], fault)] {
                    var command = program.command(arguments)
                    command.environment.merge(Self.compacting) { $1 }
                    command.environment["MAILARC_FAULT"] = fault
                    let result = try await command.run()
                    #expect(result.isKilled, "no run ever passed \(fault): \(result.ending) \(result.errors)")
                }
                try await expectWhole(program, expected, fault)
            }
        }

        @Test("compact is killed at random instants")
        func kills() async throws {
            try await withFilled { original, expected in
                var generator = SystemRandomNumberGenerator()
                let trial = try copy(original, 0)
                let whole = try await trial.run(["compact"], environment: Self.compacting).duration
                for number in 1...(isSoak ? 200 : 10) {
                    let program = try copy(original, number)
                    let instant = whole * Double.random(in: 0.2...1, using: &generator)
                    var command = program.command(["compact"])
                    command.environment.merge(Self.compacting) { $1 }
                    command.killAfter = instant
                    let result = try await command.run()
                    #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                    try await expectWhole(program, expected, "killed after \(instant)")
                    try FileManager.default.removeItem(atPath: program.archive)
                }
            }
        }

        /// After a death: as it is, and once more after a compaction that ends.
        private func expectWhole(_ program: MailarcProgram, _ expected: [String], _ label: String) async throws {
            try await program.expectClean()
            expectEqual(try await program.exported(), expected, label)
            try await program.run(["compact"], environment: Self.compacting)
            try await program.expectClean()
            try await program.run(["check", "--level", "0"])
            #expect(try await statistics(program).deadOctets == 0, "\(label)")
            expectEqual(try await program.exported(), expected, "\(label), compacted")
        }

        @Test("exports that run meanwhile give every message")
        func readers() async throws {
            try await withFilled(messages: 120) { original, expected in
                for round in 1...3 {
                    let program = try copy(original, round)
                    async let first = program.exported(label: "first-\(round)")
                    async let second = program.exported(label: "second-\(round)")
                    try await program.run(["compact"], environment: Self.compacting)
                    try await program.run(["compact"])
                    expectEqual(try await first, expected, "a reader of before")
                    expectEqual(try await second, expected, "another one")
                    try await program.expectClean()
                }
            }
        }

        @Test("damage is named and nothing is changed")
        func damage() async throws {
            try await withFilled { program, _ in
                let planned = try await program.json(CompactionDocument.self, ["compact", "--dry-run"])
                let pack = try #require(planned.packs.last).pack
                let file = URL(fileURLWithPath: "\(program.archive)/\(pack)")
                var octets = try Data(contentsOf: file)
                octets[200] ^= 1
                try octets.write(to: file)
                let before = try await statistics(program)
                let result = try await program.run(["compact"], codes: [4])
                #expect(result.errors.contains(pack) && result.errors.contains("mailarc check"), "\(result.errors)")
                #expect(try await statistics(program) == before)
                #expect(try Data(contentsOf: file) == octets)
            }
        }
    }
}

/// What `compact --json` gives.
private struct CompactionDocument: Decodable {
    struct Pack: Decodable {
        let pack: String
        let reason: String
        let octets: Int
    }
    let isDryRun: Bool
    let packs: [Pack]
    let newPacks: Int
    let deadOctets: Int
    let freedOctets: Int?
}

/// What of `stats --json` says where octets are.
private struct CompactedStatistics: Decodable, Equatable {
    let messages: Int
    let occurrences: Int
    let packs: Int
    let packOctets: Int
    let deadOctets: Int
    let erasedOctets: Int
    let ledgerSize: UInt64
}
