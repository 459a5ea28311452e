import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// The reader written from the format's documents alone opens what the binary wrote.
    @Suite("the independent reader")
    struct ReaderTests {
        static let reader = Repository.fixtures + "/reader/mailarc_reader.py"

        /// A Python that has the packages the reader needs: the first on PATH, else the distribution's.
        static let python: String? = ["python3", "/usr/bin/python3"].first { candidate in
            let probe = try? ProcessCommand(candidate, ["-c", "import cryptography, zstandard"]).runBlocking()
            return probe?.isSuccess ?? false
        }

        @Test("it checks an archive and extracts every message octet for octet")
        func extracts() async throws {
            guard let python = Self.python else {
                print("not run: no Python with cryptography and zstandard")
                return
            }
            try await withArchive { program in
                let maildir = try await makeSampleMaildir(at: program.folder.file("source"), messages: 80)
                try await program.run(["import", "maildir:\(maildir)", "--account", "old"])
                let open = [Self.reader, program.archive, "--key-file", program.folder.file("key")]
                try await ProcessCommand(python, open + ["check"]).runSuccessfully()
                let target = program.folder.file("extracted")
                try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
                try await ProcessCommand(python, open + ["extract", target]).runSuccessfully()
                let digests = { (path: String) async throws -> Set<String> in
                    let script =
                        "cd \"$1\" && find . -type f ! -name 'dovecot*' ! -name subscriptions ! -name maildirfolder"
                    let arguments = ["-c", script + " -exec sha256sum {} + | cut -c1-64 | sort -u", "sh", path]
                    let output = try await ProcessCommand("sh", arguments).runSuccessfully().output
                    return Set(output.split(separator: "\n").map(String.init))
                }
                #expect(try await digests(target) == digests(maildir))
            }
        }
    }

    /// What a newcomer sees first.
    @Suite("the demo")
    struct DemoTests {
        @Test("it runs to its end and leaves nothing behind", .enabled(if: canRun))
        func demo() async throws {
            let before = try leftovers()
            var command = ProcessCommand(Repository.script("demo"), [MailarcProgram.path ?? ""])
            command.timeout = .seconds(120)
            let result = try await command.run()
            #expect(result.isSuccess, "\(result.ending)\n\(result.output)\(result.errors)")
            #expect(result.output.contains("equal: 320 messages in 14 mailboxes"))
            #expect(try leftovers() == before)
        }

        static let canRun = DovecotServer.reasonNotRunnable == nil

        private func leftovers() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.hasPrefix("mailarc-demo-") }
                .sorted()
        }
    }
}
