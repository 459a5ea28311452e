import ArgumentParser
import MailarcKit

/// `mailarc postfix`
struct PostfixCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postfix",
        abstract: "Print what Postfix needs so that mail is archived, or check a Postfix for it.",
        discussion: """
            Prints, for the addresses given, the lines of main.cf, of both BCC maps and of the transport map, and the routes \
            of mailarc's own configuration. Nothing is written. --check asks postconf and postmap whether all of it is so, \
            and for what archives twice or not at all (exit code 3 where something is found).

            EXAMPLES:
              mailarc postfix anna@example.org bert@example.org --domain archive.example.org
              mailarc postfix anna@example.org --domain archive.example.org --socket inet:127.0.0.1:2424
              mailarc postfix --check anna@example.org --domain archive.example.org
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @Flag(help: "Print one JSON document (schema in Documentation/JSON.md).") var json = false
    @Argument(help: "The addresses whose mail is archived.") var addresses: [String]
    @Option(help: "The domain of the archive's own addresses; it need not exist anywhere else.") var domain: String
    @Option(help: "The socket of 'mailarc receive', as Postfix sees it.") var socket = "unix:mailarc/lmtp"
    @Option(help: ArgumentHelp("Where Postfix is configured.", valueName: "folder")) var folder = "/etc/postfix"
    @Flag(help: "Check the Postfix that is configured there.") var check = false

    func run() async throws {
        let setup = try PostfixSetup(addresses: addresses, domain: domain, socket: socket, folder: folder)
        let output = Output(isJSON: json, isQuiet: false)
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
}
