/// offlineimap, which keeps two accounts in step.
public struct OfflineimapContender: Contender {
    public init() {}

    public var id: String { "offlineimap" }
    public var name: String { "offlineimap" }
    public var programs: [String] { ["offlineimap"] }
    public var versionCommand: Invocation { Invocation("offlineimap", ["--version"]) }
    public var column: StudyColumn? { nil }

    public var promise: Promise {
        Promise(
            .twoWay, text: "two-way synchronization: changes of either side are made on the other",
            origin: "offlineimap(1)")
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: ["offlineimap3"], isPackaged: true, documented: [.manual, .examples],
            origin: "Debian 12; offlineimap(1), offlineimap.conf")
    }

    public func files(_ pair: Pair) -> [String: String] {
        configuration(pair, local: account(pair.archive, pair))
    }

    public func invocation(_ pair: Pair) -> Invocation {
        Invocation("offlineimap", ["-o", "-c", pair.file("offlineimaprc")])
    }

    /// Into a Maildir, which is what it is mostly used for.
    public func copying(_ pair: Pair) -> Copying {
        let copy = pair.file("copy")
        let local = "type = Maildir\nlocalfolders = \(copy)\n"
        return Copying(invocation(pair), files: configuration(pair, local: local), destination: copy)
    }

    private func configuration(_ pair: Pair, local: String) -> [String: String] {
        [
            "offlineimaprc": """
            [general]
            accounts = lab
            metadata = \(pair.file("metadata"))
            ui = basic

            [Account lab]
            localrepository = local
            remoterepository = remote

            [Repository local]
            \(local)
            [Repository remote]
            \(account(pair.source, pair))

            """
        ]
    }

    private func account(_ address: LabAddress, _ pair: Pair) -> String {
        """
        type = IMAP
        remotehost = 127.0.0.1
        remoteport = \(address.port)
        remoteuser = \(address.user)
        remotepassfile = \(pair.passwordFile)
        ssl = no
        starttls = no

        """
    }
}
