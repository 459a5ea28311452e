/// An answer that is not POP3, or that goes beyond a limit.
package struct POP3ProtocolError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        case limitExceeded
        /// A message whose octets cannot be told, or whose end is not its end.
        case garbled
        case malformed
    }
    package var kind: Kind
    /// One sentence without mail content.
    package var message: String

    package init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    package var description: String { message }
}
