/// getmail, which brings every message of every mailbox into one, through Dovecot's delivery agent.
public struct GetmailContender: Contender {
    public init() {}

    public var id: String { "getmail" }
    public var name: String { "getmail" }
    public var programs: [String] { ["getmail", Self.agent] }
    public var versionCommand: Invocation { Invocation("getmail", ["--version"]) }
    public var column: StudyColumn? { nil }
    /// A delivery agent for each message says nothing of getmail's speed.
    public var parts: Set<ComparisonRequest.Part> { [.behaviour] }

    /// QUIRK: getmail refuses to write a Maildir as root; a program it runs may do so.
    static let agent = "/usr/lib/dovecot/dovecot-lda"

    public var promise: Promise {
        Promise(
            .collect, keepsDates: false,
            text: "retrieves messages it has not retrieved before; one destination",
            origin: "getmail's documentation, read_all and mailboxes")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: ["getmail6"], isPackaged: true, documented: [.manual, .examples],
            origin: "Debian 12; getmail(1) and its configuration guide")
    }

    public func files(_ pair: Pair) -> [String: String] {
        [
            "getmailrc": """
            [retriever]
            type = SimpleIMAPRetriever
            server = 127.0.0.1
            port = \(pair.source.port)
            username = \(pair.source.user)
            password_command = ("cat", "\(pair.passwordFile)")
            mailboxes = ALL
            use_peek = true

            [destination]
            type = MDA_external
            path = \(Self.agent)
            arguments = ("-c", "\(pair.archiveConfiguration)", "-d", "\(pair.archive.user)")
            allow_root_commands = true

            [options]
            read_all = false
            delivered_to = false
            received = false

            """
        ]
    }

    public func invocation(_ pair: Pair) -> Invocation {
        Invocation("getmail", ["--getmaildir", pair.folder, "--rcfile", "getmailrc"])
    }
}
