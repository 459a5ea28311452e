extension Command {
    /// Nothing on the server is different afterwards. RFC 9051 §6
    ///
    /// SELECT is not among them: it takes `\Recent` away, and a mailbox opened by it can be written to.
    public var onlyReads: Bool { Self.reading.contains(name) }

    private static let reading: Set<String> = [
        "CAPABILITY", "NOOP", "LOGOUT", "ID", "STARTTLS", "AUTHENTICATE", "LOGIN", "ENABLE", "NAMESPACE", "LIST",
        "LSUB", "STATUS", "EXAMINE", "UNSELECT", "UID FETCH", "UID SEARCH", "IDLE", "NOTIFY",
    ]
}
