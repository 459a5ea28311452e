import Foundation
import MailarcTesting
import Testing

/// The real binary with an archive, keys and configuration of its own, below one temporary folder.
struct MailarcProgram: Sendable {
    let folder: TestFolder
    /// Where the archive lies; elsewhere than `folder` when a test mounts something.
    var archive: String

    static let path: String? = {
        if let path = ProcessInfo.processInfo.environment["MAILARC_BINARY"] { return path }
        // The test bundle is an executable in the folder of all products.
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let beside = URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("mailarc").path
        return FileManager.default.isExecutableFile(atPath: beside) ? beside : nil
    }()

    static var isPresent: Bool { path != nil }

    init(archive: String? = nil) throws {
        folder = try TestFolder("program")
        self.archive = archive ?? folder.file("mail.archive")
        try folder.write("key", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", mode: 0o600)
        try folder.write("password", "secret\n", mode: 0o600)
    }

    /// A command with the archive named and opened by its key file.
    func command(_ arguments: [String], opens: Bool = true) -> ProcessCommand {
        let unlocking = opens ? ["-a", archive, "--key-file", folder.file("key")] : []
        var command = ProcessCommand(Self.path ?? "mailarc", arguments + unlocking)
        command.environment = [
            "XDG_CONFIG_HOME": folder.file("config"), "XDG_STATE_HOME": folder.file("state"), "TMPDIR": folder.path,
            "MAILARC_ARCHIVE": "",
        ]
        command.timeout = .seconds(300)
        return command
    }

    /// Runs and insists on one of `codes`.
    @discardableResult
    func run(
        _ arguments: [String], opens: Bool = true, codes: Set<Int32> = [0], environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ProcessResult {
        var command = command(arguments, opens: opens)
        command.environment.merge(environment) { $1 }
        let result = try await command.run()
        let isExpected = result.exitCode.map(codes.contains) ?? false
        #expect(
            isExpected,
            "mailarc \(arguments.joined(separator: " ")): \(result.ending)\n\(result.output)\(result.errors)",
            sourceLocation: sourceLocation)
        return result
    }

    /// Runs with `--json` and decodes the result.
    func json<Result: Decodable>(
        _ type: Result.Type, _ arguments: [String], codes: Set<Int32> = [0],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Result {
        let result = try await run(arguments + ["--json"], codes: codes, sourceLocation: sourceLocation)
        return try JSONDecoder().decode(Document<Result>.self, from: Data(result.standardOutput)).result
    }

    private struct Document<Result: Decodable>: Decodable {
        let schema: Int
        let command: String
        let result: Result
    }

    func create() async throws { try await run(["init"]) }

    /// Configures `account` for a server on this machine.
    func addAccount(
        _ name: String = "test", port: Int, user: String = "anna", security: String = "plain", authority: String? = nil,
        host: String = "127.0.0.1", protocol: String? = nil
    ) async throws {
        let way = `protocol`.map { ["--protocol", $0] } ?? []
        let trust = authority.map { ["--ca-file", $0] } ?? []
        try await run(
            [
                "account", "add", name, "--host", host, "--port", String(port), "--user", user, "--security", security,
                "--password-file", folder.file("password"),
            ] + way + trust, opens: false)
    }

    /// Configures many accounts at once, in the clear, with the one password.
    func writeAccounts(_ accounts: [(name: String, port: Int, user: String)]) throws {
        let tables = accounts.map { account in
            """
            [accounts.\(account.name)]
            host = '127.0.0.1'
            password-file = '\(folder.file("password"))'
            port = \(account.port)
            security = 'plain'
            user = '\(account.user)'

            """
        }
        try folder.write("config/mailarc/config.toml", tables.joined(), mode: 0o600)
    }

    /// Exports everything to a Maildir and lists it as `imap-dump.py` lists a server.
    func exported(_ query: String = "", label: String = "export") async throws -> [String] {
        let target = folder.file("\(label)-\(UInt32.random(in: 0...UInt32.max))")
        try await run(["export", query, "--to", "maildir:\(target)"])
        let lines = try await Dump.maildir(target)
        try FileManager.default.removeItem(atPath: target)
        return lines
    }

    /// The SHA-256 of everything the archive gives back, whether its source still has it or not, sorted.
    func everything() async throws -> [String] {
        var digests: [String] = []
        for row in try await json(SearchDocument.self, ["search", "", "--limit", "1000"]).messages {
            let raw = try await run(["show", row.id, "--raw"])
            digests.append(TestSHA256.hash(Array(raw.standardOutput)).map { String(format: "%02x", $0) }.joined())
        }
        return digests.sorted()
    }

    /// Insists that `check` finds nothing.
    func expectClean(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        try await run(["check", "--level", "3"], sourceLocation: sourceLocation)
    }

    func remove() { folder.remove() }
}

/// A moment after everything archived so far, and before what comes: the archive's times are seconds.
func nextMoment() async throws -> String {
    let now = Int(Date().timeIntervalSince1970)
    while Int(Date().timeIntervalSince1970) <= now { try await Task.sleep(for: .milliseconds(20)) }
    return ISO8601DateFormatter().string(from: Date(timeIntervalSince1970: Double(now)))
}

/// Runs `body` with a fresh program and archive, and cleans up however it ends.
func withArchive<R>(_ body: (MailarcProgram) async throws -> R) async throws -> R {
    let program = try MailarcProgram()
    defer { program.remove() }
    try await program.create()
    return try await body(program)
}

/// What `--json` gives, as far as the tests look at it.
struct PullDocument: Decodable {
    struct Mailbox: Decodable {
        let mailbox: String
        let server: Int
        let archived: Int
        let quarantined: Int
    }
    struct Quarantine: Decodable {
        let mailbox: String
        let uid: UInt32
        let reason: String
    }
    let account: String
    let mailboxes: [Mailbox]
    let quarantined: [Quarantine]
    let newMessages: Int
    let knownContents: Int
    let isUnchanged: Bool
    let isBalanced: Bool

    var archived: Int { mailboxes.reduce(0) { $0 + $1.archived } }
}

struct CheckDocument: Decodable {
    struct Finding: Decodable {
        let level: Int
        let path: String
        let offset: UInt64?
        let problem: String
    }
    let messages: Int
    let findings: [Finding]
}

struct StatisticsDocument: Decodable {
    let messages: Int
    let occurrences: Int
    let packs: Int
    let ledgerSize: UInt64
}

/// Lists of messages made by scripts that share no code with mailarc, one line a message, sorted.
enum Dump {
    static func server(port: Int, user: String = "anna", password: String = "secret") async throws -> [String] {
        try await lines("imap-dump.py", ["--port", String(port), "--user", user, "--password", password])
    }

    static func maildir(_ path: String, asCRLF: Bool = false) async throws -> [String] {
        try await lines("maildir-dump.py", [path] + (asCRLF ? ["lf"] : []))
    }

    static func mbox(_ path: String) async throws -> [String] { try await lines("mbox-dump.py", [path]) }

    private static func lines(_ script: String, _ arguments: [String]) async throws -> [String] {
        let result = try await ProcessCommand("python3", [Repository.script(script)] + arguments).runSuccessfully()
        return result.output.split(separator: "\n").map(String.init)
    }
}

/// Insists that two dumps are the same, and names the first differences.
func expectEqual(
    _ found: [String], _ expected: [String], _ label: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    guard found != expected else { return }
    let missing = difference(expected, found).prefix(5).joined(separator: "\n  ")
    let surplus = difference(found, expected).prefix(5).joined(separator: "\n  ")
    Issue.record(
        "\(label) \(found.count) instead of \(expected.count) messages\nmissing:\n  \(missing)\nsurplus:\n  \(surplus)",
        sourceLocation: sourceLocation)
}

private func difference(_ left: [String], _ right: [String]) -> [String] {
    var counts = Dictionary(grouping: right) { $0 }.mapValues(\.count)
    return left.filter { line in
        let count = counts[line, default: 0]
        counts[line] = count - 1
        return count <= 0
    }
}

/// A Dovecot whose user "anna" has the sample account of `make-demo-account`.
func withSampleServer<R>(
    messages: Int = 120, seed: Int = 1, options: DovecotServer.Options = .init(),
    _ body: (DovecotServer) async throws -> R
) async throws -> R {
    try await DovecotServer.with(options) { server in
        let maildir = server.mailFolder(of: "anna")
        try await ProcessCommand(
            "python3",
            [
                Repository.script("make-demo-account"), "--out", maildir, "--messages", String(messages), "--seed",
                String(seed),
            ]
        ).runSuccessfully()
        try await server.adopt(user: "anna")
        return try await body(server)
    }
}

/// The suites that start servers and the binary: one at a time in a process, of which `make test` has two.
@Suite("the real binary", .serialized, .enabled(if: MailarcProgram.isPresent, "no mailarc binary beside the tests"))
enum EndToEnd {
    /// True in `make soak`.
    static let isSoak = ProcessInfo.processInfo.environment["MAILARC_SOAK"] != nil

    /// What random tests begin with: MAILARC_SEED, another one each time in `make soak`, else always the same.
    static let seed =
        ProcessInfo.processInfo.environment["MAILARC_SEED"].flatMap(UInt64.init)
        ?? (isSoak ? UInt64.random(in: 1...99_999) : 20_618)
}

extension Tag {
    /// Takes more than about ten seconds.
    @Tag static var heavy: Self
}
