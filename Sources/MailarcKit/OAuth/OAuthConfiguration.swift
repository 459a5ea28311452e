import MailOAuth

/// How an account gets tokens in place of a password.
public struct OAuthConfiguration: Sendable {
    /// Of the account in the configuration.
    public var account: String
    public var clientID: String
    /// Gives the client's secret, where it has one; never stored in the clear, never shown.
    public var clientSecret: (@Sendable () throws -> [UInt8])?
    /// Each `nil`: that way is not there.
    public var deviceURL: String?
    public var authorizeURL: String?
    public var tokenURL: String
    public var scope: String
    /// What a redirect calls this machine.
    public var redirectHost = "127.0.0.1"
    /// Sent along when a browser is asked for consent.
    public var parameters: [String: String] = [:]
    /// PEM file with the certificates to trust instead of the system's.
    public var caFile: String?
    /// Gives what the tokens are sealed under; `nil`: a key file beside them.
    public var sealingKey: (@Sendable () throws -> [UInt8])?
    /// Where tokens are kept; `nil`: `$XDG_STATE_HOME/mailarc/tokens`.
    public var tokenFolder: String?

    public init(account: String, clientID: String, tokenURL: String, scope: String) {
        (self.account, self.clientID, self.tokenURL, self.scope) = (account, clientID, tokenURL, scope)
    }

    /// Fails for a URL that is none, or that is not protected.
    public func check() throws(KitError) { _ = try server(secret: nil) }

    /// - Parameter secret: the client's.
    func server(secret: String?) throws(KitError) -> OAuthServer {
        do throws(OAuthError) {
            var server = OAuthServer(clientID: clientID, tokenURL: try HTTPURL(tokenURL), scope: scope)
            if let deviceURL { server.deviceURL = try HTTPURL(deviceURL) }
            if let authorizeURL { server.authorizeURL = try HTTPURL(authorizeURL) }
            server.parameters = parameters.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            (server.caFile, server.clientSecret) = (caFile, secret)
            return server
        } catch { throw KitError(error, account: account) }
    }
}

extension KitError {
    /// - Parameter account: whose tokens they would have been.
    init(_ error: OAuthError, account: String) {
        let login = "run mailarc account login \(account)"
        let (kind, hint): (Kind, String?) =
            switch error.kind {
            case .badURL: (.usage, "name it with --oauth-device-url, --oauth-authorize-url or --oauth-token-url")
            case .connection: (.connection, "try again; what counts is whether this machine reaches that host")
            case .cannotListen: (.ioFailed, "take another --port, or none for a free one")
            case .tls: (.tls, "check the URL's host, and --oauth-ca-file")
            case .malformed: (.connection, "check the URLs of \(account): is that an authorization server?")
            case .denied: (.loginNeeded, "\(login) again, and confirm")
            case .expired: (.loginNeeded, "\(login) again")
            case .invalidGrant: (.loginNeeded, login)
            case .invalidClient: (.authentication, "check the client id and secret of \(account)")
            case .refused: (.authentication, "check client id and scope of \(account)")
            case .cancelled: (.cancelled, nil)
            }
        self.init(kind, "\(account): \(error.message)", hint: hint)
    }
}
