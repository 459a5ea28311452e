import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc watch` beside a real Dovecot: what happens there is in the archive soon after.
    @Suite("watch", .timeLimit(.minutes(10)))
    struct WatchTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        /// What a server offers, and what comes of it.
        struct Case: CustomTestStringConvertible, Sendable {
            let method: String
            /// `nil`: all that Dovecot has.
            let capabilities: String?
            var testDescription: String { method }
        }

        private static let rich =
            "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE NAMESPACE UIDPLUS CONDSTORE QRESYNC ESEARCH"
            + " LIST-EXTENDED LIST-STATUS SPECIAL-USE"
        static let cases = [
            Case(method: "notify", capabilities: nil), Case(method: "idle", capabilities: rich + " IDLE"),
            Case(method: "poll", capabilities: rich),
            // Neither modification sequences nor a listing with counters.
            Case(method: "poll", capabilities: "IMAP4rev1 UIDPLUS"),
        ]

        @Test(
            "what comes, changes and goes is archived, over an outage of the server too, until SIGTERM",
            .enabled(if: canRunDovecot), arguments: cases)
        func follows(_ item: Case) async throws {
            let options = item.capabilities.map(DovecotServer.Options.withCapabilities) ?? .init()
            var server = try await DovecotServer.start(options)
            do {
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await server.doveadm(["mailbox", "create", "-u", "anna", "Lists"])
                    try await deliver(server, "first", to: "INBOX")
                    try await watching(program, ["--interval", "1"]) { watch in
                        try await expect(program, "the first pull") { $0 == ["INBOX": 1, "Lists": 0] }

                        try await deliver(server, "second", to: "INBOX")
                        try await expect(program, "a delivered message") { $0["INBOX"] == 2 }
                        try await deliver(server, "third", to: "Lists")
                        try await expect(program, "a message in another mailbox") { $0["Lists"] == 1 }

                        try await server.doveadm(
                            ["flags", "add", "-u", "anna", "\\Flagged", "mailbox", "INBOX", "uid", "2"])
                        try await expectFlags(program)
                        try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "1"])
                        try await expect(program, "an expunge") { $0["INBOX"] == 1 }

                        // Sessions outlive the master: they are ended by name.
                        try await server.doveadm(["kick", "anna"])
                        await server.stop(keepsFolder: true)
                        server = try await server.restarted()
                        try await deliver(server, "fourth", to: "INBOX")
                        try await expect(program, "a message after the server was away") { $0["INBOX"] == 2 }
                        try await server.doveadm(["mailbox", "rename", "-u", "anna", "Lists", "Letters"])
                        try await expect(program, "a new name") { $0["Letters"] == 1 && $0["Lists"] == nil }
                        // It is in the archive before it is told.
                        try await wait("the word of it") { watch.outputSoFar.contains("renamed from Lists") }
                        #expect(watch.isRunning)
                    } ended: { events in
                        #expect(events.filter { $0.event == "watching" }.allSatisfy { $0.method == item.method })
                        #expect(events.count { $0.event == "watching" } >= 2, "\(events.map(\.text))")
                        let lost = events.filter { $0.event == "disconnected" }
                        #expect(!lost.isEmpty && lost.allSatisfy { ($0.retryAfter ?? 0) > 0 })
                        let archived = events.filter { $0.event == "archived" }
                        #expect(archived.contains { $0.mailbox == "Lists" && $0.new == 1 })
                        #expect(archived.contains { $0.mailbox == "INBOX" && ($0.flagChanges ?? 0) > 0 })
                        #expect(archived.contains { $0.mailbox == "INBOX" && ($0.expunged ?? 0) > 0 })
                        #expect(events.contains { $0.event == "noted" && $0.mailbox == "Letters" })
                        #expect(events.last?.event == "stopped")
                    }
                    try await program.expectClean()
                    try await program.run(["reconcile"])
                    guard item.method != "notify" else { return }
                    let missing = try await program.run(["watch", "--method", "notify"], codes: [64])
                    #expect(missing.errors.contains("--method auto"), "\(missing.errors)")
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        @Test(
            "only what was selected is watched, over TLS; another command may write meanwhile",
            .enabled(if: canRunDovecot))
        func selection() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(
                        port: server.tlsPort, security: "tls", authority: server.certificates.authority)
                    for name in ["Lists", "Other"] {
                        try await server.doveadm(["mailbox", "create", "-u", "anna", name])
                        try await deliver(server, name, to: name)
                    }
                    try await watching(program, ["--mailbox", "Li*", "--mailbox", "INBOX"]) { _ in
                        try await expect(program, "the selected mailbox") { $0["Lists"] == 1 && $0["Other"] == nil }
                        // An idle watch holds no lock.
                        try await program.run(["pull", "--mailbox", "Other"])
                        try await deliver(server, "more", to: "Lists")
                        try await expect(program, "the next one") { $0["Lists"] == 2 && $0["Other"] == 1 }
                    } ended: { events in
                        #expect(!events.contains { $0.mailbox == "Other" })
                    }
                }
            }
        }

        @Test(
            "what erasure and a new catalog change under an idle watch is no obstacle; several accounts are watched",
            .enabled(if: canRunDovecot))
        func besideOthers() async throws {
            var options = DovecotServer.Options()
            options.users = ["anna": "secret", "berta": "secret"]
            try await DovecotServer.with(options) { server in
                try await withArchive { program in
                    for user in ["anna", "berta"] {
                        try await program.addAccount(user, port: server.port, user: user)
                        try await server.deliver("Subject: one\r\n\r\nof \(user)\r\n", to: "INBOX", user: user)
                    }
                    try await watching(program, []) { _ in
                        try await wait("both accounts") { try await ids(program).count == 2 }
                        try await program.run(["erase", "--id", ids(program)[0], "--yes", "--basis", "test"])
                        try await program.run(["rebuild-catalog"])
                        for user in ["anna", "berta"] {
                            try await server.deliver("Subject: two\r\n\r\nto \(user)\r\n", to: "INBOX", user: user)
                        }
                        try await wait("mail after an erasure") { try await ids(program).count == 3 }
                    } ended: { events in
                        #expect(events.count { $0.event == "stopped" } == 2)
                        #expect(!events.contains { ["disconnected", "problem"].contains($0.event) }, "\(events)")
                    }
                    try await program.expectClean()
                }
            }
        }

        @Test("Cyrus is watched by IDLE and reconciled")
        func cyrus() async throws {
            guard let server = try await CyrusServer.start(fixtures: Repository.fixtures) else { return }
            do {
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    let folder = program.folder.file("messages")
                    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                    func append(_ subject: String) async throws {
                        try program.folder.write("messages/1.eml", "Subject: \(subject)\r\n\r\nbody\r\n")
                        try await ProcessCommand(
                            "python3",
                            [
                                Repository.script("imap-dump.py"), "--port", String(server.port), "--user", "anna",
                                "--password", "secret", "--append", folder, "--mailbox", "INBOX",
                            ]
                        ).runSuccessfully()
                    }
                    try await append("first")
                    try await watching(program, ["--interval", "2"]) { _ in
                        try await expect(program, "Cyrus: the first pull") { $0["INBOX"] == 1 }
                        for count in 2...4 {
                            try await append("number \(count)")
                            try await expect(program, "Cyrus: a new message") { $0["INBOX"] == count }
                        }
                    } ended: { events in
                        #expect(events.filter { $0.event == "watching" }.map(\.method) == ["idle"])
                        #expect(!events.contains { $0.event == "disconnected" }, "\(events)")
                    }
                    let text = try await program.run(["reconcile", "--deep", "--sample", "all"])
                    #expect(text.output.contains("test: equal"), "\(text.output)")
                }
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        @Test("stopped in the middle of a pull: exit code 0, nothing is lost", .enabled(if: canRunDovecot))
        func stoppedInPull() async throws {
            try await withSampleServer(messages: 300, seed: 6) { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    for _ in 0..<3 {
                        try await watching(program, []) { watch in
                            try await wait("the beginning") { watch.outputSoFar.contains("watching") }
                        } ended: { events in
                            #expect(events.last?.event == "stopped")
                        }
                        try await program.expectClean()
                    }
                    try await program.run(["pull"])
                    try await program.run(["reconcile"])
                    expectEqual(try await program.exported(), try await Dump.server(port: server.port))
                }
            }
        }

        @Test("as text it is a log; --quiet tells of trouble only", .enabled(if: canRunDovecot))
        func text() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await deliver(server, "first", to: "INBOX")
                    for isQuiet in [false, true] {
                        let watch = try program.command(["watch"] + (isQuiet ? ["--quiet"] : [])).start()
                        try await deliver(server, "quiet \(isQuiet)", to: "INBOX")
                        try await expect(program, "all of it") { $0["INBOX"] == (isQuiet ? 3 : 2) }
                        let result = try await watch.stop()
                        #expect(result.exitCode == 0, "\(result.errors)")
                        #expect(result.output.isEmpty == isQuiet && result.errors.isEmpty, "\(result.output)")
                        guard !isQuiet else { continue }
                        let lines = result.output.split(separator: "\n")
                        #expect(lines.first?.hasSuffix("Z test: watching by notify") == true, "\(lines)")
                        #expect(lines.contains { $0.contains("Z test INBOX: ") && $0.hasSuffix(" new") }, "\(lines)")
                        #expect(lines.last?.hasSuffix("Z test: stopped") == true, "\(lines)")
                    }
                }
            }
        }

        @Test("a wrong password ends it at once; a server that is not there does not", .enabled(if: canRunDovecot))
        func failures() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.run(["watch"], codes: [12])
                    try await program.addAccount("wrong", port: server.port, user: "nobody")
                    let result = try await program.run(["watch", "wrong"], codes: [9])
                    #expect(result.errors.contains("→"), "\(result.errors)")
                    try await program.run(["watch", "wrong", "--method", "pigeon"], codes: [64])
                    try await program.run(["watch", "wrong", "--interval", "0"], codes: [64])
                    try await program.addAccount("away", port: try Loopback.freePorts(1)[0])
                    try await watching(program, ["away"], SIGINT) { watch in
                        try await wait("an attempt") { watch.outputSoFar.contains("disconnected") }
                        // It cannot have given up, for only the signal ends it.
                        #expect(watch.isRunning)
                    } ended: { events in
                        #expect(events.allSatisfy { ["disconnected", "stopped"].contains($0.event) })
                    }
                }
            }
        }

        // MARK: The archive, asked until it is so

        private struct Mailbox: Decodable {
            let mailbox: String
            let messages: Int
        }
        private struct Message: Decodable {
            let id: String
            let flags: [String]
        }

        private func ids(_ program: MailarcProgram) async throws -> [String] {
            guard try await !program.json([Mailbox].self, ["list"]).isEmpty else { return [] }
            return try await program.json([Message].self, ["list", "--mailbox", "INBOX"]).map(\.id)
        }

        private func expect(
            _ program: MailarcProgram, _ label: String, _ isSo: ([String: Int]) -> Bool
        ) async throws {
            try await wait(label) {
                let rows = try await program.json([Mailbox].self, ["list"])
                return isSo(Dictionary(uniqueKeysWithValues: rows.map { ($0.mailbox, $0.messages) }))
            }
        }

        private func expectFlags(_ program: MailarcProgram) async throws {
            try await wait("a changed flag") {
                try await program.json([Message].self, ["list", "--mailbox", "INBOX"])
                    .contains { $0.flags.contains { $0.lowercased().contains("flagged") } }
            }
        }

        private func deliver(_ server: DovecotServer, _ subject: String, to mailbox: String) async throws {
            try await server.deliver("Subject: \(subject)\r\nMessage-ID: <\(subject)@x>\r\n\r\nbody\r\n", to: mailbox)
        }
    }
}
