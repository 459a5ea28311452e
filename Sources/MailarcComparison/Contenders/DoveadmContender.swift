/// Dovecot's `doveadm backup` and `doveadm sync`, pulled from the archive's end over IMAP or over its own protocol.
public struct DoveadmContender: Contender {
    public enum Mode: String, Sendable, CaseIterable {
        case backup
        case twoWay = "sync"
        case oneWay = "sync1"
    }

    /// How it reaches the source.
    public enum Way: String, Sendable, CaseIterable {
        /// IMAP: any server.
        case imapc
        /// dsync's own protocol: Dovecot at both ends.
        case tcp
    }

    let mode: Mode
    let way: Way

    public init(_ mode: Mode, _ way: Way = .imapc) { (self.mode, self.way) = (mode, way) }

    public var id: String { "doveadm-\(mode.rawValue)" + (way == .tcp ? "-tcp" : "") }
    public var name: String { words.joined(separator: " ") + (way == .tcp ? " (tcp)" : "") }
    public var programs: [String] { ["doveadm"] }
    public var versionCommand: Invocation { Invocation("dovecot", ["--version"]) }
    public var column: StudyColumn? {
        guard way == .imapc else { return nil }
        return switch mode {
        case .backup: .doveadmBackup
        case .twoWay: .doveadmTwoWay
        case .oneWay: .doveadmOneWay
        }
    }

    public var promise: Promise {
        switch mode {
        case .backup:
            Promise(
                .mirror,
                text: "performs one-way synchronization; if there are any changes in the destination they will be "
                    + "deleted, so the destination will look exactly like the source", origin: "doveadm-sync(1)")
        case .twoWay:
            Promise(
                .twoWay, text: "performs two-way synchronization; it merges all changes without losing anything",
                origin: "doveadm-sync(1)")
        case .oneWay:
            Promise(
                .oneWay,
                text: "performs one-way synchronization, but it merges the changes in destination without deleting "
                    + "anything", origin: "doveadm-sync(1)")
        }
    }

    public var facts: ContenderFacts {
        ContenderFacts(
            packages: ["dovecot-imapd"], isPackaged: true, documented: [.manual, .examples, .exitCodes],
            origin: "Debian 12; doveadm-sync(1), which has the exit codes 0, 1, 2 and says of -1 that it does not "
                + "work perfectly")
    }

    private var words: [String] {
        switch mode {
        case .backup: ["doveadm", "backup"]
        case .twoWay: ["doveadm", "sync"]
        case .oneWay: ["doveadm", "sync", "-1"]
        }
    }

    /// imapc_host, imapc_ssl, imapc_password, imapc_features, mail_prefetch_count; doveadm_password and its listener.
    public var serverSettings: Int { 5 }

    public func invocation(_ pair: Pair) -> Invocation {
        // The password of imapc stands in the server's own configuration.
        let reached =
            way == .imapc
            ? ["-o", "imapc_user=\(pair.source.user)", "-o", "imapc_port=\(pair.source.port)"] + prefix(pair) : []
        let remote = way == .imapc ? "imapc:" : "tcp:127.0.0.1:\(pair.sourceDoveadmPort)"
        return Invocation(
            "doveadm",
            ["-c", pair.archiveConfiguration] + reached + words.dropFirst() + ["-R", "-u", pair.archive.user, remote])
    }

    public var knowsPrefixes: Bool { mode == .backup && way == .imapc }

    private func prefix(_ pair: Pair) -> [String] {
        pair.sourcePrefix.isEmpty ? [] : ["-o", "imapc_list_prefix=\(pair.sourcePrefix.dropLast())"]
    }

    /// Pulled once more, from the source's end: dsync cannot push into an INBOX over IMAP (exit code 64). The others would
    /// be the same program.
    public func restoring(_ pair: Pair) -> Copying? {
        guard mode == .backup, way == .imapc else { return nil }
        let reached = ["-o", "imapc_user=\(pair.archive.user)", "-o", "imapc_port=\(pair.archive.port)"]
        let words = reached + ["backup", "-R", "-u", pair.empty.user, "imapc:"]
        return Copying(Invocation("doveadm", ["-c", pair.sourceConfiguration] + words))
    }
}
