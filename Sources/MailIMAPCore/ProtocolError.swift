/// An answer that is not IMAP, or that goes beyond a limit.
public struct ProtocolError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// A line, literal or nesting beyond ``ResponseParser/Limits``.
        case limitExceeded
        /// What follows a streamed literal is not the rest of a FETCH response: its announced length was wrong.
        case garbled
        /// Not a response at all.
        case malformed
    }
    public var kind: Kind
    /// One sentence without mail content.
    public var message: String

    public init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    public var description: String { message }
}
