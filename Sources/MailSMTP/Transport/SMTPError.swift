/// Why a receiver cannot work.
package struct SMTPError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The address is in use, or may not be used.
        case cannotListen
        /// Certificate or key cannot be used.
        case tls
        /// An address or network is not spelled right.
        case malformed
        /// The listening socket broke.
        case failed
    }
    package var kind: Kind
    package var message: String
    package var cause: (any Error)?

    init(_ kind: Kind, _ message: String, cause: (any Error)? = nil) {
        (self.kind, self.message, self.cause) = (kind, message, cause)
    }

    package var description: String { message }
}
