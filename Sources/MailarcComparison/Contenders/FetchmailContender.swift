/// fetchmail, which hands what is unread to Dovecot's delivery agent and leaves it on the server, read.
public struct FetchmailContender: Contender {
    public init() {}

    public var id: String { "fetchmail" }
    public var name: String { "fetchmail keep" }
    public var programs: [String] { ["fetchmail", GetmailContender.agent] }
    public var versionCommand: Invocation { Invocation("fetchmail", ["--version"]) }
    public var column: StudyColumn? { nil }
    /// What is read is not fetched at all.
    public var parts: Set<ComparisonRequest.Part> { [.behaviour] }

    public var promise: Promise {
        Promise(
            .collect, takes: .unseen, keepsDates: false,
            text:
                "retrieves new, unread messages of the folders it is told; with keep they stay on the server, read",
            origin: "fetchmail(1)")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: ["fetchmail"], isPackaged: true, documented: [.manual, .examples, .exitCodes],
            origin: "Debian 12; fetchmail(1), which has every exit code")
    }

    public func files(_ pair: Pair) -> [String: String] {
        [
            "fetchmailrc": """
            poll 127.0.0.1 protocol IMAP port \(pair.source.port) auth password
              user "\(pair.source.user)" password "\(pair.source.password)"
              folder INBOX,Work,Work.Sub,\(Scenario.umlauts) keep no rewrite
              mda "\(GetmailContender.agent) -c \(pair.archiveConfiguration) -d \(pair.archive.user)"

            """
        ]
    }

    public func invocation(_ pair: Pair) -> Invocation {
        var invocation = Invocation(
            "fetchmail",
            [
                "-f", pair.file("fetchmailrc"), "--nosyslog", "--pidfile", pair.file("fetchmail.pid"), "--sslproto",
                "",
            ])
        // There was no mail. fetchmail(1)
        invocation.goodCodes = [1]
        return invocation
    }
}
