import Foundation
import MailarcTesting
import Testing

/// What `compare --json` gives, as far as the tests look at it.
private struct ComparisonDocument: Decodable {
    struct Contender: Decodable {
        let id: String
        let version: String?
        let note: String?
    }
    struct Findings: Decodable {
        let lost: Int
        let duplicated: Int
        let altered: Int
        let details: [String]
    }
    struct Run: Decodable {
        struct Wire: Decodable {
            let octetsFromSource: Int
            let sourceCommands: [String]
            let sourceLog: [String]?
        }
        let label: String
        let exitCode: Int32
        let source: Findings
        let archive: Findings
        let archiveChanges: [String]
        let wire: Wire
    }
    struct Claim: Decodable {
        let text: String
        let agrees: Bool
    }
    struct Outcome: Decodable {
        let contender: String
        let scenario: String
        let problem: String?
        let runs: [Run]
        let claims: [Claim]
    }
    struct Performance: Decodable {
        struct Row: Decodable {
            let contender: String
            let phase: String
            let isComplete: Bool
            let exitCodes: [Int32]
            let serverSeconds: [Double]
        }
        let cyrus: String?
        let rows: [Row]
    }
    struct Rating: Decodable {
        struct Row: Decodable { let contender: String }
        let rows: [Row]
    }
    let date: String
    let contenders: [Contender]
    let outcomes: [Outcome]
    let performance: Performance?
    let rating: Rating?

    func runs(_ contender: String, _ scenario: String) throws -> [Run] {
        let outcome = try #require(outcomes.first { $0.contender == contender && $0.scenario == scenario })
        #expect(outcome.problem == nil)
        return outcome.runs
    }
}

extension EndToEnd {
    /// `mailarc compare` with the tools that the tests' packages bring.
    @Suite(
        "compare", .timeLimit(.minutes(6)),
        .enabled(if: DovecotServer.reasonNotRunnable == nil, "dovecot is not installed"))
    struct CompareTests {
        private static let contenders = ["mailarc-one-way", "doveadm-backup", "doveadm-sync1"]
        private static let scenarios = ["expunge-in-archive", "new-in-both", "killed"]

        private static var selection: [String] {
            contenders.flatMap { ["--contender", $0] } + scenarios.flatMap { ["--scenario", $0] }
        }

        /// Not an archive's command: only `--json` and the options of its own.
        private func compare(
            _ program: MailarcProgram, _ arguments: [String], codes: Set<Int32> = [0]
        ) async throws -> ProcessResult {
            try await program.run(["compare"] + arguments, opens: false, codes: codes)
        }

        private func document(_ result: ProcessResult) throws -> ComparisonDocument {
            struct Envelope: Decodable {
                let schema: Int
                let result: ComparisonDocument
            }
            return try JSONDecoder().decode(Envelope.self, from: Data(result.standardOutput)).result
        }

        private func behaviour(
            _ program: MailarcProgram, of contenders: [String], in scenarios: [String]
        ) async throws -> ComparisonDocument {
            let selection = contenders.flatMap { ["--contender", $0] } + scenarios.flatMap { ["--scenario", $0] }
            return try document(try await compare(program, selection + ["--only", "behaviour", "--json"]))
        }

        @Test("known failures of real tools are seen, mailarc keeps every message, and a report goes on")
        func behaviour() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let saved = program.folder.file("compare.json")
            let page = program.folder.file("compare.html")
            let text = program.folder.file("compare.md")
            let parts = ["--only", "behaviour", "--only", "rating", "--resume", saved]
            let result = try await compare(
                program, parts + Self.selection + ["--html", page, "--markdown", text, "--json"])
            let report = try document(result)

            for scenario in Self.scenarios {
                for run in try report.runs("mailarc-one-way", scenario) {
                    for side in [run.source, run.archive] {
                        #expect(side.lost + side.duplicated + side.altered == 0, "\(scenario): \(side.details)")
                    }
                }
            }
            // It empties the archive's INBOX for good where a message was expunged there.
            let emptied = try report.runs("doveadm-backup", "expunge-in-archive")
            #expect(emptied.dropFirst().allSatisfy { $0.exitCode == 65 && $0.archive.lost == 5 })
            // It copies the source's message once more in every run where both got one.
            let doubled = try report.runs("doveadm-sync1", "new-in-both")
            #expect(doubled.map(\.archive.duplicated) == [0, 0, 1, 3])
            let claims = try #require(report.outcomes.first { $0.contender == "doveadm-sync1" && !$0.claims.isEmpty })
            #expect(!claims.claims.contains { !$0.agrees })
            #expect(emptied.first?.wire.sourceCommands.contains { $0.hasSuffix("FETCH") } ?? false)
            #expect((emptied.first?.wire.octetsFromSource ?? 0) > 1_000)

            #expect(report.rating?.rows.count == Self.contenders.count)
            #expect(result.errors.split(separator: "\n").count == 9, "a line for each cell: \(result.errors)")
            try await expectGoesOn(program, parts, report)
            try expectForms(page, text)
        }

        @Test("what goes wrong at a server or in a run is told, and costs no other message")
        func faults() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let contenders = ["mailarc-two-way", "mailarc-copy"]
            let scenarios = ["rename-mailbox-in-both", "draft-replaced", "refused", "cannot-open", "expunged-in-run"]
            let report = try await behaviour(program, of: contenders, in: scenarios)
            for contender in contenders {
                for scenario in scenarios {
                    let runs = try report.runs(contender, scenario)
                    for side in runs.flatMap({ [$0.source, $0.archive] }) {
                        #expect(
                            side.lost + side.duplicated + side.altered == 0,
                            "\(contender), \(scenario): \(side.details)")
                    }
                    let log = try #require(runs.first { $0.label == "after" }?.wire.sourceLog)
                    #expect(log.contains { $0.contains(" C: ") } && log.contains { $0.contains(" S: ") })
                    #expect(log.allSatisfy { !$0.contains("AUTHENTICATE") || $0.hasSuffix("…") })
                }
                let refused = try report.runs(contender, "refused")
                #expect(refused.map { $0.exitCode == 0 } == [true, false, false, false], "\(refused.map(\.exitCode))")
                let closed = try report.runs(contender, "cannot-open")
                #expect(closed.map { $0.exitCode == 0 } == [true, false, true, true], "\(closed.map(\.exitCode))")
            }
        }

        @Test("a channel, and tools that fetch or keep two accounts in step, are run, too")
        func otherWays() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let contenders = ["postfix-bcc", "offlineimap", "fetchmail", "getmail"]
            let scenarios = ["new-in-source", "expunge-in-source"]
            let report = try await behaviour(program, of: contenders, in: scenarios)
            for contender in contenders {
                let entry = try #require(report.contenders.first { $0.id == contender })
                guard entry.version != nil, entry.note == nil else {
                    print("not run: \(contender): \(entry.note ?? "not installed")")
                    continue
                }
                for scenario in scenarios {
                    for run in try report.runs(contender, scenario) {
                        let (source, archive) = (run.source, run.archive)
                        let told = "\(contender): \(source.details + archive.details)"
                        #expect(source.lost + source.duplicated + source.altered == 0, "\(told)")
                        #expect(archive.lost + archive.duplicated == 0 && run.exitCode == 0, "\(told)")
                        // getmail puts a field into the header that names the mailbox.
                        #expect(contender == "getmail" || archive.altered == 0, "\(told)")
                    }
                }
            }
        }

        @Test("everything is copied from a Cyrus, too")
        func cyrus() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let fetched = try await ProcessCommand(Repository.script("fetch-cyrus"), [CyrusServer.cache]).run()
            guard fetched.isSuccess else { return print("not run: \(fetched.output)") }
            let contenders = ["mailarc-copy", "doveadm-backup", "mbsync"].flatMap { ["--contender", $0] }
            let result = try await program.run(
                ["compare", "--only", "performance", "--scale", "0.001", "--repeat", "1", "--json"] + contenders,
                opens: false, environment: ["MAILARC_CYRUS": CyrusServer.cache + "/root"])
            let measured = try #require(try document(result).performance)
            #expect(measured.cyrus?.hasPrefix("Cyrus IMAP 3") ?? false)
            let rows = measured.rows.filter { $0.phase == "cyrus" }
            #expect(rows.count == 3 && rows.allSatisfy { $0.isComplete && $0.exitCodes == [0] }, "\(rows)")
            #expect(rows.allSatisfy { ($0.serverSeconds.first ?? 0) > 0 }, "\(rows)")
        }

        /// What a browser shows of a page.
        private struct Shown: Decodable {
            let width: Int
            let contentWidth: Int
            let tables: Int
            let charts: Int
            let headings: Int
            let background: String
            let console: [String]
        }

        @Test(
            "a whole report is readable on a telephone and on a screen, light and dark",
            .enabled(if: findExecutable("chromium") != nil, "not run: chromium is not installed"))
        func readable() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let page = program.folder.file("compare.html")
            _ = try await compare(
                program,
                [
                    "--contender", "doveadm-backup", "--contender", "mailarc-copy", "--contender", "mailarc-archive",
                    "--scenario", "new-in-source", "--scale", "0.001", "--repeat", "1", "--html", page,
                ])
            var backgrounds: Set<String> = []
            for (width, theme) in [(375, []), (375, ["--dark"]), (1440, []), (1440, ["--dark"])] {
                let command = ProcessCommand(
                    "python3", [Repository.script("browse-page"), page, "\(width)"] + theme)
                let result = try await command.runSuccessfully()
                let shown = try JSONDecoder().decode(Shown.self, from: Data(result.standardOutput))
                #expect(shown.console.isEmpty, "\(shown.console)")
                #expect(shown.width == width && shown.contentWidth == width, "\(shown)")
                #expect(shown.tables >= 9 && shown.charts >= 3 && shown.headings >= shown.tables, "\(shown)")
                backgrounds.insert(shown.background)
            }
            #expect(backgrounds.count == 2, "light and dark look the same")
        }

        /// Nothing is run again that is in the saved report, and it can be shown anew.
        private func expectGoesOn(
            _ program: MailarcProgram, _ parts: [String], _ report: ComparisonDocument
        ) async throws {
            let saved = parts.last ?? ""
            let again = try await compare(program, parts + Self.selection + ["--json"])
            let repeated = try document(again)
            #expect(repeated.date == report.date && again.errors.isEmpty, "\(again.errors)")
            let shown = try await compare(program, ["--from", saved, "--weights", "archive=3"])
            #expect(shown.output.contains("doveadm backup") && shown.output.contains("weighted mean"))
        }

        private func expectForms(_ page: String, _ text: String) throws {
            let markdown = try String(contentsOfFile: text, encoding: .utf8)
            #expect(markdown.contains("growing with each run") && markdown.contains("## Rating"))
            let html = try String(contentsOfFile: page, encoding: .utf8)
            #expect(html.contains("id=\"c-doveadm-sync1-new-in-both\"") && !html.contains("/tmp/"))
        }

        @Test("an ordinary user can run it", .enabled(if: geteuid() == 0, "not started as root"))
        func unprivileged() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let path = try #require(MailarcProgram.path)
            // A user that no service has, and a copy of the program where everybody may read it.
            let copy = program.folder.file("mailarc")
            // By another process: one that is started here meanwhile would have the copy open for writing.
            try await ProcessCommand("cp", [path, copy]).runSuccessfully()
            var command = ProcessCommand(
                "setpriv",
                [
                    "--reuid=games", "--regid=games", "--clear-groups", copy, "compare", "--only", "behaviour",
                    "--contender", "mailarc-copy", "--contender", "doveadm-backup", "--scenario", "new-in-source",
                    "--json",
                ])
            command.environment = ["HOME": program.folder.path, "TMPDIR": "/tmp", "LLVM_PROFILE_FILE": "/dev/null"]
            let result = try await command.run()
            #expect(result.isSuccess, "\(result.errors)")
            let report = try document(result)
            for contender in ["mailarc-copy", "doveadm-backup"] {
                for run in try report.runs(contender, "new-in-source") {
                    #expect(run.exitCode == 0 && run.archive.lost == 0, "\(contender): \(run.archive.details)")
                }
            }
        }

        @Test(
            "what makes no sense is told in a line",
            arguments: [
                (["--contender", "nobody"], "mailarc-one-way"), (["--scenario", "nothing-at-all"], "new-in-source"),
                (["--weights", "beauty=1"], "installation"), (["--only", "speed"], "behaviour"),
                (["--scale", "0"], "scale"),
                (["--from", "REPORT"], "not a report"),
            ])
        func badInput(arguments: [String], word: String) async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let text = try program.folder.write("empty.json", "{}")
            let result = try await compare(program, arguments.map { $0 == "REPORT" ? text : $0 }, codes: [64])
            #expect(result.errors.contains(word), "\(result.errors)")
        }

        @Test("a list of who could take part and what could happen")
        func list() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            let result = try await compare(program, ["--list"])
            let words = [
                "mailarc-two-way", "doveadm-sync1-tcp", "imapsync", "mbsync", "postfix-bcc", "uidvalidity", "killed",
            ]
            for word in words {
                #expect(result.output.contains(word))
            }
        }
    }
}
