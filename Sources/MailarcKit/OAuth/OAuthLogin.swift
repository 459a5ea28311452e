import ArchiveCrypto
import MailOAuth

/// How consent is asked for.
public enum LoginFlow: String, Sendable, CaseIterable, Codable {
    /// A code that is confirmed on any machine. RFC 8628
    case device
    /// A browser on this machine. RFC 8252
    case loopback
}

/// What the user has to do now.
public enum LoginPrompt: Sendable {
    /// Open `page` and type `code` in; `completePage` has it in it already.
    case device(page: String, code: String, completePage: String?, lifetime: Duration)
    /// Open `page` on this machine.
    case browser(page: String)
}

/// A login, done.
public struct LoginReport: Codable, Sendable {
    public var account: String
    public var flow: LoginFlow
    public var token: TokenReport
}

/// Getting and forgetting the tokens of an account.
public struct OAuthLogin: Sendable {
    private let configuration: OAuthConfiguration

    public init(_ configuration: OAuthConfiguration) { self.configuration = configuration }

    /// The way to go where none was named: a code works over every kind of connection.
    ///
    /// - Throws: `.usage` where the provider does not have `flow`.
    public func flow(_ flow: LoginFlow?) throws(KitError) -> LoginFlow {
        let name = configuration.account
        switch flow {
        case .device where configuration.deviceURL == nil:
            throw KitError(
                .usage, "\(name): the provider has no device flow for mail",
                hint: "take --loopback; from another machine with --port N through ssh -L N:127.0.0.1:N")
        case .loopback where configuration.authorizeURL == nil:
            throw KitError(.usage, "\(name) has no authorization URL for a browser", hint: "take --device")
        case .device, .loopback: return flow ?? .device
        case nil: return configuration.deviceURL != nil ? .device : .loopback
        }
    }

    /// Asks the user for consent and keeps the tokens.
    ///
    /// - Parameters:
    ///   - clientSecret: kept with the tokens, sealed, where the configuration names none.
    ///   - port: where a browser comes back to; 0: a free one.
    ///   - prompt: is told once what to do.
    /// - Throws: `.loginNeeded` where it was refused or nobody confirmed it; `.connection`, `.tls`, `.authentication`.
    public func run(
        _ flow: LoginFlow, clientSecret: String?, port: Int = 0, prompt: @escaping @Sendable (LoginPrompt) -> Void,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> LoginReport {
        let store = TokenStore(configuration)
        try store.prepare()
        let secret = try configuration.secret(or: clientSecret)
        let client = OAuthClient(try configuration.server(secret: secret), now: Clock.now)
        let tokens: TokenSet
        do throws(OAuthError) {
            tokens =
                switch flow {
                case .device: try await device(client, prompt, progress)
                case .loopback: try await browser(client, port, prompt)
                }
        } catch { throw KitError(error, account: configuration.account) }
        try await store.locked { () async throws(KitError) in
            try store.write(
                StoredTokens(tokens: tokens, clientSecret: configuration.clientSecret == nil ? clientSecret : nil))
        }
        return LoginReport(account: configuration.account, flow: flow, token: TokenReport(tokens))
    }

    /// Deletes the tokens; false when there were none.
    public func forget() async throws(KitError) -> Bool {
        let store = TokenStore(configuration)
        return try await store.locked { () async throws(KitError) in try store.remove() }
    }

    private func device(
        _ client: OAuthClient, _ prompt: (LoginPrompt) -> Void, _ progress: ProgressHandler
    ) async throws(OAuthError) -> TokenSet {
        let authorization = try await client.deviceAuthorization()
        prompt(
            .device(
                page: authorization.page, code: authorization.userCode, completePage: authorization.completePage,
                lifetime: authorization.lifetime))
        var waited = Duration.zero
        return try await client.tokens(for: authorization) { pause in
            progress(
                KitProgress(
                    phase: "waiting", subject: configuration.account, done: Int(waited.components.seconds),
                    total: Int(authorization.lifetime.components.seconds)))
            waited += pause
        }
    }

    private func browser(
        _ client: OAuthClient, _ port: Int, _ prompt: (LoginPrompt) -> Void
    ) async throws(OAuthError) -> TokenSet {
        let listener = try await RedirectListener(host: configuration.redirectHost, port: port)
        let proof = AuthorizationProof(.openSSL)
        let redirect = listener.redirect
        prompt(.browser(page: try client.authorizationPage(proof, redirect: redirect)))
        let code = try await listener.code(state: proof.state)
        return try await client.tokens(forCode: code, proof, redirect: redirect)
    }
}

extension OAuthPrimitives {
    /// On OpenSSL.
    fileprivate static let openSSL = OAuthPrimitives(
        sha256: { SHA256.hash($0) }, random: { RandomSource.system.octets($0) })
}
