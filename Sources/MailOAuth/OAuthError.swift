/// Why tokens could not be had.
package struct OAuthError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// A URL that is none, or none that is asked in the clear.
        case badURL
        case connection, tls
        /// The port a browser shall come back to is not to be had.
        case cannotListen
        /// An answer that is not what the standard says, or beyond a limit.
        case malformed
        /// The user said no.
        case denied
        /// Nobody said anything in time.
        case expired
        /// The refresh token (or code) counts no more: a login is needed.
        case invalidGrant
        /// The server does not know the client, or not its secret.
        case invalidClient
        /// Any other refusal.
        case refused
        case cancelled
    }
    package var kind: Kind
    /// One sentence, without a secret.
    package var message: String
    package var cause: (any Error)?

    package init(_ kind: Kind, _ message: String, cause: (any Error)? = nil) {
        (self.kind, self.message, self.cause) = (kind, message, cause)
    }

    package var description: String { message }
}
