import ArgumentParser
import Glibc
import MailarcKit
import TOMLKit

/// `config.toml`: the accounts, without their secrets.
///
/// ```toml
/// [accounts.work]
/// host = "imap.example.org"
/// user = "me@example.org"
/// password-file = "/etc/mailarc/work.password"
/// ```
struct ConfigurationFile {
    let path: String
    private(set) var table: TOMLTable
    private var text = ConfigurationText("")

    /// Reads `path`, else `$XDG_CONFIG_HOME/mailarc/config.toml`; a file that does not exist is empty.
    init(path: String?) throws(KitError) {
        self.path = path ?? Self.defaultPath
        guard unsafe access(self.path, F_OK) == 0 else {
            table = TOMLTable()
            return
        }
        let octets = try Secrets.file(self.path, what: "configuration")
        do {
            let string = String(decoding: octets, as: UTF8.self)
            (table, text) = (try TOMLTable(string: string), ConfigurationText(string))
        } catch {
            throw KitError(.usage, "\(self.path) is not valid TOML", cause: error)
        }
    }

    static var defaultPath: String {
        func variable(_ name: String) -> String? {
            unsafe getenv(name).map { unsafe String(cString: $0) }
        }
        let base = variable("XDG_CONFIG_HOME") ?? (variable("HOME") ?? "/root") + "/.config"
        return base + "/mailarc/config.toml"
    }

    /// What opens archives where nothing else is named: `[unlock]`, `identity-file` and `identity-command`.
    var identities: (files: [String], command: String?) {
        let unlock = table["unlock"]?.table
        let file = unlock?["identity-file"]?.string
        return (file.map { [$0] } ?? [], unlock?["identity-command"]?.string)
    }

    /// Names of all accounts, sorted.
    var accountNames: [String] { (table["accounts"]?.table?.keys ?? []).sorted() }

    /// The account `name`, or `nil`.
    func account(_ name: String) throws(KitError) -> AccountEntry? {
        guard let entry = table["accounts"]?.table?[name]?.table else { return nil }
        var account = try AccountEntry(name: name, table: entry, path: path)
        account.oauth?.keyFile = table["oauth"]?.table?["key-file"]?.string
        account.oauth?.keyCommand = table["oauth"]?.table?["key-command"]?.string
        return account
    }

    mutating func set(_ account: AccountEntry) throws(KitError) {
        let accounts = table["accounts"]?.table ?? TOMLTable()
        accounts[account.name] = account.table
        table["accounts"] = accounts
        text.set(account: account.name, account.table)
        try save()
    }

    mutating func removeAccount(_ name: String) throws(KitError) {
        guard let accounts = table["accounts"]?.table else { return }
        accounts.remove(at: name)
        table["accounts"] = accounts
        text.remove(account: name)
        try save()
    }

    /// Writes beside, syncs, renames: the old file or the new one, never half.
    ///
    /// - Throws: `.usage` where the accounts are written in another way than as sections of their own.
    private func save() throws(KitError) {
        guard let edited = try? TOMLTable(string: text.text), Self.accounts(edited) == Self.accounts(table) else {
            throw KitError(
                .usage, "\(path) writes its accounts in a way that is not edited here",
                hint: "edit it by hand, or give each account a section [accounts.NAME]")
        }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        var made = ""
        for component in folder.split(separator: "/", omittingEmptySubsequences: false) {
            made += component + "/"
            _ = unsafe mkdir(made, 0o700)
        }
        let temporary = path + ".tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw KitError(.ioFailed, "cannot write \(temporary): \(Secrets.describe(errno))")
        }
        let octets = Array(text.text.utf8)
        let written = unsafe octets.withUnsafeBytes {
            unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        let isSynced = fsync(descriptor) == 0
        _ = Glibc.close(descriptor)
        guard written == octets.count, isSynced, unsafe rename(temporary, path) == 0 else {
            throw KitError(.ioFailed, "cannot write \(path): \(Secrets.describe(errno))")
        }
    }
}

extension ConfigurationFile {
    /// All accounts in one spelling; none is as no table of them.
    private static func accounts(_ table: TOMLTable) -> String {
        guard let accounts = table["accounts"]?.table, !accounts.keys.isEmpty else { return "" }
        return accounts.convert(to: .toml)
    }
}

/// One account of the configuration file.
struct AccountEntry: Codable {
    var name: String
    var host: String
    var port: Int
    var user: String
    var `protocol`: AccountConfiguration.MailProtocol
    var security: AccountConfiguration.Security
    var mechanism: AccountConfiguration.Mechanism
    var caFile: String?
    var pin: CertificatePin?
    var verifiesCertificate: Bool
    var connections: Int
    var passwordFile: String?
    var passwordCommand: String?
    var provider: MailProvider?
    var oauth: OAuthEntry?

    /// LIMIT: connections where nothing is said.
    static let connections = 4

    /// What the Kit needs; the password is fetched when the server asks for it.
    var configuration: AccountConfiguration {
        let entry = self
        var configuration = AccountConfiguration(
            name: name, host: host, port: port, user: user, security: security, mechanism: mechanism,
            caFile: caFile,
            verifiesCertificate: verifiesCertificate, maxConnections: connections
        ) {
            if let file = entry.passwordFile {
                return Secrets.trimmed(try Secrets.file(file, what: "password"))
            }
            if let command = entry.passwordCommand {
                return Secrets.trimmed(try Secrets.command(command, what: "password"))
            }
            return Secrets.trimmed(try Secrets.prompt("Password of \(entry.user) at \(entry.host): "))
        }
        (configuration.mailProtocol, configuration.provider, configuration.pin) = (`protocol`, provider, pin)
        if let provider { configuration.keep(to: provider) }
        configuration.oauth = oauth?.configuration(of: self)
        return configuration
    }
}

extension AccountEntry {
    fileprivate init(name: String, table: TOMLTable, path: String) throws(KitError) {
        func text(_ key: String) -> String? { table[key]?.string }
        guard let host = text("host"), let user = text("user") else {
            throw KitError(.usage, "account \(name) in \(path) lacks host or user")
        }
        guard let mailProtocol = AccountConfiguration.MailProtocol(rawValue: text("protocol") ?? "imap") else {
            throw KitError(
                .usage, "account \(name) in \(path): unknown protocol \(text("protocol") ?? "")", hint: "imap or pop3")
        }
        guard let security = AccountConfiguration.Security(rawValue: text("security") ?? "tls"),
            let mechanism = AccountConfiguration.Mechanism(rawValue: text("mechanism") ?? "auto")
        else { throw KitError(.usage, "account \(name) in \(path): unknown security or mechanism") }
        let provider = text("provider").flatMap(MailProvider.init)
        guard (provider == nil) == (text("provider") == nil) else {
            throw KitError(
                .usage, "account \(name) in \(path): unknown provider",
                hint: "one of \(MailProvider.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let pin = text("pin").flatMap(CertificatePin.init)
        guard (pin == nil) == (text("pin") == nil) else {
            throw KitError(
                .usage, "account \(name) in \(path): its pin is no SHA-256 of a certificate",
                hint: "sha256: and 64 hexadecimal digits, as openssl x509 -fingerprint -sha256 prints them")
        }
        self.init(
            name: name, host: host, port: table["port"]?.int ?? mailProtocol.defaultPort(security), user: user,
            protocol: mailProtocol, security: security, mechanism: mechanism, caFile: text("ca-file"),
            pin: pin, verifiesCertificate: table["verify"]?.bool ?? true,
            connections: table["connections"]?.int ?? Self.connections, passwordFile: text("password-file"),
            passwordCommand: text("password-command"), provider: provider,
            oauth: try OAuthEntry(account: name, table: table, path: path))
    }

    fileprivate var table: TOMLTable {
        let table = TOMLTable()
        table["host"] = host
        table["port"] = port
        table["user"] = user
        if `protocol` != .imap { table["protocol"] = `protocol`.rawValue }
        table["security"] = security.rawValue
        if mechanism != .automatic { table["mechanism"] = mechanism.rawValue }
        if let caFile { table["ca-file"] = caFile }
        if let pin { table["pin"] = pin.text }
        if !verifiesCertificate { table["verify"] = false }
        if let provider { table["provider"] = provider.rawValue }
        if connections != Self.connections { table["connections"] = connections }
        if let passwordFile { table["password-file"] = passwordFile }
        if let passwordCommand { table["password-command"] = passwordCommand }
        oauth?.write(into: table)
        return table
    }
}

extension AccountConfiguration.MailProtocol {
    /// RFC 8314 §3.2, §3.3 for implicit TLS; RFC 9051 §2.1, RFC 1939 §3 else.
    func defaultPort(_ security: AccountConfiguration.Security) -> Int {
        switch self {
        case .imap: security == .tls ? 993 : 143
        case .pop3: security == .tls ? 995 : 110
        }
    }
}

/// `--config FILE`.
struct ConfigurationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The configuration file (default: ~/.config/mailarc/config.toml).", valueName: "file"))
    var config: String?

    func file() throws(KitError) -> ConfigurationFile { try ConfigurationFile(path: config) }

    /// The accounts `names`, all configured ones for none; an error where there is nothing.
    func accounts(_ names: [String]) throws(KitError) -> [AccountEntry] {
        let file = try file()
        let names = names.isEmpty ? file.accountNames : names
        guard !names.isEmpty else {
            throw KitError(
                .notFound, "no accounts in \(file.path)", hint: "mailarc account add NAME --host HOST --user USER")
        }
        return try names.map { name throws(KitError) in try account(name) }
    }

    /// The account `name`; an error that lists the known ones otherwise.
    func account(_ name: String) throws(KitError) -> AccountEntry {
        let file = try file()
        guard let account = try file.account(name) else {
            let known = file.accountNames
            throw KitError(
                .notFound, "no account named \(name) in \(file.path)",
                hint: known.isEmpty
                    ? "add one: mailarc account add \(name) --host HOST --user USER"
                    : "known accounts: \(known.joined(separator: ", "))")
        }
        return account
    }
}
