import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Bounded memory, a clear error, and nothing outside the target folder, whatever the server says.
    @Suite("malicious servers")
    struct MaliciousServerTests {
        struct Case: CustomTestStringConvertible, Sendable {
            let mode: String
            /// What `pull` may end with.
            let codes: Set<Int32>
            var isTLS = false
            var testDescription: String { mode }
        }

        static let cases = [
            Case(mode: "honest", codes: [0]),
            Case(mode: "honest", codes: [0], isTLS: true),
            Case(mode: "endless-line", codes: [3, 8]),
            Case(mode: "endless-greeting", codes: [3, 8]),
            Case(mode: "huge-literal", codes: [3, 8]),
            Case(mode: "endless-literal", codes: [3, 8]),
            Case(mode: "flood", codes: [0, 3, 8]),
            Case(mode: "wrong-tag", codes: [3, 8]),
            Case(mode: "hang-up", codes: [3, 8]),
            Case(mode: "garbage-after-starttls", codes: [8, 10], isTLS: true),
            Case(mode: "starttls-stripped", codes: [10], isTLS: true),
            Case(mode: "injected-after-starttls", codes: [0, 8, 10], isTLS: true),
            Case(mode: "nul-name", codes: [0, 3, 8]),
            Case(mode: "refuses-one", codes: [3]),
            Case(mode: "short-literal", codes: [3, 8]),
            Case(mode: "bye", codes: [8]),
            Case(mode: "uid-zero", codes: [0, 3, 8]),
            Case(mode: "million-mailboxes", codes: [0, 3, 8]),
            Case(mode: "deep-parentheses", codes: [0, 3, 8]),
            Case(mode: "lying-count", codes: [3, 8]),
        ]

        @Test("pull survives", arguments: cases)
        func survives(_ item: Case) async throws {
            try await with(item) { program, _ in
                var command = program.command(["pull", "--progress", "none"])
                // An endless answer may be refused by a limit or by the clock; it may not be swallowed.
                command.timeout = .seconds(60)
                if item.mode == "endless-literal" { command.killAfter = .seconds(5) }
                if item.mode == "million-mailboxes" { command.killAfter = .seconds(20) }
                let result = try await command.run()
                let isExpected =
                    result.exitCode.map(item.codes.contains) ?? (command.killAfter != nil && result.isKilled)
                #expect(isExpected, "\(item.mode): \(result.ending) timed out \(result.isTimedOut)\n\(result.errors)")
                #expect(result.peakResidentOctets < 400 << 20, "\(item.mode): \(result.peakResidentOctets >> 20) MiB")
                if result.exitCode.map({ $0 != 0 && $0 != 3 }) ?? false { #expect(!result.errors.isEmpty) }
                #expect(!result.errors.contains("secret") && !result.errors.contains("Fatal error"))
                try await program.expectClean()
            }
        }

        @Test("a message that cannot be read is quarantined with a reason, and the other one archived")
        func refused() async throws {
            try await with(Case(mode: "refuses-one", codes: [3])) { program, _ in
                let report = try await program.json([PullDocument].self, ["pull"], codes: [3])
                #expect(report.allSatisfy { $0.isBalanced && $0.archived == 1 })
                #expect(report.flatMap(\.quarantined).map(\.uid) == [1])
                #expect(report.flatMap(\.quarantined).allSatisfy { !$0.reason.isEmpty })
            }
        }

        @Test("what no server stores comes octet for octet when a server does give it")
        func oddMessages() async throws {
            try await with(Case(mode: "odd", codes: [0])) { program, port in
                let report = try await program.json([PullDocument].self, ["pull"])
                #expect(report.allSatisfy { $0.isBalanced && $0.quarantined.isEmpty })
                expectEqual(try await program.exported(), try await Dump.server(port: port))
                try await program.expectClean()
            }
        }

        @Test("no name of a mailbox leads out of the export folder", arguments: ["maildir", "mbox", "eml"])
        func names(format: String) async throws {
            try await with(Case(mode: "evil-names", codes: [0, 3])) { program, _ in
                try await program.run(["pull"], codes: [0, 3])
                let before = Set(TestFolder.files(below: program.folder.path))
                let target = program.folder.file("deep/er/export")
                try FileManager.default.createDirectory(
                    atPath: program.folder.file("deep/er"), withIntermediateDirectories: true)
                try await program.run(["export", "", "--to", "\(format):\(target)"], codes: [0, 3])
                let added = Set(TestFolder.files(below: program.folder.path)).subtracting(before)
                let strays = added.filter { name in
                    !["deep/er/export", "mail.archive/"].contains { name.hasPrefix($0) }
                }
                #expect(strays.isEmpty, "\(strays)")
                #expect(!FileManager.default.fileExists(atPath: "/escaped"))
                #expect(!FileManager.default.fileExists(atPath: "/absolute"))
                #expect(added.contains { $0.hasPrefix("deep/er/export") })
            }
        }

        @Test("a certificate nobody vouches for, or of another host, is exit code 10", .enabled(if: canRunDovecot))
        func certificates() async throws {
            var options = DovecotServer.Options()
            options.certificateNames = ["DNS:mail.example.org"]
            try await DovecotServer.with(options) { server in
                for authority in [nil, server.certificates.authority] {
                    for (security, port) in [("tls", server.tlsPort), ("starttls", server.port)] {
                        try await withArchive { program in
                            try await program.addAccount(port: port, security: security, authority: authority)
                            try await program.run(["pull"], codes: [10])
                        }
                    }
                }
            }
        }

        @Test("a pinned certificate is trusted, whoever vouches for it, and no other", .enabled(if: canRunDovecot))
        func pinned() async throws {
            var options = DovecotServer.Options()
            options.certificateNames = ["DNS:mail.example.org"]
            try await DovecotServer.with(options) { server in
                let fingerprint = try await ProcessCommand(
                    "openssl",
                    ["x509", "-in", server.certificates.certificate, "-noout", "-fingerprint", "-sha256"]
                ).runSuccessfully().output
                let digest = try #require(
                    fingerprint.split(separator: "=").last?.trimmingCharacters(in: .whitespacesAndNewlines))
                let other = "sha256:" + String(repeating: "0", count: 64)
                try await withArchive { program in
                    for (name, security, port) in [
                        ("tls", "tls", server.tlsPort), ("starttls", "starttls", server.port),
                    ] {
                        for (suffix, pin) in [("good", digest), ("bad", other)] {
                            try await program.run(
                                [
                                    "account", "add", name + suffix, "--host", "127.0.0.1", "--port", String(port),
                                    "--user",
                                    "anna", "--security", security, "--pin", pin, "--password-file",
                                    program.folder.file("password"),
                                ], opens: false)
                        }
                        let report = try await program.run(["account", "test", name + "good"], opens: false)
                        #expect(report.output.contains("login works") && report.output.contains("uses: "))
                        let refused = try await program.run(["pull", name + "bad"], codes: [10])
                        let known = digest.replacing(":", with: "").lowercased()
                        #expect(
                            refused.errors.contains("not the pinned one: it is sha256:\(known)"), "\(refused.errors)")
                    }
                    let wrong = try await program.run(
                        ["account", "add", "x", "--host", "x", "--user", "y", "--pin", "abc"], opens: false, codes: [64]
                    )
                    #expect(wrong.errors.contains("64 hexadecimal digits"))
                }
            }
        }

        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        private func with(_ item: Case, _ body: (MailarcProgram, Int) async throws -> Void) async throws {
            let server = try await MaliciousServer.start(item.mode, offersTLS: item.isTLS)
            do {
                try await withArchive { program in
                    try await program.addAccount(
                        port: server.port, security: item.isTLS ? "starttls" : "plain",
                        authority: server.certificates?.authority)
                    try await body(program, server.port)
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }
    }
}
