import MailCore

/// A file inside an archive, or one of many files that are read one after the other.
struct Member {
    /// As it stands there, with `/` between components.
    var name: [UInt8]
    /// The stream it is in, and where.
    var stream: Int
    var offset: Int
    var octetCount: Int
    /// Seconds since 1970-01-01T00:00:00Z.
    var modified: Int64?
    /// Tells it from another of the same name and length, where that can be had without reading.
    var identity: UInt64?
    /// Why it cannot be read.
    var problem: String?
}

/// Something with members in streams that are read forward.
protocol MemberSource: Sendable {
    /// Opens a stream at its beginning.
    func open(_ stream: Int) throws(FormatsError) -> any OctetStream

    /// Gives every member to `visit`, in the order of the streams, with what opens its stream for reading.
    ///
    /// - Throws: `.damaged` where it cannot go on; what was given before counts.
    func members(
        _ visit: (Member, _ window: () throws(FormatsError) -> OctetWindow) throws(FormatsError) -> Void
    ) throws(FormatsError)
}

/// Names of members as mailboxes and places; none of them is ever a path on this machine.
package enum MemberName {
    /// LIMIT: octets of a mailbox's name; what is longer is cut.
    private static let limit = 1_000

    /// The components that mean something: without empty ones, `.` and `..`.
    package static func components(_ name: [UInt8]) -> [[UInt8]] {
        // QUIRK: archives made by some programs on Windows have `\` between components.
        let separator: UInt8 = name.contains(0x2F) ? 0x2F : 0x5C
        return name.split(separator: separator).map { Array($0.prefix { $0 != 0 }) }
            .filter { !$0.isEmpty && $0 != [0x2E] && $0 != [0x2E, 0x2E] }
    }

    /// The mailbox of these components; INBOX without any.
    static func mailbox(_ components: some Sequence<[UInt8]>) -> MailboxName {
        let octets = Array(components.joined(separator: [0x2F]).prefix(limit))
        return MailboxName(octets: octets.isEmpty ? Array("INBOX".utf8) : octets, delimiter: 0x2F)
    }
}

extension Int64 {
    /// Itself as a time in seconds since 1970, or `nil` before that and after the year 9999: made up.
    var plausibleTime: Int64? { (0..<253_402_300_800).contains(self) ? self : nil }
}
