import Glibc

/// Postfix' BCC maps: no run copies anything; whatever comes through Postfix goes to the archive's account, too.
public struct PostfixContender: Contender {
    public init() {}

    public var id: String { "postfix-bcc" }
    public var name: String { "Postfix BCC maps" }
    public var programs: [String] { ["postfix", "postqueue", "postconf", LabServer.lmtp] }
    public var versionCommand: Invocation { Invocation("postconf", ["-d", "-h", "mail_version"]) }
    public var column: StudyColumn? { .postfixBCC }
    public var parts: Set<ComparisonRequest.Part> { [.behaviour] }
    public var obstacle: String? { geteuid() == 0 ? nil : "Postfix starts only as root" }
    public var isChannel: Bool { true }

    public var promise: Promise {
        Promise(
            .collect, takes: .arriving, keepsDates: false,
            text:
                "BCC address for each message that enters the system; what happens to a message later does not count",
            origin: "postconf(5), recipient_bcc_maps and sender_bcc_maps")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: [], isPackaged: true, documented: [.manual, .examples],
            origin: "the mail server itself; postconf(5), ADDRESS_REWRITING_README")
    }

    /// recipient_bcc_maps, sender_bcc_maps, the map's line, and a transport for the archive's domain.
    public var serverSettings: Int { 4 }

    /// There is nothing to fail in: no connection to the source, nothing that runs.
    public func takesPart(in scenario: Scenario) -> Bool { scenario.fault == nil }

    /// Tries again what waits in the queue.
    public func invocation(_ pair: Pair) -> Invocation {
        Invocation("postqueue", ["-c", pair.postfixConfiguration, "-f"])
    }
}
