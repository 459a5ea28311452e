public import ArgumentParser
public import MailarcKit

/// `mailarc account …`
struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Add, list, log in, test and remove accounts on mail servers.",
        subcommands: [Add.self, List.self, Login.self, Logout.self, Test.self, Remove.self])

    /// `mailarc account add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Add an IMAP or POP3 account to the configuration.",
            discussion: """
                The password is not stored: name a file or a command that gives it, or be asked at each run.
                With --oauth there is none: 'mailarc account login' asks the provider for tokens, which are kept sealed \
                and renewed by themselves. It needs a client id of your own (Documentation/Accounts.md tells how).

                EXAMPLES:
                  mailarc account add work --host imap.example.org --user me@example.org --password-command 'pass imap'
                  mailarc account add home --provider icloud --user me@icloud.com --password-file ~/icloud.password
                  mailarc account add old --protocol pop3 --host pop.example.org --user me --password-file ~/pop.password
                  mailarc account add me --oauth microsoft --user me@example.com --client-id 11111111-2222-3333-4444-555555555555
                  mailarc account add mine --oauth google --user me@gmail.com --client-id ID --client-secret-file ~/google.secret
                  mailarc account add lab --host localhost --port 1143 --security starttls --ca-file ca.pem --user me
                """)
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "A short name for the account.") var name: String
        @Option(help: "imap, or pop3: INBOX alone, polled; nothing is deleted but by pull --delete-source-after.")
        var `protocol`: AccountConfiguration.MailProtocol = .imap
        @Option(help: "The server; a known provider has one.") var host: String?
        @Option(
            help: ArgumentHelp(
                "Keep to what this provider lets through: gmail, m365, icloud, yahoo, fastmail or gmx.",
                valueName: "provider"))
        var provider: MailProvider?
        @Option(help: "The port (default: 993, or 143 without implicit TLS; POP3: 995, 110).") var port: Int?
        @Option(help: "The user name.") var user: String
        @Option(help: "tls (implicit), starttls (POP3: STLS), or plain (no encryption at all).")
        var security: AccountConfiguration.Security = .tls
        @Option(
            help: """
                auto, plain, login or scram-sha-256; oauthbearer or xoauth2 (with --oauth, or the password is an \
                access token).
                """)
        var mechanism: AccountConfiguration.Mechanism = .automatic
        @Option(help: "PEM file with the certificates to trust instead of the system's.") var caFile: String?
        @Option(
            help: ArgumentHelp(
                "Trust this one certificate and no other: its SHA-256, as openssl x509 -fingerprint -sha256 prints it.",
                valueName: "sha256"),
            transform: { text in
                guard let pin = CertificatePin(text) else {
                    throw ValidationError("not the SHA-256 of a certificate, 64 hexadecimal digits: \(text)")
                }
                return pin
            })
        var pin: CertificatePin?
        @Option(help: "Read the password from this file.") var passwordFile: String?
        @Option(help: "Run this command and take its output as the password.") var passwordCommand: String?
        @OptionGroup(title: "OAuth 2") var oauth: OAuthOptions
        @Option(help: "Connections at most; fewer are opened where the server wants fewer or they do not pay.")
        var connections = AccountEntry.connections
        @Flag(help: "Accept any certificate. Anybody in between can read everything.")
        var insecureNoVerify = false

        func validate() throws {
            if name.isEmpty || name.contains(where: { ".:/\" \n".contains($0) }) {
                throw ValidationError("an account name has no spaces and none of . : / \"")
            }
            if host == nil, provider == nil, oauth.preset?.host(`protocol`) == nil {
                throw ValidationError("name the server with --host, or a --provider")
            }
            if `protocol` == .pop3, provider != nil {
                throw ValidationError("--provider names IMAP servers; for POP3 name the server with --host")
            }
            if pin != nil, security == .plain || insecureNoVerify {
                throw ValidationError(
                    "--pin needs a certificate to hold it against: leave --security plain "
                        + "and --insecure-no-verify out")
            }
            if oauth.preset != nil {
                if passwordFile != nil || passwordCommand != nil {
                    throw ValidationError("--oauth takes tokens in place of a password: leave the password out")
                }
                if ![.automatic, .oauthBearer, .xoauth2].contains(mechanism) {
                    throw ValidationError("with --oauth --mechanism takes auto, oauthbearer or xoauth2")
                }
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
            let place = host ?? provider?.host ?? oauth.preset?.host(`protocol`) ?? ""
            // On the provider's own servers its limits hold.
            let limits = host == nil && `protocol` == .imap ? oauth.preset?.provider : nil
            let entry = AccountEntry(
                name: name, host: place, port: port ?? `protocol`.defaultPort(security),
                user: user, protocol: `protocol`, security: security,
                mechanism: mechanism, caFile: caFile, pin: pin, verifiesCertificate: !insecureNoVerify,
                connections: connections,
                passwordFile: passwordFile, passwordCommand: passwordCommand, provider: provider ?? limits,
                oauth: oauth.entry)
            try entry.configuration.oauth?.check()
            try file.set(entry)
            if security == .plain || insecureNoVerify {
                output.output.note(
                    "WARNING: the connection of \(name) is not protected against eavesdropping.")
            }
            try output.output.render(entry, command: "account add") {
                [
                    "Added account \($0.name): \($0.user) at \($0.host):\($0.port) (\($0.security.rawValue)), in \(file.path)"
                ] + ($0.oauth == nil ? [] : ["log in now: mailarc account login \($0.name)"])
            }
        }
    }

    /// `mailarc account list`
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
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
                        entries.map {
                            let way =
                                ($0.protocol == .imap ? "" : "pop3 ") + $0.security.rawValue
                                + ($0.oauth.map { ", oauth \($0.preset.rawValue)" } ?? "")
                            return [$0.name, $0.user, "\($0.host):\($0.port)", way]
                        })
            }
        }
    }

    /// `mailarc account test`
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Log in, list mailboxes, and say what the server offers and what is used; changes nothing.",
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
                    + LoginText.lines(report)
                    + (report.offers.map { ["offers: " + ($0.isEmpty ? "no CAPA" : $0.joined(separator: ", "))] } ?? [])
                    + (report.uses.map { ["uses: " + $0.joined(separator: ", ")] } ?? [])
            }
        }
    }

    /// `mailarc account remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove an account from the configuration, and its tokens; what is archived stays.",
            discussion: "EXAMPLE:\n  mailarc account remove work")
        @OptionGroup var configuration: ConfigurationOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The account.") var name: String

        func run() async throws {
            let entry = try configuration.account(name)
            var file = try configuration.file()
            // ORDER: the tokens first: what is not in the configuration any more nobody could log out.
            if let oauth = entry.configuration.oauth { _ = try await OAuthLogin(oauth).forget() }
            try file.removeAccount(name)
            try output.output.render(entry, command: "account remove") { ["Removed account \($0.name)"] }
        }
    }
}

extension AccountConfiguration.MailProtocol: ExpressibleByArgument {}
extension AccountConfiguration.Security: ExpressibleByArgument {}
extension AccountConfiguration.Mechanism: ExpressibleByArgument {}
