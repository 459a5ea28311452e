public import ArgumentParser
public import MailarcKit

/// `mailarc account …`
struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Add, list, test and remove IMAP accounts.",
        subcommands: [Add.self, List.self, Test.self, Remove.self])

    /// `mailarc account add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an IMAP account to the configuration.",
            discussion: """
                The password is not stored: name a file or a command that gives it, or be asked at each run.

                EXAMPLES:
                  mailarc account add work --host imap.example.org --user me@example.org --password-command 'pass imap'
                  mailarc account add lab --host localhost --port 1143 --security starttls --ca-file ca.pem --user me
                """)
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "A short name for the account.") var name: String
        @Option(help: "The server.") var host: String
        @Option(help: "The port (default: 993, or 143 without implicit TLS).") var port: Int?
        @Option(help: "The user name.") var user: String
        @Option(help: "tls (implicit), starttls, or plain (no encryption at all).")
        var security: AccountConfiguration.Security = .tls
        @Option(help: "auto, plain, login or scram-sha-256.")
        var mechanism: AccountConfiguration.Mechanism = .automatic
        @Option(help: "PEM file with the certificates to trust instead of the system's.") var caFile: String?
        @Option(help: "Read the password from this file.") var passwordFile: String?
        @Option(help: "Run this command and take its output as the password.") var passwordCommand: String?
        @Option(help: "How many connections to open at once.") var connections = 2
        @Flag(help: "Accept any certificate. Anybody in between can read everything.")
        var insecureNoVerify = false

        func validate() throws {
            if name.isEmpty || name.contains(where: { ".:/\" \n".contains($0) }) {
                throw ValidationError("an account name has no spaces and none of . : / \"")
            }
            if let port, !(1...65_535).contains(port) { throw ValidationError("--port takes 1 to 65535") }
            if !(1...16).contains(connections) { throw ValidationError("--connections takes 1 to 16") }
        }

        func run() async throws {
            var file = try configuration.file()
            guard try file.account(name) == nil else {
                throw KitError(
                    .usage, "account \(name) is already in \(file.path)",
                    hint: "remove it first: mailarc account remove \(name)")
            }
            let entry = AccountEntry(
                name: name, host: host, port: port ?? security.defaultPort, user: user, security: security,
                mechanism: mechanism, caFile: caFile, verifiesCertificate: !insecureNoVerify,
                connections: connections,
                passwordFile: passwordFile, passwordCommand: passwordCommand)
            try file.set(entry)
            if security == .plain || insecureNoVerify {
                output.output.note(
                    "WARNING: the connection of \(name) is not protected against eavesdropping.")
            }
            try output.output.render(entry, command: "account add") {
                [
                    "Added account \($0.name): \($0.user) at \($0.host):\($0.port) (\($0.security.rawValue)), in \(file.path)"
                ]
            }
        }
    }

    /// `mailarc account list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the accounts.", discussion: "EXAMPLE:\n  mailarc account list")
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let file = try configuration.file()
            let entries = try file.accountNames.compactMap { name throws(KitError) in
                try file.account(name)
            }
            try output.output.render(entries, command: "account list") { entries in
                entries.isEmpty
                    ? ["No accounts in \(file.path)"]
                    : Format.table(
                        entries.map { [$0.name, $0.user, "\($0.host):\($0.port)", $0.security.rawValue] })
            }
        }
    }

    /// `mailarc account test`
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Log in and list mailboxes; changes nothing.",
            discussion: "EXAMPLE:\n  mailarc account test work")
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The account.") var name: String

        func run() async throws {
            let report = try await Workspace.testAccount(configuration.account(name).configuration)
            try output.output.render(report, command: "account test") { report in
                [
                    "\(report.account): login works" + (report.server.map { " (\($0))" } ?? ""),
                    "\(Format.plural(report.mailboxes, "mailbox")), \(Format.plural(report.messages, "message"))",
                ]
            }
        }
    }

    /// `mailarc account remove`
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an account from the configuration; what is archived stays.",
            discussion: "EXAMPLE:\n  mailarc account remove work")
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The account.") var name: String

        func run() throws {
            let entry = try configuration.account(name)
            var file = try configuration.file()
            try file.removeAccount(name)
            try output.output.render(entry, command: "account remove") { ["Removed account \($0.name)"] }
        }
    }
}

extension AccountConfiguration.Security: ExpressibleByArgument {}
extension AccountConfiguration.Mechanism: ExpressibleByArgument {}
