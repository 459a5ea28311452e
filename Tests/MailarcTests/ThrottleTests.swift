import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// `--max-rate` and the like, on a real Dovecot.
    @Suite("limits of sync", .timeLimit(.minutes(4)))
    struct ThrottleTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "a day's octets hold over runs: partial, with a line that says so, and nothing doubled",
            .enabled(if: canRunDovecot))
        func daily() async throws {
            try await withSampleServer(messages: 30, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let source = try await Dump.server(port: server.port)
                let limits = ["--daily-bytes", "20K", "--max-rate", "4M"]
                let first = try await program.run(line(program) + limits, opens: false, codes: [18])
                #expect(first.output.contains("PAUSED the octets of this day are used up"), "\(first.output)")
                let copied = try await Dump.maildir(program.folder.file("mail")).count
                #expect(copied > 0 && copied < source.count)
                let second = try await program.run(line(program) + limits + ["--json"], opens: false, codes: [18])
                #expect(second.output.contains("\"pause\":\"the octets"))
                #expect(try await Dump.maildir(program.folder.file("mail")).count <= copied + 1)
                try await program.run(line(program), opens: false)
                expectEqual(try await Dump.maildir(program.folder.file("mail")), source)
            }
        }

        @Test("messages per second are kept to", .enabled(if: canRunDovecot))
        func rate() async throws {
            try await withSampleServer(messages: 20, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let count = try await Dump.server(port: server.port).count
                let clock = ContinuousClock()
                let start = clock.now
                try await program.run(line(program) + ["--max-messages-per-second", "10"], opens: false)
                // A burst of ten, and the last batch need not be waited for.
                #expect(clock.now - start >= .milliseconds(max(0, count - 20) * 100))
                #expect(try await Dump.maildir(program.folder.file("mail")).count == count)
            }
        }

        @Test("what is no limit is refused in one line")
        func refusals() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let cases: [([String], String)] = [
                (["--max-rate", "fast"], "not a size"), (["--max-rate", "0"], "not a size"),
                (["--max-messages-per-second", "0"], "above 0"), (["--source-provider", "nobody"], "gmail"),
                (["--destination-provider", "hotmail"], "m365"),
            ]
            for (arguments, words) in cases {
                let result = try await program.run(line(program) + arguments, opens: false, codes: [64])
                #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
            }
        }

        private func line(_ program: MailarcProgram) -> [String] {
            [
                "sync", "test", "maildir:\(program.folder.file("mail"))", "--strategy", "copy", "--state",
                program.folder.file("state"),
            ]
        }
    }
}
