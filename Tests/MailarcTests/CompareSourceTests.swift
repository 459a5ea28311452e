import Foundation
import MailarcTesting
import Testing

/// What `compare --source ACCOUNT --read-only --json` gives, as far as the tests look at it.
private struct AssessmentDocument: Decodable {
    struct Survey: Decodable {
        struct Step: Decodable {
            let kind: String
            let roundTrips: Int
            let octets: Int
        }
        struct MessageIDs: Decodable {
            let looked: Int
            let missing: Int
            let repeated: Int
        }
        let mailboxes: Int
        let messages: Int
        let octets: Int
        let markedDeleted: Int
        let withoutModSeq: [String]
        let messageIDs: MessageIDs
        let sampleMessages: Int
        let steps: [Step]
    }
    struct DryRun: Decodable {
        let strategy: String
        let messages: Int
        let problem: String?
    }
    struct Estimate: Decodable {
        let nothingChangedRoundTrips: Int
        let firstCopySeconds: Double?
    }
    struct Advice: Decodable {
        struct Entry: Decodable {
            let strategy: String
            let verdict: String
            let reasons: [String]
        }
        let recommended: String
        let entries: [Entry]
        let remarks: [String]

        func entry(_ strategy: String) throws -> Entry { try #require(entries.first { $0.strategy == strategy }) }
    }
    let survey: Survey
    let dryRuns: [DryRun]
    let estimate: Estimate
    let advice: Advice
}

extension EndToEnd {
    /// `mailarc compare --source ACCOUNT --read-only` on a real server that notes every command.
    @Suite(
        "compare --source", .timeLimit(.minutes(3)),
        .enabled(if: DovecotServer.reasonNotRunnable == nil, "dovecot is not installed"))
    struct CompareSourceTests {
        /// 30 messages in INBOX, 10 in Work, of which two have one Message-ID, one has none, and one is to be expunged.
        private func fill(_ server: DovecotServer) async throws {
            let maildir = try server.makeMaildir(of: "anna")
            for number in 1...40 {
                let id = number == 7 ? "" : "Message-ID: <\(number == 9 ? 8 : number)@example.org>\n"
                let text = "From: a@example.org\nSubject: \(number)\n\(id)\nbody \(number)\n"
                try maildir.add(
                    Array(text.utf8), to: number > 30 ? "Work" : "INBOX", number: number,
                    info: number == 3 ? "ST" : "S")
            }
            try await server.adopt(user: "anna")
        }

        /// What a client sent, command by command: the server's own log of each session after its login.
        private func commands(_ folder: String) throws -> [String] {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".in") }
            return try names.flatMap { name in
                try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8).split(whereSeparator: \.isNewline)
                    .map { line in
                        // Time, tag, command.
                        let words = line.split(separator: " ").dropFirst(2).prefix(2).map { $0.uppercased() }
                        return words.first == "UID" ? words.joined(separator: " ") : words.first ?? ""
                    }
            }
        }

        private func assess(
            _ options: DovecotServer.Options, _ body: (AssessmentDocument, [String]) async throws -> Void
        ) async throws {
            let log = try TestFolder("rawlog", in: "/tmp")
            defer { log.remove() }
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: log.path)
            var options = options
            options.extraConfiguration += "protocol imap {\n  rawlog_dir = \(log.path)\n}\n"
            let program = try MailarcProgram()
            defer { program.remove() }
            try await DovecotServer.with(options) { server in
                try await fill(server)
                try await program.addAccount("work", port: server.port)
                let before = try await server.doveadm(["fetch", "-u", "anna", "mailbox uid flags guid", "ALL"]).output
                let files = TestFolder.files(below: program.folder.path)
                let result = try await program.run(
                    ["compare", "--source", "work", "--read-only", "--json"], opens: false)
                try await server.finishSessions()
                let after = try await server.doveadm(["fetch", "-u", "anna", "mailbox uid flags guid", "ALL"]).output
                #expect(before == after && before.contains("Work"))
                #expect(TestFolder.files(below: program.folder.path) == files, "files of the user changed")
                struct Envelope: Decodable { let result: AssessmentDocument }
                let document = try JSONDecoder().decode(Envelope.self, from: Data(result.standardOutput)).result
                try await body(document, try commands(log.path))
            }
        }

        private static let harmless: Set<String> = [
            "NOOP", "ID", "ENABLE", "NAMESPACE", "CAPABILITY", "LIST", "LSUB", "STATUS", "EXAMINE", "UNSELECT",
            "UID FETCH", "UID SEARCH", "LOGOUT",
        ]

        @Test("an account is measured and a strategy recommended, and no command that writes is sent")
        func reads() async throws {
            try await assess(DovecotServer.Options()) { document, commands in
                #expect(Set(commands).subtracting(Self.harmless).isEmpty, "\(Set(commands))")
                #expect(Set(commands).isSuperset(of: ["EXAMINE", "UID FETCH", "LIST"]), "\(commands)")
                let survey = document.survey
                #expect(survey.mailboxes == 2 && survey.messages == 40 && survey.markedDeleted == 1)
                #expect(survey.messageIDs.looked == 40 && survey.messageIDs.missing == 1)
                #expect(survey.messageIDs.repeated == 1 && survey.sampleMessages == 30)
                #expect(survey.steps.map(\.kind) == ["login", "listing", "metadata", "again", "message-ids", "sample"])
                #expect(survey.steps.allSatisfy { $0.roundTrips > 0 && $0.octets > 0 }, "\(survey.steps)")
                let (metadata, again) = (survey.steps[2], survey.steps[3])
                #expect(again.octets < metadata.octets)
                #expect(document.dryRuns.count == 5)
                #expect(document.dryRuns.allSatisfy { $0.messages == 40 && $0.problem == nil }, "\(document.dryRuns)")
                #expect(document.advice.recommended == "one-way" && survey.withoutModSeq.isEmpty)
                #expect(document.advice.remarks.contains { $0.hasPrefix("1 of 40 messages have no Message-ID") })
                let reasons = try document.advice.entry("one-way").reasons
                #expect(reasons.contains { $0.hasPrefix("QRESYNC") }, "\(reasons)")
                #expect(document.estimate.firstCopySeconds != nil)
                #expect(document.estimate.nothingChangedRoundTrips < 12)
            }
        }

        @Test("a server that can do little is told of as that")
        func poor() async throws {
            let poor = DovecotServer.Options.withCapabilities("IMAP4rev1 LITERAL+ NAMESPACE")
            try await assess(poor) { document, commands in
                #expect(Set(commands).subtracting(Self.harmless).isEmpty, "\(Set(commands))")
                let two = try document.advice.entry("two-way")
                #expect(two.verdict == "not advised" && two.reasons.contains { $0.contains("UIDPLUS") })
                #expect(document.survey.withoutModSeq.sorted() == ["INBOX", "Work"])
                let reasons = try document.advice.entry("one-way").reasons
                #expect(reasons.contains { $0.contains("no MODSEQ in 2 of 2 mailboxes") }, "\(reasons)")
                #expect(document.dryRuns.allSatisfy { $0.messages == 40 })
            }
        }

        @Test("as text it is a recommendation with reasons; what cannot be done is told in a line")
        func text() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            try await DovecotServer.with { server in
                try await fill(server)
                try await program.addAccount("work", port: server.port)
                let result = try await program.run(["compare", "--source", "work", "--read-only"], opens: false)
                for words in ["40 messages in 2 mailboxes", "one-way: recommended", "Dry runs", "round trip"] {
                    #expect(result.output.contains(words), "\(result.output)")
                }
                #expect(!result.output.contains("secret"))
            }
            let cases: [(arguments: [String], code: Int32, words: String)] = [
                (["--source", "work"], 64, "--read-only"), (["--read-only"], 64, "--source ACCOUNT"),
                (["--source", "work", "--read-only", "--html", "x.html"], 64, "--json"),
                (["--source", "nobody", "--read-only"], 12, "no account named nobody"),
            ]
            for (arguments, code, words) in cases {
                let result = try await program.run(["compare"] + arguments, opens: false, codes: [code])
                #expect(result.errors.contains(words), "\(result.errors)")
            }
        }
    }
}
