/// A mailbox or group of a header field, as From and To hold them.
///
/// - SeeAlso: RFC 5322 §3.4
public struct Address: Sendable, Hashable {
    /// Decoded; `nil` when there is none.
    public var displayName: String?
    /// `local@domain` as written, comments and white space gone; quotes stay where they are needed.
    public var mailbox: String
    /// The name of the group it stands in.
    public var group: String?

    public init(displayName: String? = nil, mailbox: String, group: String? = nil) {
        (self.displayName, self.mailbox, self.group) = (displayName, mailbox, group)
    }
}

extension Address: CustomStringConvertible {
    public var description: String { displayName.map { "\($0) <\(mailbox)>" } ?? mailbox }
}
