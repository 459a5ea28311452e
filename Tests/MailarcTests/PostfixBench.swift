import Foundation
import MailarcTesting
import Testing

/// Two Dovecots that a Postfix delivers to, and a pair of accounts for each cell of ``PostfixTable``.
struct PostfixBench: Sendable {
    let source, destination: DovecotServer
    let postfix: PostfixServer
    let gates: [DeliveryGate]
    let program: MailarcProgram

    private static var users: [String] {
        PostfixTable.rows.indices.flatMap { row in PostfixTable.strategies.indices.map { "r\(row)s\($0)" } }
    }

    /// Starts everything, hands it to `body`, and stops it however that ends.
    static func with(_ body: (PostfixBench) async throws -> Void) async throws {
        var options = DovecotServer.Options()
        options.users = Dictionary(uniqueKeysWithValues: users.map { ($0, "secret") })
        options.takesLMTP = true
        try await DovecotServer.with(options) { source in
            try await DovecotServer.with(options) { destination in
                let gates = [
                    try await DeliveryGate(to: source.lmtpPort), try await DeliveryGate(to: destination.lmtpPort),
                ]
                let postfix = try await PostfixServer.start(mail(gates))
                let program = try MailarcProgram()
                try program.writeAccounts(
                    users.flatMap { [("a-\($0)", source.port, $0), ("b-\($0)", destination.port, $0)] })
                let bench = PostfixBench(
                    source: source, destination: destination, postfix: postfix, gates: gates, program: program)
                do { try await body(bench) } catch {
                    await bench.stop()
                    throw error
                }
                await bench.stop()
            }
        }
    }

    /// Each user's mail goes to the first, a copy of it by another agent, which adds trace fields, to the second.
    private static func mail(_ gates: [DeliveryGate]) -> PostfixServer.Options {
        var options = PostfixServer.Options(archiveTransport: "traced:inet:127.0.0.1:\(gates[1].port)")
        options.ownTransport = "lmtp:inet:127.0.0.1:\(gates[0].port)"
        options.masterLines = "traced unix - - n - - lmtp flags=DOR"
        options.recipientBCC = users.map { "\($0)@lab.test \($0)@archive.test" }
        options.senderBCC = options.recipientBCC
        return options
    }

    private func stop() async {
        await postfix.stop()
        for gate in gates { await gate.stop() }
        program.remove()
    }

    /// What the servers said, for failures.
    var words: String { postfix.log.split(separator: "\n").suffix(20).joined(separator: "\n") }

    private func users(_ row: PostfixTable.Row) -> [String] {
        let number = PostfixTable.rows.firstIndex { $0.event == row.event } ?? 0
        return PostfixTable.strategies.indices.map { "r\(number)s\($0)" }
    }

    // MARK: Mail

    /// The octets of `key`, as a client hands them in.
    private static func message(_ key: String) -> [UInt8] {
        let lines = (1...20).map { "Line \($0) of \(key): äöü & more of the same.\r\n" }.joined()
        return Array(
            ("From: someone@example.org\r\nTo: owner@lab.test\r\nSubject: message \(key)\r\nMessage-ID: <\(key)@example.org>\r\n"
                + "Date: Mon, 23 Nov 2026 11:00:00 +0000\r\nMIME-Version: 1.0\r\n"
                + "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + lines).utf8)
    }

    /// By SHA-256 of the body.
    private static let keys: [String: String] = Dictionary(
        uniqueKeysWithValues: ["x", "y", "own"].map { key in
            let text = String(decoding: message(key), as: UTF8.self)
            let body = text.range(of: "\r\n\r\n").map { text[$0.upperBound...] } ?? ""
            return (EndToEnd.hex(Array(body.utf8)), key)
        })

    /// Sends a message to each of `users` and waits until it is where it may go.
    private func send(_ key: String, _ way: String, _ users: [String]) async throws -> [String] {
        struct Job: Encodable {
            struct Message: Encodable {
                let from: String
                let to: [String]
                let octets: Data
            }
            let port: Int
            let messages: [Message]
        }
        (gates[0].isOpen, gates[1].isOpen) = (way != "B", way != "A")
        let messages = users.map { user in
            Job.Message(
                from: ["self", "out"].contains(way) ? "\(user)@lab.test" : "someone@example.org",
                to: [way == "out" ? "someone@example.org" : "\(user)@lab.test"], octets: Data(Self.message(key)))
        }
        var command = ProcessCommand("python3", [Repository.script("smtp-send")])
        command.input = [UInt8](try JSONEncoder().encode(Job(port: postfix.port, messages: messages)))
        let ids = try JSONDecoder().decode(
            [String].self, from: Data(try await command.runSuccessfully().standardOutput))
        if way != "B", way != "out" { try await awaitDelivery(ids, to: "lab.test") }
        if way != "A" { try await awaitDelivery(ids, to: "archive.test") }
        return ids
    }

    private func awaitDelivery(_ ids: [String], to domain: String) async throws {
        try await wait("mail for \(domain)") { postfix.hasDelivered(ids, to: domain) }
    }

    // MARK: Rows

    /// Plays a row for every strategy at once.
    func play(_ row: PostfixTable.Row) async throws {
        let users = users(row)
        var held: [(ids: [String], domain: String)] = []
        for word in row.words {
            switch word {
            case "run":
                for report in try await runs(users) { #expect(report.outcome == "done", "\(row.event): \(report)") }
            case "release":
                for gate in gates { gate.isOpen = true }
                for (ids, domain) in held { try await awaitDelivery(ids, to: domain) }
                held = []
            case let word where word.contains("+"): try await append(word, users)
            default:
                let parts = word.split { $0 == ":" || $0 == "." }.map(String.init)
                let way = parts.count > 1 ? parts[1] : ""
                let ids = try await send(parts[0], way, users)
                if way == "A" { held.append((ids, "archive.test")) }
                if way == "B" { held.append((ids, "lab.test")) }
            }
        }
    }

    private func append(_ word: String, _ users: [String]) async throws {
        let parts = word.dropFirst(2).split(separator: "/").map(String.init)
        let port = word.hasPrefix("A") ? source.port : destination.port
        let step = PlayedStep(.append, parts[0], octets: Self.message(parts[1]), date: 1_600_000_000)
        let steps = parts[0] == "INBOX" ? [step] : [PlayedStep(.create, parts[0]), step]
        try await MailPlayer.play(users.map { PlayedJob(port: port, user: $0, steps: steps) })
    }

    private func runs(_ users: [String]) async throws -> [SyncDocument] {
        try await withThrowingTaskGroup(of: (Int, SyncDocument).self) { group in
            for (position, (user, strategy)) in zip(users, PostfixTable.strategies).enumerated() {
                let state = program.folder.file("state-\(user)")
                let arguments = ["sync", "a-\(user)", "b-\(user)", "--strategy", strategy, "--state", state]
                group.addTask { (position, try await program.json(SyncDocument.self, arguments)) }
            }
            var reports: [Int: SyncDocument] = [:]
            for try await (position, report) in group { reports[position] = report }
            return reports.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    /// Three more runs do nothing.
    func expectRest(_ row: PostfixTable.Row) async throws {
        for _ in 0..<3 {
            for (strategy, report) in zip(PostfixTable.strategies, try await runs(users(row))) {
                #expect(report.isUnchanged, "\(row.event), \(strategy), again: \(report)")
            }
        }
    }

    /// What both sides of each pair show: `A x | B x Sent/x`, INBOX without its name.
    func shown(_ row: PostfixTable.Row) async throws -> [String] {
        var cells = PostfixTable.strategies.map { _ in "" }
        for (side, server) in [("A", source), (" | B", destination)] {
            let jobs = users(row).map { PlayedJob(port: server.port, user: $0, shows: true, bodies: true) }
            for (number, mailboxes) in try await MailPlayer.play(jobs).enumerated() {
                var names = (mailboxes["INBOX"] ?? []).map { Self.keys[$0.digest] ?? "?" }.sorted()
                for (mailbox, messages) in mailboxes.sorted(by: { $0.key < $1.key }) where mailbox != "INBOX" {
                    names += messages.map { "\(mailbox)/\(Self.keys[$0.digest] ?? "?")" }.sorted()
                }
                cells[number] += ([side] + names).joined(separator: " ")
            }
        }
        return cells
    }

    /// The two copies of a message are not the same octets: the table would prove nothing.
    func expectTraces() async throws {
        let user = users(PostfixTable.rows[0])[2]
        let jobs = [source, destination].map { PlayedJob(port: $0.port, user: user, shows: true) }
        let found = try await MailPlayer.play(jobs).map { $0["INBOX"]?.map(\.digest) ?? [] }
        #expect(found[0].count == 1 && found[1].count == 1 && found[0] != found[1])
        let paths = [source, destination].map { $0.mailFolder(of: user) }
        for (path, fields) in zip(
            paths, [["with LMTP", "Return-Path"], ["with LMTP", "X-Original-To", "Delivered-To"]])
        {
            let files = TestFolder.files(below: path).filter { $0.hasPrefix("new/") || $0.hasPrefix("cur/") }
            let text = try String(contentsOfFile: "\(path)/\(files[0])", encoding: .utf8)
            for field in fields { #expect(text.contains(field), "\(text.prefix(800))") }
        }
    }
}
