/// Why a scanner has no verdict.
package struct ScanError: Error, Sendable, CustomStringConvertible {
    package enum Kind: String, Sendable {
        /// A configuration that names no scanner of this machine.
        case badAddress
        /// It cannot be connected to.
        case unreachable
        /// The answer did not come in time.
        case silent
        /// It answered that it cannot, or with what is no answer.
        case refused
        case cancelled
    }
    package var kind: Kind
    package var message: String
    package var cause: (any Error)?

    package init(_ kind: Kind, _ message: String, cause: (any Error)? = nil) {
        (self.kind, self.message, self.cause) = (kind, message, cause)
    }

    package var description: String { message }
}
