import Foundation
import Glibc
import MailarcTesting
import Testing

extension EndToEnd {
    /// `mailarc watch SOURCE DESTINATION --strategy …`: two stores are kept in step until SIGTERM.
    @Suite("watch between two stores", .timeLimit(.minutes(8)))
    struct PairWatchTests {
        static let canRunDovecot = DovecotServer.reasonNotRunnable == nil

        /// What a server offers, and what comes of it.
        struct Case: CustomTestStringConvertible, Sendable {
            let method: String
            /// `nil`: all that Dovecot has.
            let capabilities: String?
            var kind = "maildir"
            var testDescription: String { "\(method), \(kind)" }
        }

        private static let rich =
            "IMAP4rev1 SASL-IR LITERAL+ ID ENABLE NAMESPACE UIDPLUS CONDSTORE QRESYNC ESEARCH"
            + " LIST-EXTENDED LIST-STATUS SPECIAL-USE"
        static let cases = [
            Case(method: "notify", capabilities: nil), Case(method: "idle", capabilities: rich + " IDLE"),
            Case(method: "poll", capabilities: rich),
        ]

        @Test(
            "what happens on either side happens on the other, over an outage of the server too",
            .enabled(if: canRunDovecot), arguments: cases)
        func follows(_ item: Case) async throws {
            let options = item.capabilities.map(DovecotServer.Options.withCapabilities) ?? .init()
            var server = try await DovecotServer.start(options)
            let program = try MailarcProgram()
            defer { program.remove() }
            do {
                try await program.addAccount(port: server.port)
                try await server.doveadm(["mailbox", "create", "-u", "anna", "Lists"])
                for subject in ["first", "second"] { try await deliver(server, subject, to: "INBOX") }
                try await watching(program, line(program) + ["--interval", "1"], opens: false) { watch in
                    try await wait("the first copy") { files(program).count == 2 }
                    try await deliver(server, "third", to: "INBOX")
                    try await wait("a delivered message") { files(program).count == 3 }

                    try place("from-here", in: "new", program)
                    try await wait("a message put into the Maildir") { try await count(server, "INBOX") == 4 }
                    let file = try #require(files(program).first { !$0.contains("F") })
                    try rename(file, by: "F", program)
                    try await wait("a flag set in the Maildir") { try await count(server, "INBOX", "FLAGGED") == 1 }
                    try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "uid", "2"])
                    try await wait("an expunge") { files(program).count == 3 }
                    try FileManager.default.removeItem(
                        atPath: program.folder.file(
                            "mail/" + (try #require(files(program).first { !$0.contains("F") }))))
                    try await wait("a removed file") { try await count(server, "INBOX") == 2 }
                    try place("in-a-new-folder", in: ".Fresh/new", program)
                    try await wait("a new folder of the Maildir") { try await count(server, "Fresh") == 1 }
                    try await deliver(server, "fourth", to: "Lists")
                    try await wait("a message in another mailbox") { files(program, "mail/.Lists").count == 1 }

                    try await server.doveadm(["kick", "anna"])
                    await server.stop(keepsFolder: true)
                    try place("while-the-server-is-away", in: "new", program)
                    server = try await server.restarted()
                    try await wait("what came here while the server was away") {
                        try await count(server, "INBOX") == 3
                    }
                    try await deliver(server, "fifth", to: "INBOX")
                    try await wait("a message after that") { files(program).count == 4 }
                    #expect(watch.isRunning)
                } ended: { events in
                    let armed = events.filter { $0.event == "watching" }
                    #expect(armed.filter { $0.side == "source" }.allSatisfy { $0.method == item.method })
                    #expect(armed.filter { $0.side == "destination" }.allSatisfy { $0.method == "inotify" })
                    #expect(armed.count { $0.side == "source" } >= 2, "\(events.map(\.text))")
                    let lost = events.filter { $0.event == "disconnected" }
                    #expect(!lost.isEmpty && lost.allSatisfy { ($0.retryAfter ?? 0) > 0 })
                    let synced = events.filter { $0.event == "synced" }
                    #expect(Set(synced.compactMap(\.side)) == ["source", "destination"])
                    #expect(synced.reduce(0) { $0 + ($1.new ?? 0) } == 8, "\(events.map(\.text))")
                    #expect(events.allSatisfy { $0.account.hasPrefix("test → maildir:") })
                    #expect(events.last?.event == "stopped")
                }
                expectEqual(
                    try await Dump.maildir(program.folder.file("mail")), try await Dump.server(port: server.port))
                await server.stop()
            } catch {
                await server.stop()
                throw error
            }
        }

        @Test("mbox files and a Maildir without any server, both ways")
        func files() async throws {
            let program = try MailarcProgram()
            defer { program.remove() }
            try place("first", in: "new", program)
            for folder in ["cur", "tmp"] { try makeFolder("mail/\(folder)", program) }
            try makeFolder("boxes", program)
            let ends = ["maildir:\(program.folder.file("mail"))", "mbox:\(program.folder.file("boxes"))"]
            let options = ends + ["--strategy", "two-way", "--state", program.folder.file("state")]
            func messages(_ name: String) -> Int {
                let text = (try? String(contentsOfFile: program.folder.file("boxes/\(name)"), encoding: .utf8)) ?? ""
                return ("\n" + text).components(separatedBy: "\nFrom ").count - 1
            }
            try await watching(program, options, opens: false) { _ in
                try await wait("the first copy") { messages("INBOX") == 1 }
                let file = program.folder.file("boxes/INBOX")
                let handle = try #require(FileHandle(forWritingAtPath: file))
                try handle.seekToEnd()
                try handle.write(
                    contentsOf: Data("From x@y Mon Jan  1 00:00:10 2024\nSubject: appended\n\nbody\n\n".utf8))
                try handle.close()
                try await wait("a message appended to an mbox") { files(program).count == 2 }
                try place("third", in: "new", program)
                try await wait("a message put into the Maildir") { messages("INBOX") == 3 }
            } ended: { events in
                #expect(events.count { $0.event == "watching" && $0.method == "inotify" } == 2, "\(events.map(\.text))")
                #expect(!events.contains { ["disconnected", "problem"].contains($0.event) }, "\(events.map(\.text))")
            }
        }

        @Test("many deletions are held, told once, and the watch goes on", .enabled(if: canRunDovecot))
        func guards() async throws {
            try await withSampleServer(messages: 60, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                try await program.addAccount(port: server.port)
                let before = try await Dump.server(port: server.port).count
                let all = { TestFolder.files(below: program.folder.file("mail")).filter(Self.isMessage) }
                try await watching(program, line(program), opens: false) { watch in
                    try await wait("the first copy") { all().count == before }
                    let victims = files(program).filter { $0.hasPrefix("cur/") }.dropFirst()
                    try #require(victims.count >= 12)
                    for file in victims {
                        try FileManager.default.removeItem(atPath: program.folder.file("mail/\(file)"))
                    }
                    try await wait("the word of the guard") { watch.outputSoFar.contains("\"held\"") }
                    try place("new-here", in: "new", program)
                    try await wait("a message after that") {
                        try await Dump.server(port: server.port).count >= before
                    }
                    for round in 1...2 {
                        try await deliver(server, "round \(round)", to: "INBOX")
                        try await wait("a message after that") {
                            all().contains { file in
                                let text = try? String(
                                    contentsOfFile: program.folder.file("mail/\(file)"), encoding: .isoLatin1)
                                return text?.contains("Subject: round \(round)") == true
                            }
                        }
                    }
                    #expect(watch.isRunning)
                } ended: { events in
                    let held = events.filter { $0.event == "held" }
                    #expect(held.count >= 1 && Set(held.map(\.text)).count == held.count, "\(held.map(\.text))")
                    #expect(held.allSatisfy { $0.text.contains("--allow-mass-delete") })
                    #expect(!events.contains { $0.event == "disconnected" }, "\(events.map(\.text))")
                }
            }
        }

        @Test("SIGTERM in the middle of a copy: exit code 0, and the next run goes on", .enabled(if: canRunDovecot))
        func stopped() async throws {
            try await withSampleServer(messages: 150, seed: 4) { server in
                let program = try MailarcProgram()
                defer { program.remove() }
                // So far away that the copy is still at it when the first message is there.
                let proxy = try await RoundTripProxy(to: server.port, delay: .milliseconds(400))
                try await program.addAccount(port: proxy.port)
                let expected = try await Dump.server(port: server.port)
                try await watching(program, line(program), opens: false) { _ in
                    try await wait("the first message") { !files(program).isEmpty }
                } ended: { events in
                    #expect(events.last?.event == "stopped")
                    #expect(!events.contains { $0.event == "disconnected" }, "\(events.map(\.text))")
                }
                try await program.run(["sync"] + line(program), opens: false)
                await proxy.stop()
                expectEqual(try await Dump.maildir(program.folder.file("mail")), expected)
                expectEqual(try await Dump.server(port: server.port), expected)
            }
        }

        @Test(
            "what is asked for wrongly ends it at once, in one line; an archive as destination is a pull",
            .enabled(if: canRunDovecot))
        func asked() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await program.addAccount("wrong", port: server.port, user: "nobody")
                    let tree = "maildir:\(program.folder.file("mail"))"
                    let state = ["--state", program.folder.file("state")]
                    let cases: [([String], Int32, String)] = [
                        (["wrong", tree, "--strategy", "backup"] + state, 9, "→"),
                        (["test", tree, "--strategy", "pigeon"], 64, "strategy"),
                        (["test", "--strategy", "backup"], 64, "SOURCE and DESTINATION"),
                        (["test", "--larger", "5K"], 64, "--strategy"),
                        (["test", tree, "--strategy", "two-way", "--bend", "delete-extra"], 64, "means nothing"),
                        (["archive:other", tree, "--strategy", "copy"] + state, 64, "no account other"),
                        ([tree, "archive:x", "--strategy", "backup"], 64, "from a timer"),
                        ([tree, tree + "/", "--strategy", "backup"] + state, 64, "are one"),
                    ]
                    for (arguments, code, words) in cases {
                        let result = try await program.run(["watch"] + arguments, codes: [code])
                        #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
                    }
                    try await deliver(server, "first", to: "INBOX")
                    try await watching(program, ["test", "archive:mine", "--strategy", "backup"]) { watch in
                        try await wait("a message in the archive") { watch.outputSoFar.contains("\"archived\"") }
                    } ended: { events in
                        #expect(events.contains { $0.event == "archived" && $0.account == "mine" && $0.new == 1 })
                    }
                    // As text, it is a log.
                    let watch = try program.command(["watch"] + line(program), opens: false).start()
                    try await wait("a line") { watch.outputSoFar.contains("destination is watched") }
                    let result = try await watch.stop()
                    #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
                    #expect(result.output.contains(" INBOX: 1 new in the destination"), "\(result.output)")
                }
            }
        }

        @Test(
            "an archive is an end as any other: what comes to it by another way goes on",
            .enabled(if: canRunDovecot))
        func archived() async throws {
            try await DovecotServer.with { server in
                try await withArchive { program in
                    try await program.addAccount(port: server.port)
                    try await deliver(server, "first", to: "INBOX")
                    try place("from-files", in: "new", program)
                    let copy = [
                        "sync", "maildir:\(program.folder.file("mail"))", "archive:kept", "--strategy", "copy",
                        "--state",
                        program.folder.file("state"),
                    ]
                    let line = ["test", "archive:kept", "--strategy", "two-way", "--interval", "1"]
                    try await watching(program, line) { watch in
                        try await wait("the archive is watched") {
                            watch.outputSoFar.contains("the destination is watched by inotify")
                        }
                        // The lock is free but while a sync lasts.
                        try await wait("another way in") { try await program.run(copy, codes: [0, 7]).exitCode == 0 }
                        try await wait("what came by it, on the server") { try await count(server, "INBOX") == 2 }
                        try await deliver(server, "third", to: "INBOX")
                        try await wait("a message after that, in the archive") {
                            try await program.json(StatisticsDocument.self, ["stats"]).messages == 3
                        }
                        try await server.doveadm(["expunge", "-u", "anna", "mailbox", "INBOX", "subject", "first"])
                        try await wait("an expunge, in the archive's view") {
                            try await program.exported("account:kept").count == 2
                        }
                    } ended: { events in
                        #expect(!events.contains { ["disconnected", "problem"].contains($0.event) })
                    }
                    expectEqual(
                        try await program.exported("account:kept"), try await Dump.server(port: server.port))
                }
            }
        }

        // MARK: helpers

        private func line(_ program: MailarcProgram) -> [String] {
            [
                "test", "maildir:\(program.folder.file("mail"))", "--strategy", "two-way", "--state",
                program.folder.file("state"),
            ]
        }

        private static func isMessage(_ path: String) -> Bool { path.contains("cur/") || path.contains("new/") }

        /// The messages of INBOX, or of another folder.
        private func files(_ program: MailarcProgram, _ folder: String = "mail") -> [String] {
            TestFolder.files(below: program.folder.file(folder)).filter { $0.hasPrefix("cur/") || $0.hasPrefix("new/") }
        }

        private func makeFolder(_ path: String, _ program: MailarcProgram) throws {
            try FileManager.default.createDirectory(
                atPath: program.folder.file(path), withIntermediateDirectories: true)
        }

        /// Puts a message into the Maildir as a delivery does: whole, by a rename.
        private func place(_ subject: String, in folder: String, _ program: MailarcProgram) throws {
            let parent = (folder as NSString).deletingLastPathComponent
            for name in ["cur", "new", "tmp"] { try makeFolder("mail/\(parent)/\(name)", program) }
            let written = try program.folder.write(
                "mail/\(parent)/tmp/1.\(subject).host", "Subject: \(subject)\r\n\r\nbody\r\n")
            try FileManager.default.moveItem(
                atPath: written, toPath: program.folder.file("mail/\(folder)/1.\(subject).host"))
        }

        private func rename(_ file: String, by flag: String, _ program: MailarcProgram) throws {
            let base = (file as NSString).lastPathComponent
            let name = base.contains(":2,") ? base + flag : base + ":2," + flag
            try FileManager.default.moveItem(
                atPath: program.folder.file("mail/\(file)"), toPath: program.folder.file("mail/cur/\(name)"))
        }

        private func count(_ server: DovecotServer, _ mailbox: String, _ key: String = "ALL") async throws -> Int {
            let result = try? await server.doveadm(["search", "-u", "anna", "mailbox", mailbox, key])
            return result?.output.split(separator: "\n").count ?? 0
        }

        private func deliver(_ server: DovecotServer, _ subject: String, to mailbox: String) async throws {
            try await server.deliver("Subject: \(subject)\r\nMessage-ID: <\(subject)@x>\r\n\r\nbody\r\n", to: mailbox)
        }
    }
}
