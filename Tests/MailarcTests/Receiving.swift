import Foundation
import Glibc
import MailarcTesting
import Testing

/// A line `mailarc receive --json` prints.
struct ReceiveLine: Decodable {
    struct Place: Decodable, Hashable {
        let account, mailbox: String
        let uidValidity, uid: UInt32
    }
    struct Event: Decodable {
        let time, event, text: String
        let `protocol`, address, client, sender, id, status, rule: String?
        let recipients: [String]?
        let octets, group, code: Int?
        let places: [Place]?
        let scan: Scan?

        struct Scan: Decodable {
            let isSpam: Bool?
            let reason: String?
        }
    }
    let schema: Int
    let command: String
    let result: Event
}

/// `mailarc receive` beside a test.
struct Receiver {
    let program: MailarcProgram
    let options: [String]
    /// It names the archive and what opens it; a write-only host has neither.
    let opens: Bool
    private(set) var process: RunningProcess

    /// Starts it and waits until it listens everywhere.
    static func start(_ program: MailarcProgram, _ options: [String], opens: Bool = true) async throws -> Receiver {
        let process = try await launch(program, options, opens: opens)
        return Receiver(program: program, options: options, opens: opens, process: process)
    }

    private static func launch(
        _ program: MailarcProgram, _ options: [String], opens: Bool
    ) async throws -> RunningProcess {
        let process = try program.command(["receive", "--json"] + options, opens: opens).start()
        let count = options.count { $0 == "--lmtp" || $0 == "--smtp" }
        let isUp = { process.outputSoFar.split(separator: "\n").count { $0.contains("\"listening\"") } >= count }
        let deadline = ContinuousClock.now + .seconds(60)
        while !isUp() {
            guard process.isRunning, ContinuousClock.now < deadline else {
                process.signal(SIGKILL)
                let result = try await process.waitAsync()
                throw ProcessFailure("receive did not start: \(result.ending) \(result.errors)\(result.output)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return process
    }

    var events: [ReceiveLine.Event] {
        get throws {
            // The last line may not be whole.
            try process.outputSoFar.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
                let line = try JSONDecoder().decode(ReceiveLine.self, from: Data(line.utf8))
                #expect(line.schema == 1 && line.command == "receive")
                return line.result
            }
        }
    }

    /// Where it listens, in the order of the options.
    var addresses: [String] { get throws { try events.compactMap(\.address) } }

    /// Kills it as a power cut would, and starts it again.
    mutating func killAndRestart() async throws {
        process.signal(SIGKILL)
        _ = try await process.waitAsync()
        process = try await Self.launch(program, options, opens: opens)
    }

    /// Asks it to end; answers what it told.
    @discardableResult
    func stop(sourceLocation: SourceLocation = #_sourceLocation) async throws -> [ReceiveLine.Event] {
        let result = try await process.stop(grace: .seconds(60))
        #expect(
            result.exitCode == 0, "\(result.ending)\n\(result.output.suffix(4_000))\(result.errors)",
            sourceLocation: sourceLocation)
        let events = try self.events
        #expect(events.last?.event == "stopped", sourceLocation: sourceLocation)
        return events
    }
}

/// Runs `receive` beside `body`, and stops it however that ends.
func receiving(
    _ program: MailarcProgram, _ options: [String], opens: Bool = true,
    _ body: (inout Receiver) async throws -> Void
) async throws {
    var receiver = try await Receiver.start(program, options, opens: opens)
    do { try await body(&receiver) } catch {
        receiver.process.signal(SIGKILL)
        let result = try await receiver.process.waitAsync()
        Issue.record("receive said:\n\(result.output.suffix(4_000))\(result.errors)")
        throw error
    }
    try await receiver.stop()
}

/// The clients of `smtp-play.py`.
enum Play {
    /// Sends numbered messages; the numbers that were acknowledged.
    static func send(
        _ address: String, _ options: [String], allAcknowledged: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [Int] {
        var command = ProcessCommand("python3", [Repository.script("smtp-play.py"), "send", address] + options)
        command.timeout = .seconds(600)
        let result = try await command.run()
        #expect(result.isSuccess, "\(result.errors)", sourceLocation: sourceLocation)
        if allAcknowledged { #expect(result.errors.isEmpty, "\(result.errors)", sourceLocation: sourceLocation) }
        return result.output.split(separator: "\n").compactMap { Int($0) }
    }

    /// Plays a transcript.
    static func say(_ address: String, _ transcript: String, sourceLocation: SourceLocation = #_sourceLocation)
        async throws
    {
        var command = ProcessCommand("python3", [Repository.script("smtp-play.py"), "say", address])
        command.input = Array(transcript.utf8)
        let result = try await command.run()
        #expect(result.isSuccess, "\(result.output)\(result.errors)", sourceLocation: sourceLocation)
    }
}

extension MailarcProgram {
    /// The numbers (`X-Number`) of all messages that are in `mailbox` of `account`, sorted; those that are there twice, twice.
    func numbers(account: String, mailbox: String) async throws -> [Int] {
        try await messages(account: account, mailbox: mailbox).compactMap { octets in
            let text = String(decoding: octets, as: UTF8.self)
            return text.split(separator: "\r\n").first { $0.hasPrefix("X-Number: ") }.flatMap { Int($0.dropFirst(10)) }
        }.sorted()
    }

    /// The exact octets of all messages that are in `mailbox` of `account`.
    func messages(account: String, mailbox: String) async throws -> [[UInt8]] {
        let target = folder.file("export-\(UInt32.random(in: 0...UInt32.max))")
        try await run(["export", "account:\(account) mailbox:\(mailbox)", "--to", "eml:\(target)"])
        defer { try? FileManager.default.removeItem(atPath: target) }
        return try TestFolder.files(below: target).filter { $0.hasSuffix(".eml") }.map { name in
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(target)/\(name)")))
        }
    }
}

/// Hands `message` to `mailarc deliver` for the recipients `to`, and insists that it is taken.
func deliver(
    _ program: MailarcProgram, _ message: [UInt8], to: [String], _ options: [String] = [], opens: Bool = true
) async throws -> ProcessResult {
    var command = program.command(["deliver", "--to"] + to + options, opens: opens)
    command.input = message
    return try await command.runSuccessfully()
}

struct MailboxRowDocument: Decodable {
    let account, mailbox: String
    let role: String?
    let messages: Int
}

struct DeliveryDocument: Decodable {
    struct Delivery: Decodable {
        let direction, sender, client, helloName, transport, tls: String
        let recipients: [String]
    }
    struct Occurrence: Decodable {
        let account, mailbox: String
        let uid: UInt32
        let delivery: Delivery?
    }
    let occurrences: [Occurrence]
}
