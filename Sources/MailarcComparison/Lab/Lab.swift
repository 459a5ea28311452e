import Glibc
import MailarcKit
import Synchronization

/// Two private mail servers and as many pairs of accounts on them as are asked for.
final class Lab: Sendable {
    let folder: LabFolder
    let source: LabServer
    let archive: LabServer
    let stopFlag: StopFlag
    private let bringing = Mutex<LabPostfix?>(nil)
    private let other = Mutex<LabCyrus?>(nil)
    private let strict = Mutex<LabServer?>(nil)
    private let password: String

    /// LIMIT: Dovecot's configuration is that of 2.3; 2.4 has another syntax.
    private static let dovecot = "2.3."

    init(_ stop: StopFlag) throws(KitError) {
        let folder = try LabFolder()
        do throws(KitError) {
            let version = try Invocation("dovecot", ["--version"]).run(log: folder.file("version"), stop).output
            guard version.hasPrefix(Self.dovecot) else {
                throw KitError(
                    .usage, "the lab needs Dovecot \(Self.dovecot)x, and this is \(version.prefix(20))",
                    hint: "on Debian 12: apt-get install dovecot-imapd")
            }
            password = String(UInt64.random(in: 0...UInt64.max), radix: 36)
            source = try LabServer("source", in: folder, password: password, stop)
            do throws(KitError) {
                archive = try LabServer("archive", in: folder, password: password, stop)
            } catch {
                source.stop()
                throw error
            }
        } catch {
            folder.remove()
            throw error.kind == .notFound
                ? KitError(.notFound, error.message, hint: "apt-get install dovecot-imapd") : error
        }
        (self.folder, stopFlag) = (folder, stop)
    }

    /// Ends the servers by their process ids and removes everything.
    func stop(keepsFolder: Bool = false) {
        postfix?.stop()
        cyrus?.stop()
        strict.withLock { $0 }?.stop()
        source.stop()
        archive.stop()
        if !keepsFolder { folder.remove() }
    }

    /// Brings mail to both servers, once it was started.
    var postfix: LabPostfix? { bringing.withLock { $0 } }

    func startPostfix() throws(KitError) {
        let started = try LabPostfix(
            in: folder, source: source.lmtpPort, archive: archive.lmtpPort, stopFlag)
        bringing.withLock { $0 = started }
    }

    /// The archive's server in `scenario`: the one that refuses large messages, once it was started, or the usual one.
    func archive(in scenario: Scenario) -> LabServer {
        scenario.refusesLarge ? strict.withLock { $0 } ?? archive : archive
    }

    func startStrict() throws(KitError) {
        let started = try LabServer("strict", in: folder, password: password, refusesLarge: true, stopFlag)
        strict.withLock { $0 = started }
    }

    /// Another source, with one account; once it was started.
    var cyrus: LabCyrus? { other.withLock { $0 } }

    func startCyrus(user: String) throws(KitError) -> LabCyrus {
        let started = try LabCyrus(in: folder, user: user, password: password, stopFlag)
        other.withLock { $0 = started }
        return started
    }

    func client(_ server: LabServer, _ user: String) throws(KitError) -> LabClient {
        try LabClient(address(server, user))
    }

    func address(_ server: LabServer, _ user: String, port: Int? = nil) -> LabAddress {
        LabAddress(port: port ?? server.port, user: user, password: password)
    }

    /// Fills the account `user` of the source with what `model` holds; its UIDs get gaps.
    func fill(_ user: String, with model: AccountModel) throws(KitError) {
        let client = try client(source, user)
        for mailbox in model.mailboxes.sorted() where mailbox != "INBOX" { try client.perform(.create(mailbox)) }
        for message in model.messages {
            if Scenario.gaps.contains(message.key) {
                try client.perform(.append("gap", to: message.mailbox))
                try client.perform(.expunge("gap", in: message.mailbox))
            }
            try client.append(Letter(message.key), to: message.mailbox, message.flags)
        }
    }

    /// A new account of the source with the mail of `template`, and an empty one of `archive` with the same name.
    func makeAccounts(_ user: String, like template: String, archive: LabServer) throws(KitError) {
        for server in [source, archive] {
            let home = try server.folder.folder("mail/\(user)")
            try own(home.path)
        }
        let copy = Invocation("cp", ["-a", source.mailFolder(of: template), source.mailFolder(of: user)])
        let result = try copy.run(log: folder.file("cp-\(user).log"), stopFlag)
        guard result.exitCode == 0 else { throw KitError(.ioFailed, "cannot copy an account: \(result.output)") }
    }

    func own(_ path: String) throws(KitError) {
        guard geteuid() == 0 else { return }
        guard unsafe chown(path, LabServer.owner.user, LabServer.owner.group) == 0 else {
            throw KitError(.ioFailed, "cannot give \(path) to the lab's servers")
        }
    }

    /// Without its lists of UIDs Dovecot gives every mailbox new ones, under a new UIDVALIDITY.
    func resetUIDValidity(of user: String, at server: LabServer) throws(KitError) {
        let maildir = LabFolder(existing: server.mailFolder(of: user))
        for mailbox in [""] + maildir.names().filter({ $0.hasPrefix(".") }) {
            for name in maildir.names(mailbox)
            where ["dovecot-uidlist", "dovecot.index", "dovecot.list.index"].contains(where: name.hasPrefix) {
                guard unsafe unlink(maildir.file(mailbox.isEmpty ? name : "\(mailbox)/\(name)")) == 0 else {
                    throw KitError(.ioFailed, "cannot reset the UIDVALIDITY of \(user)")
                }
            }
        }
    }

    /// Lists `mailbox` of an account of the source, and opens it or not.
    func letOpen(_ mailbox: String, of user: String, _ isOpen: Bool) throws(KitError) {
        let path = LabFolder(existing: source.mailFolder(of: user)).file(".\(mailbox)")
        guard unsafe chmod(path, isOpen ? 0o700 : 0) == 0 else {
            throw KitError(.ioFailed, "cannot change the rights of \(mailbox)")
        }
    }

    /// Of the account that copies are put back into.
    static let emptyUser = "empty"

    /// What a contender is told, with `proxies` before both servers.
    ///
    /// - Parameters:
    ///   - cyrus: the source, in place of Dovecot.
    ///   - other: the archive's server, in place of the usual one.
    func pair(
        _ user: String, _ label: String, proxies: LabProxies? = nil, cyrus: LabCyrus? = nil,
        archive other: LabServer? = nil
    ) throws(KitError) -> Pair {
        let archive = other ?? archive
        let folder = try folder.folder("runs/\(label)", mode: 0o700)
        return Pair(
            source: address(source, user, port: proxies?.source.port ?? cyrus?.address.port),
            archive: address(archive, user, port: proxies?.archive.port),
            empty: address(source, Self.emptyUser, port: proxies?.source.port), folder: folder.path,
            passwordFile: try folder.write("password", password + "\n"), archiveConfiguration: archive.configuration,
            sourceConfiguration: source.configuration,
            archiveMaildir: archive.mailFolder(of: user),
            sourceDoveadmPort: proxies?.doveadm.port ?? source.doveadmPort,
            sourcePrefix: cyrus == nil ? "" : LabCyrus.prefix, postfixConfiguration: postfix?.configuration ?? "")
    }
}

/// What stands before the servers of a pair: one for each port that a contender may use.
final class LabProxies: Sendable {
    let source: WireProxy
    /// Before the source's own protocol for doveadm.
    let doveadm: WireProxy
    let archive: WireProxy

    init(_ lab: Lab, line: LineMeasure = LineMeasure(), cyrus: LabCyrus? = nil) throws(KitError) {
        source = try WireProxy(before: cyrus?.address.port ?? lab.source.port, line: line)
        doveadm = try WireProxy(before: lab.source.doveadmPort, line: line)
        archive = try WireProxy(before: lab.archive.port, line: line)
    }

    /// Before the source and `archive`, keeping what is said.
    init(keepingLogs lab: Lab, archive: LabServer) throws(KitError) {
        source = try WireProxy(before: lab.source.port, logLimit: Self.logLimit)
        doveadm = try WireProxy(before: lab.source.doveadmPort, logLimit: Self.logLimit)
        self.archive = try WireProxy(before: archive.port, logLimit: Self.logLimit)
    }

    /// LIMIT: lines of a run that are kept, for each server.
    private static let logLimit = 80

    func stop() { for proxy in [source, doveadm, archive] { proxy.stop() } }

    /// What was counted since the last time.
    func take() -> Outcome.Wire {
        let (left, own, right) = (source.take(), doveadm.take(), archive.take())
        return Outcome.Wire(
            connections: left.connections + own.connections + right.connections,
            octetsFromSource: left.octetsFromServer + own.octetsFromServer,
            octetsToSource: left.octetsToServer + own.octetsToServer, octetsFromArchive: right.octetsFromServer,
            octetsToArchive: right.octetsToServer, sourceCommands: Array(left.commands.prefix(Self.commandLimit)),
            archiveCommands: Array(right.commands.prefix(Self.commandLimit)),
            sourceLog: left.log + own.log, archiveLog: right.log)
    }

    /// The sum of what went through all of them since the last time.
    func takeTotal() -> PerformanceReport.Wire {
        let all = [source, doveadm, archive].map { $0.take() }
        return PerformanceReport.Wire(
            connections: all.reduce(0) { $0 + $1.connections },
            octets: all.reduce(0) { $0 + $1.octetsFromServer + $1.octetsToServer },
            roundTrips: all.reduce(0) { $0 + $1.roundTrips })
    }

    /// LIMIT: commands of a run that go into the report.
    private static let commandLimit = 60

    /// Does `action` once so many octets came from the source, by whatever protocol.
    func arm(after octets: Int, _ action: @escaping @Sendable () -> Void) {
        for proxy in [source, doveadm] { proxy.arm(after: octets, action) }
    }

    /// Nothing is to happen any more; true when it has not happened.
    func disarm() -> Bool {
        let isWaiting = [source.disarm(), doveadm.disarm()]
        return !isWaiting.contains(false)
    }
}
