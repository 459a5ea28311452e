import MailarcKit
import TOMLKit

/// OAuth 2 of one account of the configuration file.
///
/// ```toml
/// [oauth]
/// key-command = "pass mailarc/tokens"   # what tokens are sealed under, for all accounts; else a key file beside them
///
/// [accounts.work]
/// oauth = "microsoft"
/// oauth-client-id = "…"
/// ```
struct OAuthEntry: Codable {
    var preset: OAuthPreset
    var clientID: String
    var clientSecretFile: String?
    var clientSecretCommand: String?
    var tenant: String?
    var deviceURL: String?
    var authorizeURL: String?
    var tokenURL: String?
    var scope: String?
    var caFile: String?
    /// Of `[oauth]`.
    var keyFile: String?
    var keyCommand: String?

    /// What the Kit needs; secrets are fetched when they are needed.
    func configuration(of account: AccountEntry) -> OAuthConfiguration {
        var configuration =
            preset.configuration(
                account: account.name, user: account.user, clientID: clientID, mailProtocol: account.protocol,
                tenant: tenant ?? "common")
            ?? OAuthConfiguration(
                account: account.name, clientID: clientID, tokenURL: tokenURL ?? "", scope: scope ?? "")
        if let deviceURL { configuration.deviceURL = deviceURL }
        if let authorizeURL { configuration.authorizeURL = authorizeURL }
        if let tokenURL { configuration.tokenURL = tokenURL }
        if let scope { configuration.scope = scope }
        configuration.caFile = caFile
        configuration.clientSecret = Self.secret(clientSecretFile, clientSecretCommand, what: "client secret")
        configuration.sealingKey = Self.secret(keyFile, keyCommand, what: "token key")
        return configuration
    }

    private static func secret(
        _ file: String?, _ command: String?, what: String
    ) -> (@Sendable () throws -> [UInt8])? {
        if let file { return { Secrets.trimmed(try Secrets.file(file, what: what)) } }
        if let command { return { Secrets.trimmed(try Secrets.command(command, what: what)) } }
        return nil
    }
}

extension OAuthEntry {
    /// `nil` where the account has a password.
    init?(account: String, table: TOMLTable, path: String) throws(KitError) {
        guard let word = table["oauth"]?.string else { return nil }
        func text(_ key: String) -> String? { table["oauth-\(key)"]?.string }
        guard let preset = OAuthPreset(rawValue: word) else {
            throw KitError(
                .usage, "account \(account) in \(path): unknown oauth provider \(word.prefix(40))",
                hint: "one of \(OAuthPreset.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard let clientID = text("client-id") else {
            throw KitError(.usage, "account \(account) in \(path) lacks oauth-client-id")
        }
        guard preset != .custom || text("token-url") != nil && text("scope") != nil else {
            throw KitError(.usage, "account \(account) in \(path) lacks oauth-token-url or oauth-scope")
        }
        self.init(
            preset: preset, clientID: clientID, clientSecretFile: text("client-secret-file"),
            clientSecretCommand: text("client-secret-command"), tenant: text("tenant"), deviceURL: text("device-url"),
            authorizeURL: text("authorize-url"), tokenURL: text("token-url"), scope: text("scope"),
            caFile: text("ca-file"))
    }

    func write(into table: TOMLTable) {
        table["oauth"] = preset.rawValue
        let fields = [
            ("client-id", clientID), ("client-secret-file", clientSecretFile),
            ("client-secret-command", clientSecretCommand), ("tenant", tenant), ("device-url", deviceURL),
            ("authorize-url", authorizeURL), ("token-url", tokenURL), ("scope", scope), ("ca-file", caFile),
        ]
        for case (let key, let value?) in fields { table["oauth-\(key)"] = value }
    }
}
