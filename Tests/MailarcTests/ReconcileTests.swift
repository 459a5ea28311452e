import Foundation
import MailarcTesting
import Testing

struct ReconcileDocument: Decodable {
    struct Mailbox: Decodable {
        let mailbox: String
        let uidValidity: UInt32?
        let server, archived, matched, explained, pending, unaccounted, comparedSizes, comparedContents: Int
    }
    struct Difference: Decodable {
        let mailbox, reason, standing, uids: String
        let messages: Int
        let cause: String?
    }
    let account, outcome: String
    let mailboxes: [Mailbox]
    let differences: [Difference]

    func total(_ count: (Mailbox) -> Int) -> Int { mailboxes.reduce(0) { $0 + count($1) } }
    func reasons(_ mailbox: String? = nil) -> [String] {
        differences.filter { mailbox == nil || $0.mailbox == mailbox }.map(\.reason)
    }
    /// On every mailbox: what the server has is matched, or told.
    var isBalanced: Bool {
        mailboxes.allSatisfy { $0.server == $0.matched + $0.explained + $0.pending + $0.unaccounted }
    }
}

extension EndToEnd {
    /// `mailarc reconcile` against a real Dovecot: every kind of difference by its reason code.
    @Suite("reconcile", .timeLimit(.minutes(6)))
    struct ReconcileTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        @Test(
            "after a pull all is equal, with and without ESEARCH, and octets too", .enabled(if: canRunDovecot),
            arguments: [nil, "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS"])
        func equal(_ capabilities: String?) async throws {
            let options = capabilities.map(DovecotServer.Options.withCapabilities) ?? .init()
            try await withSampleServer(messages: 60, seed: 3, options: options) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let pull = try await program.json([PullDocument].self, ["pull"])
                    let before = try await Dump.server(port: server.port)
                    let report = try await reconcile(program, ["--deep", "--sample", "all"])
                    #expect(report.outcome == "equal" && report.isBalanced && report.differences.isEmpty)
                    #expect(report.total(\.server) == before.count && report.total(\.matched) == pull[0].archived)
                    #expect(report.total(\.comparedSizes) == before.count, "\(report)")
                    #expect(report.total(\.comparedContents) == before.count)
                    expectEqual(try await Dump.server(port: server.port), before, "reading changed the server:")
                    let text = try await program.run(["reconcile"])
                    #expect(text.output.contains("test: equal"), "\(text.output)")
                    let quiet = try await program.run(["reconcile", "--quiet"])
                    #expect(quiet.output.isEmpty)
                }
            }
        }

        @Test("what came, went, was renamed or left out since the pull has its reason", .enabled(if: canRunDovecot))
        func differences() async throws {
            try await withServer(["INBOX": 4, "Old": 2, "Lists": 3]) { server, program in
                try await program.run(["pull"])
                try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "2"])
                try await save(server, 1, in: "INBOX")
                try await server.doveadm(["mailbox", "delete", "-u", "anna", "Old"])
                try await server.doveadm(["mailbox", "create", "-u", "anna", "Fresh"])
                try await save(server, 2, in: "Fresh")

                let all = try await reconcile(program, codes: [19])
                #expect(all.outcome == "unaccounted" && all.isBalanced, "\(all)")
                #expect(Set(all.reasons("INBOX")) == ["new-since-pull", "gone-on-server"], "\(all.differences)")
                #expect(all.differences.first { $0.reason == "new-since-pull" }?.uids == "5")
                #expect(all.differences.first { $0.reason == "gone-on-server" }?.uids == "2")
                #expect(all.reasons("Old") == ["mailbox-gone-on-server"] && all.reasons("Lists").isEmpty)
                #expect(all.reasons("Fresh") == ["mailbox-not-archived"])

                let some = try await reconcile(program, ["--mailbox", "INBOX", "--mailbox", "Li*"], codes: [3])
                #expect(some.outcome == "pending" && some.reasons("Fresh") == ["excluded-by-selection"])
                let text = try await program.run(["reconcile"], codes: [19])
                #expect(text.output.contains("UNACCOUNTED mailbox-not-archived Fresh"), "\(text.output)")
                #expect(text.output.contains("PENDING new-since-pull INBOX UID 5 (1 message)"), "\(text.output)")

                try await program.run(["pull"])
                let after = try await reconcile(program)
                #expect(after.outcome != "unaccounted" && after.outcome != "pending", "\(after.differences)")
            }
        }

        @Test("a message the last pull went past and did not archive is unaccounted for", .enabled(if: canRunDovecot))
        func missing() async throws {
            try await withServer(["INBOX": 5]) { server, program in
                try await program.run(["pull"])
                let ids = try await program.json([Row].self, ["list", "--mailbox", "INBOX"]).map(\.id)
                #expect(ids.count == 5)
                // The only way mail leaves the archive; without the state nothing says any more that it was erased.
                try await program.run(["erase", "--id", ids[2], "--yes", "--basis", "test"])
                let erased = try await reconcile(program)
                #expect(erased.outcome == "explained" && erased.reasons() == ["erased-here"], "\(erased)")
                #expect(erased.isBalanced && erased.total(\.explained) == 1)
                try FileManager.default.removeItem(atPath: program.archive + "/state")
                let report = try await reconcile(program, codes: [19])
                #expect(report.reasons() == ["not-archived"] && report.isBalanced, "\(report)")
                #expect(report.total(\.unaccounted) == 1 && report.total(\.matched) == 4)
                #expect(!FileManager.default.fileExists(atPath: program.archive + "/state/state.db"))
                _ = server
            }
        }

        @Test("another UIDVALIDITY: no UID means what it meant, until the next pull", .enabled(if: canRunDovecot))
        func uidValidity() async throws {
            try await withServer(["INBOX": 3, "Lists": 2]) { server, program in
                try await program.run(["pull"])
                try await server.doveadm(["mailbox", "update", "-u", "anna", "--uid-validity", "4242", "Lists"])
                let report = try await reconcile(program, codes: [19])
                #expect(Set(report.reasons("Lists")).isSuperset(of: ["uidvalidity-changed"]), "\(report)")
                #expect(report.reasons("INBOX").isEmpty && report.isBalanced)
                #expect(report.mailboxes.first { $0.mailbox == "Lists" }?.uidValidity == 4242)
                try await program.run(["pull"])
                #expect(try await reconcile(program).reasons("Lists").isEmpty)
            }
        }

        @Test("--deep finds other octets of the same size under the same UID", .enabled(if: canRunDovecot))
        func deep() async throws {
            try await withServer(["INBOX": 3]) { server, program in
                try await program.run(["pull"])
                let folder = server.mailFolder(of: "anna")
                let name = try #require(
                    TestFolder.files(below: folder).filter { $0.hasPrefix("cur/") || $0.hasPrefix("new/") }.sorted()
                        .last)
                let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
                try Data(text.replacingOccurrences(of: "body", with: "b0dy").utf8).write(
                    to: URL(fileURLWithPath: "\(folder)/\(name)"))
                try await server.adopt(user: "anna")
                #expect(try await reconcile(program).outcome == "equal")
                #expect(try await reconcile(program, ["--deep", "--sample", "0"]).total(\.comparedSizes) == 3)
                let report = try await reconcile(program, ["--deep", "--sample", "all"], codes: [19])
                #expect(report.reasons() == ["content-differs"] && report.isBalanced, "\(report)")
                // Which of the three the changed file is, its name does not say.
                #expect(["1", "2", "3"].contains(report.differences.first?.uids ?? ""))
                #expect(report.total(\.comparedContents) == 3)
            }
        }

        @Test("a message no pull could take is pending, with the pull's reason")
        func quarantined() async throws {
            let server = try await MaliciousServer.start("refuses-one", offersTLS: false)
            do {
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let pull = try await program.json([PullDocument].self, ["pull"], codes: [3])
                    let report = try await reconcile(program, codes: [3])
                    #expect(report.reasons() == ["quarantined"] && report.outcome == "pending", "\(report)")
                    #expect(report.differences.first?.cause == pull.first?.quarantined.first?.reason)
                    #expect(report.differences.first?.uids == "1" && report.isBalanced)
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        @Test("an unknown account and a server that is not there have their exit codes")
        func failures() async throws {
            try await withArchive { program in
                try await program.run(["reconcile"], codes: [12])
                try await program.run(["reconcile", "nobody"], codes: [12])
                try await program.addAccount(port: try Loopback.freePorts(1)[0])
                let result = try await program.run(["reconcile"], codes: [8])
                #expect(result.errors.contains("→"), "\(result.errors)")
                try await program.run(["reconcile", "--sample", "x"], codes: [64])
            }
        }

        private struct Row: Decodable {
            let id: String
        }

        private func reconcile(
            _ program: MailarcProgram, _ options: [String] = [], codes: Set<Int32> = [0],
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws -> ReconcileDocument {
            let reports = try await program.json(
                [ReconcileDocument].self, ["reconcile"] + options, codes: codes, sourceLocation: sourceLocation)
            return try #require(reports.first, sourceLocation: sourceLocation)
        }

        /// A server with these mailboxes of so many messages, and an archive that has the account configured.
        private func withServer(
            _ mailboxes: [String: Int], _ body: (DovecotServer, MailarcProgram) async throws -> Void
        ) async throws {
            try await DovecotServer.with { server in
                for (mailbox, count) in mailboxes.sorted(by: { $0.key < $1.key }) {
                    if mailbox != "INBOX" { try await server.doveadm(["mailbox", "create", "-u", "anna", mailbox]) }
                    try await save(server, count, in: mailbox)
                }
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await body(server, program)
                }
            }
        }

        private func save(_ server: DovecotServer, _ count: Int, in mailbox: String) async throws {
            for number in 0..<count {
                try await server.deliver(
                    "Subject: \(mailbox) \(number)\r\nMessage-ID: <\(UInt64.random(in: 0...(.max)))@x>\r\n\r\nbody\r\n",
                    to: mailbox)
            }
        }
    }
}
