import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// SIGKILL at any instant: the archive opens, `check` is clean, the next run completes, nothing is lost or doubled.
    @Suite("crashes", .tags(.heavy))
    struct CrashTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil
        /// 16 + 16 + 8 instants in `make test`, 200 + 200 + 100 in `make soak`.
        static let rounds = isSoak ? 200 : 16

        @Test("pull is killed at random instants", .enabled(if: canRunDovecot))
        func pull() async throws {
            try await withSampleServer(messages: 250, seed: 7) { server in
                let expected = try await Dump.server(port: server.port)
                try await killed(["pull"], rounds: Self.rounds, expected: expected) { program in
                    try await program.addAccount(port: server.port)
                }
            }
        }

        @Test("import is killed at random instants")
        func importing() async throws {
            let sample = try TestFolder("sample")
            defer { sample.remove() }
            let maildir = try await makeSample(in: sample, messages: 250)
            let expected = try await Dump.maildir(maildir)
            let arguments = ["import", "maildir:\(maildir)", "--account", "old"]
            try await killed(arguments, rounds: Self.rounds, expected: expected) { _ in }
        }

        @Test("rebuild-catalog is killed at random instants")
        func rebuilding() async throws {
            let sample = try TestFolder("sample")
            defer { sample.remove() }
            let maildir = try await makeSample(in: sample, messages: 150)
            let expected = try await Dump.maildir(maildir)
            try await withArchive { program in
                try await program.run(["import", "maildir:\(maildir)", "--account", "old"])
                let whole = try await program.run(["rebuild-catalog"]).duration
                for instant in instants(Self.rounds / 2, within: whole) {
                    var command = program.command(["rebuild-catalog"])
                    command.killAfter = instant
                    let result = try await command.run()
                    #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                    // Reading works with the old catalog or makes a new one.
                    try await program.run(["search", "report"])
                }
                try await program.run(["rebuild-catalog"])
                expectEqual(try await program.exported(), expected)
                try await program.expectClean()
            }
        }

        /// Kills runs of `arguments` at instants spread over the time a whole run takes, going on after each kill, and
        /// begins a new archive whenever a run came to its end.
        private func killed(
            _ arguments: [String], rounds: Int, expected: [String], prepare: (MailarcProgram) async throws -> Void
        ) async throws {
            let whole = try await withArchive { program in
                try await prepare(program)
                return try await program.run(arguments).duration
            }
            var left = instants(rounds, within: whole)
            while !left.isEmpty {
                try await withArchive { program in
                    try await prepare(program)
                    var isComplete = false
                    while !isComplete, let instant = left.popLast() {
                        var command = program.command(arguments)
                        command.killAfter = instant
                        let result = try await command.run()
                        #expect(result.isKilled || result.isSuccess, "\(result.ending) \(result.errors)")
                        isComplete = result.isSuccess
                        if left.count % 4 == 0 { try await program.expectClean() }
                    }
                    try await program.run(arguments)
                    expectEqual(try await program.exported(), expected, "after kills")
                    try await program.expectClean()
                }
            }
        }

        /// Random instants between 0 and `whole`; the seed is printed so that a failure can be looked for again.
        private func instants(_ count: Int, within whole: Duration) -> [Duration] {
            let seed = EndToEnd.seed
            print("kill instants: MAILARC_SEED=\(seed), a whole run takes \(whole)")
            var generator = SeededGenerator(seed: seed)
            return (0..<count).map { _ in whole * Double.random(in: 0.02...1.05, using: &generator) }
        }

        private func makeSample(in folder: TestFolder, messages: Int) async throws -> String {
            try await makeSampleMaildir(at: folder.file("Maildir"), messages: messages)
        }
    }
}

/// Fills a Maildir++ with the sample account and answers its path.
func makeSampleMaildir(at path: String, messages: Int, seed: Int = 5) async throws -> String {
    let arguments = ["--out", path, "--messages", String(messages), "--seed", String(seed)]
    try await ProcessCommand("python3", [Repository.script("make-demo-account")] + arguments).runSuccessfully()
    return path
}

/// SplitMix64: the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
