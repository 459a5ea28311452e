import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Flipped, truncated and swapped files are refused by name.
    @Suite("damage")
    struct DamageTests {
        /// Which files must be blamed: everything but caches, the lock and what can be lost.
        static func isEvidence(_ file: String) -> Bool {
            !["catalog/", "state/", "index/"].contains { file.hasPrefix($0) } && file != "lock"
        }

        /// One kind a folder and name shape, so that each is damaged without trying hundreds of tiles.
        static func kind(_ file: String) -> String {
            var parts = file.split(separator: "/").map(String.init)
            if parts.first == "packs" { return "packs" }
            let name = parts.popLast() ?? ""
            let shape = name.prefix { !$0.isNumber && $0 != "." }
            return parts.joined(separator: "/") + "/" + (name.count > 30 ? "hash" : String(shape))
        }

        enum Damage: String, CaseIterable {
            case flip, truncate, empty, swap

            func apply(_ octets: Data, other: Data) -> Data {
                switch self {
                case .flip:
                    var damaged = octets
                    damaged[damaged.startIndex + damaged.count / 2] ^= 0x10
                    return damaged
                case .truncate: return octets.dropLast(1 + octets.count / 3)
                case .empty: return Data()
                case .swap: return other
                }
            }
        }

        @Test("check names every kind of damaged file and ends with a failure", arguments: Damage.allCases)
        func damage(_ damage: Damage) async throws {
            try await withArchive { program in
                let maildir = try await makeSampleMaildir(at: program.folder.file("source"), messages: 60)
                try await program.run(["import", "maildir:\(maildir)", "--account", "import"])
                let more = try await makeSampleMaildir(at: program.folder.file("more"), messages: 30, seed: 9)
                try await program.run(["import", "maildir:\(more)", "--account", "more"])
                try await program.expectClean()
                let files = TestFolder.files(below: program.archive).filter(Self.isEvidence)
                let kinds = Dictionary(grouping: files, by: Self.kind)
                for (kind, members) in kinds.sorted(by: { $0.key < $1.key }) {
                    let file = members[members.count / 2]
                    try await damaged(program, file, kind: kind, damage, files: files)
                }
                try await program.expectClean()
            }
        }

        /// Damages one file, looks at what `check` says, and puts the file back.
        private func damaged(
            _ program: MailarcProgram, _ file: String, kind: String, _ damage: Damage, files: [String]
        ) async throws {
            let url = URL(fileURLWithPath: "\(program.archive)/\(file)")
            let whole = try Data(contentsOf: url)
            guard !whole.isEmpty else { return }
            let other = files.first { $0 != file && Self.kind($0) == kind } ?? files.first { $0 != file } ?? file
            let stranger = try Data(contentsOf: URL(fileURLWithPath: "\(program.archive)/\(other)"))
            let changed = damage.apply(whole, other: stranger)
            guard changed != whole else { return }
            try changed.write(to: url)
            let result = try await program.command(["check", "--level", "3"]).run()
            try whole.write(to: url)
            let label = "\(damage.rawValue) of \(file)"
            guard case .exited(let code) = result.ending else {
                Issue.record("\(label): \(result.ending)")
                return
            }
            // A file the archive cannot be opened without is refused at once; all others are findings.
            #expect([4, 5, 6, 11, 15].contains(code), "\(label): exit code \(code)\n\(result.output)\(result.errors)")
            let name = url.lastPathComponent
            let isNamed = result.output.contains(name) || result.errors.contains(name) || code == 5
            #expect(isNamed, "\(label) is not named:\n\(result.output)\(result.errors)")
        }
    }
}
