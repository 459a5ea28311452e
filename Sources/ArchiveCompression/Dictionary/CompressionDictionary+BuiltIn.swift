extension CompressionDictionary {
    /// Dictionary 1: the boilerplate of mail, written by hand for this purpose, from no one's mail.
    ///
    /// Never changes: archives refer to it by id and hold a copy. Another text is another id. The rarest text comes
    /// first, the most usual last, where references to it are short and deflate can still see it.
    public static let builtIn = CompressionDictionary(
        id: 1,
        octets: Array(
            [
                Boilerplate.prose, Boilerplate.replies, Boilerplate.reports, Boilerplate.html,
                Boilerplate.lists,
                Boilerplate.trace, Boilerplate.bodies, Boilerplate.header,
            ].joined().utf8))
}

/// The sections of dictionary 1. Line ends are CRLF, as on the wire.
enum Boilerplate {
    /// `lines` as they stand in a mail.
    static func lines(_ lines: String) -> String {
        lines.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
            + "\r\n"
    }
}
