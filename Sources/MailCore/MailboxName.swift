/// The name of a mailbox: the octets the store uses, and what people read.
///
/// Two names are equal when their octets are; `INBOX` in any case is one name. The octets are those of modified UTF-7
/// wherever the name can be encoded so, also when the server speaks UTF-8, so that a name is stable over sessions.
/// - SeeAlso: RFC 9051 §5.1
public struct MailboxName: Hashable, Sendable, Codable {
    /// Modified UTF-7, or the store's own octets where they cannot be decoded.
    public let octets: [UInt8]
    /// The hierarchy delimiter; `nil` for a flat name (NIL delimiter).
    public let delimiter: UInt8?

    /// A name as IMAP4rev1 or Maildir++ gives it.
    public init(octets: [UInt8], delimiter: UInt8?) {
        self.octets = Self.isInbox(octets) ? Array("INBOX".utf8) : octets
        self.delimiter = delimiter
    }

    /// A name people read, `Archív/2024`, with `delimiter` between its components.
    public init(_ text: String, delimiter: UInt8? = UInt8(ascii: "/")) {
        self.init(octets: ModifiedUTF7.encode(text), delimiter: delimiter)
    }

    /// What people read; octets that are neither modified UTF-7 nor UTF-8 are shown with U+FFFD.
    public var text: String { ModifiedUTF7.decode(octets) ?? String(decoding: octets, as: UTF8.self) }

    /// The decoded components, outermost first.
    public var components: [String] {
        guard let delimiter else { return [text] }
        return octets.split(separator: delimiter, omittingEmptySubsequences: false)
            .map { ModifiedUTF7.decode($0) ?? String(decoding: $0, as: UTF8.self) }
    }

    public var isInbox: Bool { Self.isInbox(octets) }

    private static func isInbox(_ octets: [UInt8]) -> Bool {
        octets.count == 5 && octets.elementsEqual("INBOX".utf8) { $0 & 0xDF == $1 }
    }

    public static func == (left: MailboxName, right: MailboxName) -> Bool { left.octets == right.octets }
    public func hash(into hasher: inout Hasher) { hasher.combine(octets) }
}

extension MailboxName: CustomStringConvertible {
    public var description: String { text }
}

/// What a mailbox is for, where the server says so.
///
/// - SeeAlso: RFC 6154 §2
public enum MailboxRole: String, Sendable, Codable, CaseIterable {
    case all, archive, drafts, flagged, junk, sent, trash, important
}
