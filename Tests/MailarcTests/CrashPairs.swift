import Foundation
import MailarcTesting
import Testing

/// Pairs of small equal accounts on two real Dovecots, both behind proxies of one trap.
///
/// One pair is never interrupted. What it has on both sides after the first copy, and after the changes that follow, is
/// what every other pair must have.
struct CrashPairs {
    enum Destination: String, Sendable { case account, maildir, mbox, archive }

    let source, destination: DovecotServer
    let proxies: [CuttingProxy]
    let trap = OctetTrap()
    let program: MailarcProgram
    let words: [String]
    let kind: Destination
    let count: Int

    /// Starts everything, hands it to `body`, and stops it however that ends.
    static func with(
        _ strategy: [String], to kind: Destination, count: Int, hasLargeMail: Bool = false,
        _ body: (CrashPairs) async throws -> Void
    ) async throws {
        var options = DovecotServer.Options()
        options.users = Dictionary(uniqueKeysWithValues: (0..<count).map { ("u\($0)", "secret") })
        var other = options
        // One way of keeping mail each.
        other.format = .mdbox
        try await DovecotServer.with(options) { source in
            try await DovecotServer.with(other) { destination in
                let pairs = try await CrashPairs(source, destination, strategy, kind, count, hasLargeMail)
                do { try await body(pairs) } catch {
                    await pairs.stop()
                    throw error
                }
                await pairs.stop()
            }
        }
    }

    private init(
        _ source: DovecotServer, _ destination: DovecotServer, _ strategy: [String], _ kind: Destination, _ count: Int,
        _ hasLargeMail: Bool
    ) async throws {
        (self.source, self.destination, self.kind, self.count) = (source, destination, kind, count)
        words = ["--strategy"] + strategy
        proxies = [
            try await CuttingProxy(to: source.port, trap), try await CuttingProxy(to: destination.port, trap),
        ]
        program = try MailarcProgram()
        let proxies = proxies
        try program.writeAccounts(
            (0..<count).flatMap { number in
                zip(["a", "b"], proxies).map { ("\($0)\(number)", $1.port, "u\(number)") }
            })
        if kind == .archive { try await program.create() }
        let start = CrashScript.start() + (hasLargeMail ? CrashScript.large() : [])
        try await MailPlayer.play([PlayedJob(port: source.port, user: "u0", steps: start)])
        for number in 1..<count {
            let paths = [source.mailFolder(of: "u0"), source.mailFolder(of: "u\(number)")]
            try await ProcessCommand("cp", ["-a"] + paths).runSuccessfully()
        }
        guard strategy.contains("bcc") else { return }
        try await MailPlayer.play(
            (0..<count).map { PlayedJob(port: destination.port, user: "u\($0)", steps: CrashScript.forwarded()) })
    }

    private func stop() async {
        for proxy in proxies { await proxy.stop() }
        program.remove()
    }

    // MARK: Runs

    struct Run {
        var result: ProcessResult
        var passed: OctetTrap.Passed
        var document: SyncDocument?
    }

    /// One run for a pair, which the trap may end at its `target`th octet.
    func run(
        _ number: Int, at target: Int? = nil, _ deed: OctetTrap.Deed = .kill, _ more: [String] = []
    ) async throws -> Run {
        struct Document: Decodable { let result: SyncDocument }
        trap.arm(at: target, deed)
        let ends = ["a\(number)", end(number)]
        let state = ["--state", program.folder.file("state\(number)"), "--json"]
        let process = try program.command(["sync"] + ends + words + state + more, opens: kind == .archive).start()
        trap.attach(process)
        let result = try await process.waitAsync()
        for proxy in proxies { await proxy.settled() }
        let document = try? JSONDecoder().decode(Document.self, from: Data(result.standardOutput))
        return Run(result: result, passed: trap.take(), document: document?.result)
    }

    private func end(_ number: Int) -> String {
        switch kind {
        case .account: "b\(number)"
        case .maildir, .mbox: "\(kind.rawValue):\(program.folder.file("mail\(number)"))"
        case .archive: "archive:u\(number)"
        }
    }

    /// What a pair's ends have, each message with its SHA-256, flags and date.
    func dump(_ number: Int) async throws -> [[String]] {
        let here: [String] =
            switch kind {
            case .account: try await Dump.server(port: destination.port, user: "u\(number)")
            case .maildir: try await Dump.maildir(program.folder.file("mail\(number)"))
            case .mbox: try await Dump.mbox(program.folder.file("mail\(number)"))
            case .archive: try await archived(number)
            }
        return [try await Dump.server(port: source.port, user: "u\(number)"), here]
    }

    /// What a copy of the archive's account holds.
    private func archived(_ number: Int) async throws -> [String] {
        let (target, state) = (program.folder.file("view"), program.folder.file("view-state"))
        try await program.run([
            "sync", end(number), "maildir:\(target)", "--strategy", "copy", "--state", state,
        ])
        let lines = try await Dump.maildir(target)
        for path in [target, state] { try FileManager.default.removeItem(atPath: path) }
        return lines
    }

    func change(_ number: Int, _ script: CrashScript) async throws {
        var jobs = [PlayedJob(port: source.port, user: "u\(number)", steps: script.source)]
        if kind == .account {
            jobs.append(PlayedJob(port: destination.port, user: "u\(number)", steps: script.destination))
        }
        try await MailPlayer.play(jobs)
    }
}

/// What is in the accounts at first, and what is changed once both sides are equal.
struct CrashScript {
    var source: [PlayedStep] = []
    var destination: [PlayedStep] = []

    private static let mailboxes = ["INBOX", "Work", "Work.Sub", "Archív"]
    private static let date = 1_500_000_000

    /// A small message; now and then one with the same Message-ID as another, without any, or with text of another kind.
    private static func message(_ number: Int) -> [UInt8] {
        var text = "From: someone@example.org\r\nSubject: number \(number)\r\n"
        if number % 5 > 0 { text += "Message-ID: <\(number - number % 2)@example.org>\r\n" }
        text += "Date: Fri, 14 Jul 2017 02:40:00 +0000\r\n\r\n"
        for line in 0..<(number * 7 % 60 + 1) { text += "From line \(line) of \(number): ä & more of the same.\r\n" }
        return Array(text.utf8)
    }

    static func start() -> [PlayedStep] {
        let flags = [[], ["\\Seen"], ["\\Seen", "\\Flagged"], ["$Label1"]]
        return mailboxes.dropFirst().map { PlayedStep(.create, $0) }
            + (0..<28).map { number in
                // The last two are the first two again.
                PlayedStep(
                    .append, mailboxes[number % 26 % 4], octets: message(number % 26), flags: flags[number / 3 % 4],
                    date: date + number % 26)
            }
    }

    /// Messages that go through a file on their way.
    static func large() -> [PlayedStep] {
        zip(["INBOX", "Work", "INBOX"], [270_000, 800_000, 1_500_000]).map { mailbox, count in
            let lines = Array(repeating: "A line of \(count).\r\n", count: count / 20).joined()
            return PlayedStep(
                .append, mailbox, octets: Array("Subject: \(count)\r\n\r\n\(lines)".utf8), flags: [], date: date + count
            )
        }
    }

    /// Half of INBOX as another channel brought it: with one more field on top.
    static func forwarded() -> [PlayedStep] {
        stride(from: 0, to: 26, by: 8).map { number in
            PlayedStep(
                .append, "INBOX",
                octets: Array("Received: by relay; Fri, 14 Jul 2017 02:41:00 +0000\r\n".utf8)
                    + message(number), date: date + number)
        }
    }

    init() {}

    /// Changes on both sides of accounts that are as `dump` says.
    init(dump: [[String]], using generator: inout SeededGenerator) {
        let messages = dump.map { lines in
            lines.map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
        }
        let first = messages[0].shuffled(using: &generator)
        source = [
            PlayedStep(.create, "New"),
            PlayedStep(.append, "New", octets: Self.message(40), flags: [], date: Self.date),
        ]
        for (index, row) in first.prefix(11).enumerated() {
            switch index {
            case 0..<3: source.append(PlayedStep(.expunge, row[0], message: row[1]))
            case 3..<5:
                source.append(PlayedStep(.move, row[0], message: row[1], to: row[0] == "Work" ? "INBOX" : "Work"))
            default:
                let flags = [["\\Answered"], ["\\Seen", "$Label2"], []].randomElement(using: &generator)
                source.append(PlayedStep(.flags, row[0], message: row[1], flags: flags))
            }
        }
        for number in 41..<44 {
            source.append(
                PlayedStep(.append, Self.mailboxes[number % 4], octets: Self.message(number), date: Self.date + number))
        }
        // The other side's user deals with other messages, but for two whose flags both change.
        let touched = Set(first.prefix(9).map { $0[1] })
        let second = messages[1].filter { !touched.contains($0[1]) }.shuffled(using: &generator)
        for (index, row) in second.prefix(5).enumerated() {
            destination.append(
                index < 2
                    ? PlayedStep(.expunge, row[0], message: row[1])
                    : PlayedStep(.flags, row[0], message: row[1], flags: ["\\Flagged"]))
        }
        destination.append(PlayedStep(.append, "Work", octets: Self.message(50), date: Self.date + 50))
    }
}
