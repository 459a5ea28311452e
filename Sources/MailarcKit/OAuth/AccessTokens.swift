import MailOAuth

/// The access token of an account, renewed when its time is over.
struct AccessTokens: Sendable {
    /// LIMIT: seconds by which clocks may differ, and a login may take.
    static let margin: Int64 = 60

    private let configuration: OAuthConfiguration
    private let store: TokenStore

    init(_ configuration: OAuthConfiguration) {
        (self.configuration, store) = (configuration, TokenStore(configuration))
    }

    /// One that is good for the next minute.
    func current() async throws(KitError) -> [UInt8] {
        let stored = try store.read()
        if Self.isGood(stored.tokens) { return Array(stored.tokens.accessToken.utf8) }
        return try await renewed { Self.isGood($0) }
    }

    /// Another one than `refused`, which the mail server did not take although its time is not over.
    func replacing(_ refused: [UInt8]) async throws(KitError) -> [UInt8] {
        try await renewed { Array($0.accessToken.utf8) != refused && Self.isGood($0) }
    }

    /// Renews, unless somebody else has done it meanwhile.
    private func renewed(unless isEnough: @Sendable (TokenSet) -> Bool) async throws(KitError) -> [UInt8] {
        try await store.locked { () async throws(KitError) in
            var stored = try store.read()
            if isEnough(stored.tokens) { return Array(stored.tokens.accessToken.utf8) }
            let client = OAuthClient(
                try configuration.server(secret: configuration.secret(or: stored.clientSecret)), now: Clock.now)
            do throws(OAuthError) { stored.tokens = try await client.refreshed(stored.tokens) } catch {
                throw KitError(error, account: configuration.account)
            }
            // ORDER: before anything is done with it: a server that changes refresh tokens takes the old one no more.
            try store.write(stored)
            return Array(stored.tokens.accessToken.utf8)
        }
    }

    private static func isGood(_ tokens: TokenSet) -> Bool {
        tokens.expires.map { $0 - margin > Clock.now() } ?? true
    }

    /// What is known of the tokens; nothing is asked.
    func report() throws(KitError) -> TokenReport { TokenReport(try store.read().tokens) }
}

extension OAuthConfiguration {
    /// The client's secret from where the configuration says, else `kept`.
    func secret(or kept: String?) throws(KitError) -> String? {
        guard let clientSecret else { return kept }
        do { return String(decoding: try clientSecret(), as: UTF8.self) } catch {
            throw error as? KitError ?? KitError(.ioFailed, "the client secret cannot be had", cause: error)
        }
    }
}

extension AccountConfiguration {
    /// What a login shows: the password, or an access token.
    var secret: @Sendable () async throws -> [UInt8] {
        guard let oauth else { return { [password] in try password() } }
        return { try await AccessTokens(oauth).current() }
    }

    /// Another token in place of a refused one.
    var renewal: (@Sendable ([UInt8]) async throws -> [UInt8])? {
        guard let oauth else { return nil }
        return { refused in try await AccessTokens(oauth).replacing(refused) }
    }

    func tokenReport() -> TokenReport? { oauth.flatMap { try? AccessTokens($0).report() } }
}

/// What is told of tokens.
public struct TokenReport: Codable, Sendable {
    /// RFC 3339; absent: the server does not say.
    public var expires: String?
    /// There is a refresh token.
    public var isRenewable: Bool
    public var scope: String?

    init(_ tokens: TokenSet) {
        expires = tokens.expires.map(Clock.text)
        (isRenewable, scope) = (tokens.refreshToken != nil, tokens.scope)
    }
}
