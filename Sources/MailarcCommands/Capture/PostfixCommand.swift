import ArgumentParser
import Glibc
import MailarcKit

/// `mailarc postfix`
struct PostfixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postfix",
        abstract: "Print or write what Postfix needs so that mail is archived, or check a Postfix for it.",
        discussion: """
            Prints, for the addresses given, the lines of main.cf, of both BCC maps and of the transport map, and the routes \
            of mailarc's own configuration. --write puts them into the files of a Postfix: it shows what changes, asks, \
            leaves a copy of each file beside it, and adds to what is there; what says something else on purpose, or is \
            written in a way that it does not understand, is refused and nothing is written. A second run changes nothing. \
            Then: postfix reload. --check asks postconf and postmap whether all of it is so, and for what archives twice \
            or not at all (exit code 3 where something is found).
            --relayhost is for a server of your own behind somebody else's: mail goes out through that one, with a login. \
            Passwords come from a file and are never printed.

            EXAMPLES:
              mailarc postfix anna@example.org bert@example.org --domain archive.example.org
              mailarc postfix anna@example.org --domain archive.example.org --socket inet:127.0.0.1:2424
              mailarc postfix --write anna@example.org --domain archive.example.org
              mailarc postfix --check anna@example.org --domain archive.example.org
              mailarc postfix --write anna@example.org --domain archive.example.org \\
                --relayhost '[mail.example.net]:587' --relay-credentials /root/relay
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @Flag(help: "Print one JSON document (schema in Documentation/JSON.md).") var json = false
    @Argument(help: "The addresses whose mail is archived.") var addresses: [String]
    @Option(help: "The domain of the archive's own addresses; it need not exist anywhere else.") var domain: String
    @Option(help: "The socket of 'mailarc receive', as Postfix sees it.") var socket = "unix:mailarc/lmtp"
    @Option(
        name: [.long, .customLong("folder")],
        help: ArgumentHelp("Where Postfix is configured (default: what postconf says).", valueName: "folder"))
    var configDirectory: String?
    @Option(help: ArgumentHelp("Send mail through this server, with a login: [host]:port.", valueName: "host"))
    var relayhost: String?
    @Option(
        help: ArgumentHelp(
            "Send what this address sends through another one; may be repeated.", valueName: "address=host"))
    var relayhostFor: [String] = []
    @Option(
        help: ArgumentHelp(
            "A file with the logins: lines 'RELAY USER:PASSWORD', or 'SENDER USER:PASSWORD'.", valueName: "file"))
    var relayCredentials: String?
    @Flag(help: "Check the Postfix that is configured there.") var check = false
    @Flag(help: "Write it into the files of the Postfix that is configured there.") var write = false
    @Flag(help: "Do not ask.") var yes = false

    func validate() throws {
        guard !check || !write else { throw ValidationError("--check or --write, not both") }
        guard relayhost != nil || (relayhostFor.isEmpty && relayCredentials == nil) else {
            throw ValidationError("--relayhost-for and --relay-credentials go with --relayhost")
        }
    }

    func run() async throws {
        let folder = configDirectory ?? PostfixFacts.folder ?? "/etc/postfix"
        let setup = try PostfixSetup(
            addresses: addresses, domain: domain, socket: socket, folder: folder, relay: try relay())
        let output = Output(isJSON: json, isQuiet: false)
        if write { return try install(setup, output) }
        guard check else {
            let path = try configuration.file().path
            try output.render(setup.files(configuration: path), command: "postfix") { files in
                files.flatMap { ["# \($0.path)"] + $0.lines + [""] }
            }
            return
        }
        let findings = try setup.findings(.postfix(folder))
        try output.render(findings, command: "postfix") { findings in
            findings.isEmpty
                ? ["\(folder): all of it is there"] : findings.map { "\($0.kind.rawValue) \($0.parameter): \($0.text)" }
        }
        if !findings.isEmpty { throw Outcome(status: .incomplete) }
    }

    private func relay() throws -> PostfixRelay? {
        guard let relayhost else { return nil }
        var senders: [String: String] = [:]
        for text in relayhostFor {
            guard let equals = text.lastIndex(of: "=") else {
                throw ValidationError("--relayhost-for takes ADDRESS=HOST, not \(text)")
            }
            senders[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        var credentials = ""
        if let relayCredentials {
            let octets = try Secrets.file(relayCredentials, what: "credentials")
            credentials = String(decoding: octets, as: UTF8.self)
        }
        return try PostfixRelay(host: relayhost, senders: senders, credentials: credentials)
    }

    private func install(_ setup: PostfixSetup, _ output: Output) throws {
        let plan = try setup.plan(.postfix(setup.folder))
        if !yes, !plan.isEmpty { try confirm(plan) }
        let written = plan.isEmpty ? [] : try plan.apply()
        try output.render(written, command: "postfix") { written in
            guard !written.isEmpty else { return ["\(setup.folder): all of it is there, nothing was written"] }
            let files = written.map { file in
                "written: \(file.path)" + (file.backup.map { " (as it was: \($0))" } ?? "")
            }
            return (yes ? Self.lines(written) : []) + files + ["now: postfix -c \(setup.folder) reload"]
        }
        let left = try setup.findings(.postfix(setup.folder))
        for finding in left { output.note("\(finding.kind.rawValue) \(finding.parameter): \(finding.text)") }
    }

    /// Shows what changes on the terminal and wants a yes.
    private func confirm(_ plan: PostfixPlan) throws(KitError) {
        let isTerminal = isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1
        let text = Self.lines(plan.differences).joined(separator: "\n") + (isTerminal ? "\n\nWrite this? [y/N] " : "\n")
        Output.write(Array(Output.printable(text).utf8), to: STDERR_FILENO)
        guard isTerminal else {
            throw KitError(.usage, "this would change; nothing was written", hint: "look at it, then give --yes")
        }
        guard ["y", "yes"].contains(readLine()?.lowercased() ?? "") else {
            throw KitError(.cancelled, "nothing was written")
        }
    }

    private static func lines(_ differences: [PostfixDifference]) -> [String] {
        differences.flatMap { file in
            ["\(file.path)\(file.isNew ? " (new)" : "")"] + file.removed.map { "- \($0)" }
                + file.added.map { "+ \($0)" }
        }
    }
}
