import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// Every event under every strategy, on two real Dovecots: a pair of accounts for each cell of the table.
    @Suite("events × strategies on real servers", .timeLimit(.minutes(6)))
    struct SyncEventTests {
        static let strategies = ["backup", "two-way", "one-way", "copy", "bcc"]
        static let keys: [String: String] = Dictionary(
            uniqueKeysWithValues: ["a1", "a2", "b1", "b2", "c1", "x", "x'", "-x", "x*"].map {
                (digest($0), $0)
            })

        static func digest(_ key: String) -> String { hex(PairEvents.message(key)) }

        @Test(
            "the accounts end as the table says, and a second run does nothing",
            .enabled(if: DovecotServer.reasonNotRunnable == nil))
        func table() async throws {
            var options = DovecotServer.Options()
            options.users = Dictionary(uniqueKeysWithValues: PairEvents.cells.indices.map { ("u\($0)", "secret") })
            try await DovecotServer.with(options) { source in
                try await DovecotServer.with(options) { destination in
                    let program = try MailarcProgram()
                    defer { program.remove() }
                    let bench = EventBench(source: source, destination: destination, program: program)
                    try await bench.fill()
                    try await expectTable(bench)
                }
            }
        }

        private func expectTable(_ bench: EventBench) async throws {
            for (cell, report) in zip(PairEvents.cells, try await bench.runs()) {
                #expect(report.outcome == "done" && report.total(\.copied) == 0, "\(cell): pairing: \(report)")
            }
            try await bench.perform()
            let reports = try await bench.runs()
            let shown = try await bench.shown()
            var measured: [String: String] = [:]
            for (position, cell) in PairEvents.cells.enumerated() {
                #expect(reports[position].outcome == "done", "\(cell): \(reports[position])")
                #expect(shown[position] == cell.end, "\(cell): \(reports[position])")
                let isRight = shown[position] == cell.end
                measured[cell.description] = isRight ? cell.changes : "\(shown[position])"
            }
            for (cell, report) in zip(PairEvents.cells, try await bench.runs()) {
                #expect(report.isUnchanged, "\(cell), again: \(report)")
            }
            try CommittedTable.expect(
                PairEvents.table(Self.strategies) { measured[$0.description] ?? "?" }, in: "SyncEvents.md")
        }
    }
}

/// A pair of accounts for each cell of the table.
struct EventBench: Sendable {
    let source, destination: DovecotServer
    let program: MailarcProgram

    private func server(_ side: Character) -> DovecotServer { side == "A" ? source : destination }

    /// Both sides of each pair hold ``PairEvents/start``.
    func fill() async throws {
        try program.writeAccounts(
            PairEvents.cells.indices.flatMap { number in
                [("a", source), ("b", destination)].map { ("\($0)\(number)", $1.port, "u\(number)") }
            })
        for side: Character in ["A", "B"] {
            let start = PairEvents.start.split(separator: " ").map { String(side) + $0 }.joined(separator: " ")
            try await MailPlayer.play([
                PlayedJob(port: server(side).port, user: "u0", steps: PairStep.parse(start).compactMap(played))
            ])
            for number in PairEvents.cells.indices.dropFirst() {
                let paths = [server(side).mailFolder(of: "u0"), server(side).mailFolder(of: "u\(number)")]
                try await ProcessCommand("cp", ["-a"] + paths).runSuccessfully()
            }
        }
    }

    /// What users do in each pair.
    func perform() async throws {
        var jobs: [PlayedJob] = []
        for (number, cell) in PairEvents.cells.enumerated() {
            let steps = PairStep.parse(cell.steps)
            for side: Character in ["A", "B"] {
                let own = steps.filter { $0.side == side }
                if own.contains(where: { if case .resetUIDValidity = $0.operation { true } else { false } }) {
                    try resetUIDValidity(server(side).mailFolder(of: "u\(number)"))
                }
                let played = own.compactMap(played)
                guard !played.isEmpty else { continue }
                jobs.append(PlayedJob(port: server(side).port, user: "u\(number)", steps: played))
            }
        }
        try await MailPlayer.play(jobs)
    }

    /// Without its list of UIDs Dovecot gives INBOX new ones under a new UIDVALIDITY.
    private func resetUIDValidity(_ folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasPrefix("dovecot-uidlist") || name.hasPrefix("dovecot.index") {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }

    private func played(_ step: PairStep) -> PlayedStep? {
        let mailbox = step.mailbox
        func digest(_ key: String) -> String { EndToEnd.SyncEventTests.digest(key) }
        return switch step.operation {
        case .append(let key):
            PlayedStep(.append, mailbox, octets: PairEvents.message(key), date: 1_600_000_000)
        case .expunge(let key): PlayedStep(.expunge, mailbox, message: digest(key))
        case .flags(let key, let flags): PlayedStep(.flags, mailbox, message: digest(key), flags: flags)
        case .move(let key, let target): PlayedStep(.move, mailbox, message: digest(key), to: target)
        case .create: PlayedStep(.create, mailbox)
        case .delete: PlayedStep(.delete, mailbox)
        case .rename(let target): PlayedStep(.rename, mailbox, to: target)
        case .resetUIDValidity: nil
        }
    }

    /// One run for each pair, two at once.
    func runs() async throws -> [SyncDocument] {
        var reports: [SyncDocument?] = PairEvents.cells.map { _ in nil }
        try await withThrowingTaskGroup(of: (Int, SyncDocument).self) { group in
            var rest = PairEvents.cells.indices.makeIterator()
            for _ in 0..<2 {
                if let number = rest.next() { group.addTask { (number, try await run(number)) } }
            }
            while let (number, report) = try await group.next() {
                reports[number] = report
                if let number = rest.next() { group.addTask { (number, try await run(number)) } }
            }
        }
        return reports.compactMap { $0 }
    }

    private func run(_ number: Int) async throws -> SyncDocument {
        let words = PairEvents.cells[number].strategy.split(separator: "+").map(String.init)
        let strategy = ["--strategy", words[0]] + words.dropFirst().flatMap { ["--bend", $0] }
        let state = ["--state", program.folder.file("state\(number)")]
        return try await program.json(
            SyncDocument.self, ["sync", "a\(number)", "b\(number)"] + strategy + state)
    }

    /// What both sides of each pair show.
    func shown() async throws -> [PairModel] {
        var models = PairEvents.cells.map { _ in PairModel() }
        for side: Character in ["A", "B"] {
            let jobs = PairEvents.cells.indices.map { number in
                PlayedJob(port: server(side).port, user: "u\(number)", shows: true)
            }
            for (number, mailboxes) in try await MailPlayer.play(jobs).enumerated() {
                models[number].sides[side] = mailboxes.mapValues { messages in
                    messages.map { message in
                        PairStep.entry(EndToEnd.SyncEventTests.keys[message.digest] ?? "?", message.flags)
                    }.sorted()
                }
            }
        }
        return models
    }
}
