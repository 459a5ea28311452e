/// An authorization server as a client sees it.
package struct OAuthServer: Sendable {
    package var clientID: String
    /// Of clients that have one; not secret in programs people install (RFC 8252 §8.5).
    package var clientSecret: String?
    /// RFC 8628 §3.1
    package var deviceURL: HTTPURL?
    package var authorizeURL: HTTPURL?
    package var tokenURL: HTTPURL
    package var scope: String
    /// Sent along when a browser is asked for consent.
    package var parameters: [(name: String, value: String)] = []
    /// PEM file of trusted roots instead of the system's.
    package var caFile: String?

    package init(clientID: String, tokenURL: HTTPURL, scope: String) {
        (self.clientID, self.tokenURL, self.scope) = (clientID, tokenURL, scope)
    }
}

/// What a login came to.
package struct TokenSet: Sendable, Codable, Hashable {
    package var accessToken: String
    /// Absent: it cannot be renewed.
    package var refreshToken: String?
    /// Seconds since 1970; absent: the server does not say.
    package var expires: Int64?
    package var scope: String?

    package init(accessToken: String, refreshToken: String? = nil, expires: Int64? = nil, scope: String? = nil) {
        (self.accessToken, self.refreshToken) = (accessToken, refreshToken)
        (self.expires, self.scope) = (expires, scope)
    }
}

/// The cryptography a client needs, lent by whoever composes it.
package struct OAuthPrimitives: Sendable {
    package var sha256: @Sendable ([UInt8]) -> [UInt8]
    package var random: @Sendable (Int) -> [UInt8]

    package init(
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8], random: @escaping @Sendable (Int) -> [UInt8]
    ) {
        (self.sha256, self.random) = (sha256, random)
    }
}
