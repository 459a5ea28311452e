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
    private var table: TOMLTable

    /// Reads `path`, else `$XDG_CONFIG_HOME/mailarc/config.toml`; a file that does not exist is empty.
    init(path: String?) throws(KitError) {
        self.path = path ?? Self.defaultPath
        guard unsafe access(self.path, F_OK) == 0 else {
            table = TOMLTable()
            return
        }
        let octets = try Secrets.file(self.path, what: "configuration")
        do {
            table = try TOMLTable(string: String(decoding: octets, as: UTF8.self))
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
        return try AccountEntry(name: name, table: entry, path: path)
    }

    mutating func set(_ account: AccountEntry) throws(KitError) {
        let accounts = table["accounts"]?.table ?? TOMLTable()
        accounts[account.name] = account.table
        table["accounts"] = accounts
        try save()
    }

    mutating func removeAccount(_ name: String) throws(KitError) {
        guard let accounts = table["accounts"]?.table else { return }
        accounts.remove(at: name)
        table["accounts"] = accounts
        try save()
    }

    /// Writes beside, syncs, renames: the old file or the new one, never half.
    private func save() throws(KitError) {
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
        let octets = Array((table.convert(to: .toml) + "\n").utf8)
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

/// One account of the configuration file.
struct AccountEntry: Codable {
    var name: String
    var host: String
    var port: Int
    var user: String
    var security: AccountConfiguration.Security
    var mechanism: AccountConfiguration.Mechanism
    var caFile: String?
    var verifiesCertificate: Bool
    var connections: Int
    var passwordFile: String?
    var passwordCommand: String?

    /// What the Kit needs; the password is fetched when the server asks for it.
    var configuration: AccountConfiguration {
        let entry = self
        return AccountConfiguration(
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
    }
}

extension AccountEntry {
    fileprivate init(name: String, table: TOMLTable, path: String) throws(KitError) {
        func text(_ key: String) -> String? { table[key]?.string }
        guard let host = text("host"), let user = text("user") else {
            throw KitError(.usage, "account \(name) in \(path) lacks host or user")
        }
        guard let security = AccountConfiguration.Security(rawValue: text("security") ?? "tls"),
            let mechanism = AccountConfiguration.Mechanism(rawValue: text("mechanism") ?? "auto")
        else { throw KitError(.usage, "account \(name) in \(path): unknown security or mechanism") }
        self.init(
            name: name, host: host, port: table["port"]?.int ?? security.defaultPort, user: user,
            security: security,
            mechanism: mechanism, caFile: text("ca-file"),
            verifiesCertificate: table["verify"]?.bool ?? true,
            connections: table["connections"]?.int ?? 2, passwordFile: text("password-file"),
            passwordCommand: text("password-command"))
    }

    fileprivate var table: TOMLTable {
        let table = TOMLTable()
        table["host"] = host
        table["port"] = port
        table["user"] = user
        table["security"] = security.rawValue
        if mechanism != .automatic { table["mechanism"] = mechanism.rawValue }
        if let caFile { table["ca-file"] = caFile }
        if !verifiesCertificate { table["verify"] = false }
        if connections != 2 { table["connections"] = connections }
        if let passwordFile { table["password-file"] = passwordFile }
        if let passwordCommand { table["password-command"] = passwordCommand }
        return table
    }
}

extension AccountConfiguration.Security {
    /// 993 for implicit TLS, else 143 (RFC 8314, RFC 9051).
    var defaultPort: Int { self == .tls ? 993 : 143 }
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
