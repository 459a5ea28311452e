/// A provider whose authorization server is known.
///
/// Only what is published; Documentation/Accounts.md has the sources.
public enum OAuthPreset: String, Sendable, CaseIterable, Codable {
    case google, microsoft
    /// Everything is named.
    case custom

    /// The provider's mail servers.
    public var provider: MailProvider? {
        switch self {
        case .google: .gmail
        case .microsoft: .m365
        case .custom: nil
        }
    }

    /// The server its help pages name.
    public func host(_ mailProtocol: AccountConfiguration.MailProtocol) -> String? {
        switch (self, mailProtocol) {
        case (.google, .pop3): "pop.gmail.com"
        case (.google, .imap), (.microsoft, _): provider?.host
        case (.custom, _): nil
        }
    }

    /// What is known of it, completed for one user; `nil` for ``custom``.
    ///
    /// - Parameter tenant: of Microsoft: `common`, or the organisation's.
    public func configuration(
        account: String, user: String, clientID: String, mailProtocol: AccountConfiguration.MailProtocol,
        tenant: String = "common"
    ) -> OAuthConfiguration? {
        switch self {
        case .custom: return nil
        case .google:
            // QUIRK: its device flow gives no access to mail, so that way is left out. One scope for every protocol.
            var configuration = OAuthConfiguration(
                account: account, clientID: clientID, tokenURL: "https://oauth2.googleapis.com/token",
                scope: "https://mail.google.com/")
            configuration.authorizeURL = "https://accounts.google.com/o/oauth2/v2/auth"
            // Without both there is no refresh token the second time.
            configuration.parameters = ["access_type": "offline", "prompt": "consent", "login_hint": user]
            return configuration
        case .microsoft:
            let base = "https://login.microsoftonline.com/\(tenant)/oauth2/v2.0"
            let access = mailProtocol == .imap ? "IMAP.AccessAsUser.All" : "POP.AccessAsUser.All"
            var configuration = OAuthConfiguration(
                account: account, clientID: clientID, tokenURL: base + "/token",
                scope: "https://outlook.office.com/\(access) offline_access")
            (configuration.deviceURL, configuration.authorizeURL) = (base + "/devicecode", base + "/authorize")
            // QUIRK: any port is taken for localhost, and for 127.0.0.1 the one that was registered.
            configuration.redirectHost = "localhost"
            configuration.parameters = ["login_hint": user]
            return configuration
        }
    }
}
