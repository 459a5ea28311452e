import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// The process kills itself at the n-th passing of a named step (`MAILARC_FAULT=step:n`): every step of a commit.
    @Suite("faults at every step", .tags(.heavy))
    struct FaultTests {
        static let steps = [
            "pack-append", "pack-sync", "vault-sync", "journal-sync", "ledger-append", "checkpoint", "catalog", "state",
            "journal-rewrite",
        ]
        /// Passed only when a pack is full (32 MiB) or the vault opens its next shard (4,096 keys).
        static let rareSteps = ["pack-seal", "vault-root", "current-flip"]
        static let passings = isSoak ? Array(1...20) : [1, 2]

        @Test("pull goes on after dying at a step", .enabled(if: DovecotServer.reasonNotRunnable == nil))
        func pull() async throws {
            try await withSampleServer(messages: 60, seed: 11) { server in
                let expected = try await Dump.server(port: server.port)
                for step in Self.steps {
                    var deaths = 0
                    for passing in Self.passings {
                        deaths += try await dies(at: "\(step):\(passing)", ["pull"], expected: expected) { program in
                            try await program.addAccount(port: server.port)
                        }
                    }
                    #expect(deaths > 0, "no run ever passed the step \(step)")
                }
            }
        }

        @Test("import goes on after dying at a step")
        func importing() async throws {
            let sample = try TestFolder("sample")
            defer { sample.remove() }
            let maildir = try await makeSampleMaildir(at: sample.file("Maildir"), messages: 60)
            let expected = try await Dump.maildir(maildir)
            for step in Self.steps {
                let arguments = ["import", "maildir:\(maildir)", "--account", "old"]
                _ = try await dies(at: "\(step):1", arguments, expected: expected) { _ in }
            }
        }

        @Test("an import that fills packs and a vault shard goes on after dying there", arguments: rareSteps)
        func filling(step: String) async throws {
            let sample = try TestFolder("sample")
            defer { sample.remove() }
            let maildir = sample.file("Maildir")
            try Self.makeLargeMaildir(at: maildir)
            let expected = try await Dump.maildir(maildir)
            let arguments = ["import", "maildir:\(maildir)", "--account", "old"]
            let deaths = try await dies(at: "\(step):1", arguments, expected: expected) { _ in }
            #expect(deaths == 1, "no run ever passed the step \(step)")
        }

        /// 4,300 small messages and 44 with attachments of 4 MB that do not compress.
        private static func makeLargeMaildir(at path: String) throws {
            for folder in ["cur", "new", "tmp"] {
                try FileManager.default.createDirectory(
                    atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
            }
            var generator = SystemRandomNumberGenerator()
            var octets = Data((0..<4_000_000).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
            for number in 0..<4_344 {
                var text = "From: a@example.org\nTo: b@example.org\nSubject: number \(number)\n"
                if number < 44 {
                    octets[0] = UInt8(number)
                    text += "MIME-Version: 1.0\nContent-Type: application/octet-stream\n"
                    text += "Content-Transfer-Encoding: base64\n\n"
                    text += octets.base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed]) + "\n"
                } else {
                    text += "\nmessage \(number)\n"
                }
                try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/cur/1700000000.M\(number).test:2,S"))
            }
        }

        /// - Returns: 1 when the fault struck, 0 when the step was not passed so often.
        private func dies(
            at fault: String, _ arguments: [String], expected: [String],
            prepare: (MailarcProgram) async throws -> Void
        ) async throws -> Int {
            try await withArchive { program in
                try await prepare(program)
                var command = program.command(arguments)
                command.environment["MAILARC_FAULT"] = fault
                let result = try await command.run()
                #expect(result.isKilled || result.isSuccess, "\(fault): \(result.ending) \(result.errors)")
                try await program.expectClean()
                try await program.run(arguments)
                expectEqual(try await program.exported(), expected, fault)
                try await program.expectClean()
                return result.isKilled ? 1 : 0
            }
        }
    }
}
