/// `mailarc pull` into an archive: not a mailbox on a server, so it is measured and not asked for events.
public struct MailarcArchive: Contender {
    /// Path of the executable.
    let program: String

    public init(program: String) { self.program = program }

    public var id: String { "mailarc-archive" }
    public var name: String { "mailarc pull (archive)" }
    public var programs: [String] { [program] }
    public var versionCommand: Invocation { Invocation(program, ["--version"]) }
    public var column: StudyColumn? { nil }
    public var parts: Set<ComparisonRequest.Part> { [.performance] }

    public var promise: Promise {
        Promise(.mirror, text: "the account with its whole history, encrypted", origin: "README.md")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: MailarcContender.packages, isPackaged: false, documented: Set(ContenderFacts.Documented.allCases),
            evidence: Set(ContenderFacts.Evidence.allCases),
            origin: "README.md, Documentation/LedgerFormat.md, Erasure.md, ThreatModel.md")
    }

    public func files(_ pair: Pair) -> [String: String] {
        let accounts = [("source", pair.source), ("empty", pair.empty)]
        return ["config.toml": accounts.map { MailarcContender.account($0, $1, pair) }.joined(separator: "\n")]
    }

    public func invocation(_ pair: Pair) -> Invocation { command(["pull", "source", "--progress", "none"], pair) }

    public func copying(_ pair: Pair) -> Copying {
        var copying = Copying(invocation(pair), files: files(pair), destination: pair.file("archive"))
        // A key file: a passphrase would add its key derivation to each run.
        copying.files["key"] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        copying.preparation = [command(["init"], pair, takesConfiguration: false)]
        copying.count = (command(["stats", "--json"], pair, takesConfiguration: false), "\"occurrences\":")
        return copying
    }

    public var knowsPrefixes: Bool { true }

    public func restoring(_ pair: Pair) -> Copying? {
        Copying(command(["restore", "", "--to", "empty", "--progress", "none"], pair))
    }

    private func command(_ words: [String], _ pair: Pair, takesConfiguration: Bool = true) -> Invocation {
        Invocation(
            program,
            words + ["-a", pair.file("archive"), "--key-file", pair.file("key")]
                + (takesConfiguration ? ["--config", pair.file("config.toml")] : []))
    }
}
