/// `mailarc sync` by one of its strategies: this very program.
public struct MailarcContender: Contender {
    public enum Strategy: String, Sendable, CaseIterable {
        case backup
        case twoWay = "two-way"
        case oneWay = "one-way"
        case copy, bcc
    }

    let strategy: Strategy
    /// Path of the executable.
    let program: String

    public init(_ strategy: Strategy, program: String) { (self.strategy, self.program) = (strategy, program) }

    public var id: String { "mailarc-\(strategy.rawValue)" }
    public var name: String { "mailarc \(strategy.rawValue)" }
    public var programs: [String] { [program] }
    public var versionCommand: Invocation { Invocation(program, ["--version"]) }

    /// The study's columns are other programs.
    public var column: StudyColumn? { nil }

    public var promise: Promise {
        let origin = "Documentation/Sync.md, Strategies"
        return switch strategy {
        case .backup: Promise(.mirror, text: "the destination becomes what the source is", origin: origin)
        case .twoWay: Promise(.twoWay, text: "what changed on either side changes on the other", origin: origin)
        case .oneWay:
            Promise(
                .oneWay, gone: .staysGone, flags: .archive,
                text: "the destination keeps what leaves the source; what is deleted there does not come again",
                origin: origin)
        case .copy:
            Promise(
                .copy, gone: .comesAgain, flags: .source,
                text: "the destination gets what the source has, and keeps what else it has", origin: origin)
        case .bcc:
            Promise(
                .fill, gone: .staysGone,
                text: "the destination is fed by another channel; what that missed is copied", origin: origin)
        }
    }

    /// What building it takes.
    static let packages = ["Swift 6.2", "libssl-dev", "libsqlite3-dev", "zlib1g-dev", "libzstd-dev"]

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: Self.packages, isPackaged: false, documented: Set(ContenderFacts.Documented.allCases),
            origin: "README.md (built from source), mailarc help, Documentation/SyncEvents.md; an archive: as end "
                + "has history, ledger and erasure, which a mailbox on a server, as here, has not")
    }

    public func files(_ pair: Pair) -> [String: String] {
        let accounts = [("source", pair.source), ("archive", pair.archive), ("empty", pair.empty)]
        return ["config.toml": accounts.map { Self.account($0, $1, pair) }.joined(separator: "\n")]
    }

    static func account(_ name: String, _ address: LabAddress, _ pair: Pair) -> String {
        """
        [accounts.\(name)]
        host = "127.0.0.1"
        port = \(address.port)
        user = "\(address.user)"
        security = "plain"
        password-file = "\(pair.passwordFile)"

        """
    }

    public func invocation(_ pair: Pair) -> Invocation {
        var invocation = sync("source", "archive", pair)
        invocation.arguments.append("--verbose")
        return invocation
    }

    /// A copy with nothing missed is what `bcc` is not for.
    public var parts: Set<ComparisonRequest.Part> { strategy == .bcc ? [.behaviour] : [.behaviour, .performance] }

    /// Into a Maildir, as doveadm and mbsync do.
    public func copying(_ pair: Pair) -> Copying {
        Copying(
            sync("source", "maildir:\(pair.file("copy"))", pair), files: files(pair), destination: pair.file("copy"))
    }

    /// Once: whatever the strategy, an empty account gets everything.
    public func restoring(_ pair: Pair) -> Copying? {
        strategy == .copy ? Copying(sync("maildir:\(pair.file("copy"))", "empty", pair)) : nil
    }

    public var knowsPrefixes: Bool { strategy == .copy }

    private func sync(_ source: String, _ destination: String, _ pair: Pair) -> Invocation {
        let bend = strategy == .bcc ? ["--bend", "no-grace"] : []
        return Invocation(
            program,
            [
                "sync", source, destination, "--strategy", strategy.rawValue, "--config", pair.file("config.toml"),
                "--state", pair.file("state"), "--progress", "none",
            ] + bend)
    }
}
