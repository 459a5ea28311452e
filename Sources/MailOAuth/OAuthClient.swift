/// The client's side of OAuth 2: tokens by a device code, by a browser on this machine, and by a refresh token.
///
/// - SeeAlso: RFC 6749, RFC 7636 (PKCE), RFC 8252 (browser), RFC 8628 (device code)
package struct OAuthClient: Sendable {
    private let server: OAuthServer
    private let http: HTTPClient
    private let now: @Sendable () -> Int64
    private let pause: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - now: seconds since 1970.
    ///   - pause: waits; throws when the task is cancelled.
    package init(
        _ server: OAuthServer, now: @escaping @Sendable () -> Int64,
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        (self.server, self.now, self.pause) = (server, now, pause)
        http = HTTPClient(caFile: server.caFile)
    }

    // MARK: Device code

    /// Asks for a code that the user confirms on any machine.
    package func deviceAuthorization() async throws(OAuthError) -> DeviceAuthorization {
        guard let url = server.deviceURL else { throw OAuthError(.badURL, "There is no device authorization URL") }
        let fields = [("client_id", server.clientID), ("scope", server.scope)]
        return try TokenAnswer.device(try await http.post(url, fields + secret))
    }

    /// Polls until the user has confirmed or refused, or the code has expired.
    ///
    /// - Parameter waiting: is told of each pause before it begins.
    package func tokens(
        for authorization: DeviceAuthorization, waiting: (Duration) -> Void = { _ in }
    ) async throws(OAuthError) -> TokenSet {
        var polling = DevicePolling(authorization)
        var step = polling.begin()
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", authorization.deviceCode),
        ]
        while true {
            switch step {
            case .tokens(let tokens): return tokens
            case .fail(let error): throw error
            case .wait(let duration):
                waiting(duration)
                do { try await pause(duration) } catch {
                    throw OAuthError(.cancelled, "The login was broken off", cause: error)
                }
            }
            do throws(OAuthError) {
                step = polling.next(after: try await ask(fields), now: now())
            } catch { step = polling.next(after: error) }
        }
    }

    // MARK: Browser

    /// Where the browser is sent.
    package func authorizationPage(_ proof: AuthorizationProof, redirect: String) throws(OAuthError) -> String {
        guard let url = server.authorizeURL else { throw OAuthError(.badURL, "There is no authorization URL") }
        let fields = [
            ("response_type", "code"), ("client_id", server.clientID), ("redirect_uri", redirect),
            ("scope", server.scope), ("state", proof.state), ("code_challenge", proof.challenge),
            ("code_challenge_method", "S256"),
        ]
        return url.text + (url.target.contains("?") ? "&" : "?") + FormText.encode(fields + server.parameters)
    }

    /// The tokens for a code the browser brought.
    package func tokens(
        forCode code: String, _ proof: AuthorizationProof, redirect: String
    ) async throws(OAuthError) -> TokenSet {
        let fields = [
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", proof.verifier),
        ]
        return try TokenAnswer.tokens(try await ask(fields), now: now())
    }

    // MARK: Refresh

    /// New tokens for old ones; where the server gives no new refresh token the old one stays.
    ///
    /// - Throws: `.invalidGrant` where only a login helps.
    /// - SeeAlso: RFC 6749 §6
    package func refreshed(_ tokens: TokenSet) async throws(OAuthError) -> TokenSet {
        guard let refreshToken = tokens.refreshToken else {
            throw OAuthError(
                .invalidGrant, "The access token has expired, and the server gave nothing to renew it with")
        }
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refreshToken), ("scope", server.scope)]
        var fresh = try TokenAnswer.tokens(try await ask(fields), now: now())
        if fresh.refreshToken == nil { fresh.refreshToken = refreshToken }
        if fresh.scope == nil { fresh.scope = tokens.scope }
        return fresh
    }

    /// RFC 6749 §2.3.1: client and secret in the body, which every server here takes.
    private func ask(_ fields: [(name: String, value: String)]) async throws(OAuthError) -> HTTPReply {
        try await http.post(server.tokenURL, fields + [("client_id", server.clientID)] + secret)
    }

    private var secret: [(name: String, value: String)] { server.clientSecret.map { [("client_secret", $0)] } ?? [] }
}
