/// Two accounts of the lab and a folder, as a contender is told of them.
public struct Pair: Sendable {
    public var source: LabAddress
    public var archive: LabAddress
    /// An account of the source's server with nothing in it: where a copy is put back.
    public var empty: LabAddress
    /// For its configuration and state.
    public var folder: String
    /// Holds the password of both, and a line end.
    public var passwordFile: String
    /// Dovecot's own configuration at the archive's end, for tools that work beside the server.
    public var archiveConfiguration: String
    public var sourceConfiguration: String
    /// The Maildir of the archive's account.
    public var archiveMaildir: String
    /// Port of doveadm's protocol at the source's end.
    public var sourceDoveadmPort: Int
    /// What stands before the names of the source's mailboxes, but for INBOX: `INBOX.` or nothing.
    public var sourcePrefix: String
    /// The folder of Postfix' `main.cf`; empty where no Postfix takes part.
    public var postfixConfiguration: String

    public func file(_ name: String) -> String { "\(folder)/\(name)" }
}
