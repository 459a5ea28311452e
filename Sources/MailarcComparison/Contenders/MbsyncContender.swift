/// isync's `mbsync`, pulling new mail and flags and expunging nothing.
public struct MbsyncContender: Contender {
    public init() {}

    public var id: String { "mbsync" }
    public var name: String { "mbsync Pull" }
    public var programs: [String] { ["mbsync"] }
    public var versionCommand: Invocation { Invocation("mbsync", ["--version"]) }
    public var column: StudyColumn? { nil }

    public var promise: Promise {
        Promise(
            .oneWay, gone: .staysGone, flags: .either,
            text: "Sync Pull, Create Near, Expunge None: new messages and changes of the far side come, and nothing "
                + "is expunged", origin: "mbsync(1)")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: ["isync"], isPackaged: true, documented: [.manual, .examples, .events],
            origin: "Debian 12; mbsync(1), which says what each operation of Sync follows; no list of exit codes")
    }

    public func files(_ pair: Pair) -> [String: String] {
        configuration(pair, near: store("near", pair.archive, pair))
    }

    public func invocation(_ pair: Pair) -> Invocation {
        Invocation("mbsync", ["-c", pair.file("mbsyncrc"), "-a"])
    }

    /// Into a Maildir, which is what it is mostly used for.
    public func copying(_ pair: Pair) -> Copying {
        Copying(invocation(pair), files: configuration(pair, near: maildir(pair)), destination: pair.file("copy"))
    }

    public var knowsPrefixes: Bool { true }

    /// The same channel with a state of its own, pushed.
    public func restoring(_ pair: Pair) -> Copying? {
        let text = """
            \(store("far", pair.empty, pair))
            \(maildir(pair))
            Channel all
            Far :far:
            Near :near:
            Patterns *
            Create Far
            Sync Push
            Expunge None
            CopyArrivalDate yes
            SyncState \(pair.file("restore."))

            """
        let push = Invocation("mbsync", ["-c", pair.file("restorerc"), "-a"])
        return Copying(push, files: ["restorerc": text])
    }

    private func maildir(_ pair: Pair) -> String {
        "MaildirStore near\nInbox \(pair.file("copy"))\nSubFolders Maildir++\n"
    }

    private func configuration(_ pair: Pair, near: String) -> [String: String] {
        [
            "mbsyncrc": store("far", pair.source, pair, prefix: pair.sourcePrefix) + "\n" + near + """

                Channel all
                Far :far:
                Near :near:
                Patterns *
                Create Near
                Sync Pull
                Expunge None
                CopyArrivalDate yes
                SyncState \(pair.file("mbsync."))

                """
        ]
    }

    private func store(_ name: String, _ address: LabAddress, _ pair: Pair, prefix: String = "") -> String {
        """
        IMAPStore \(name)
        Host 127.0.0.1
        Port \(address.port)
        User \(address.user)
        PassCmd "cat \(pair.passwordFile)"
        AuthMechs LOGIN
        SSLType None
        \(prefix.isEmpty ? "" : "Path \(prefix)\n")
        """
    }
}
