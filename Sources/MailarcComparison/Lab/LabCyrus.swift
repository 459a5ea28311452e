import FoundationEssentials
import Glibc
import MailarcKit

/// A private Cyrus IMAP server on a free port of 127.0.0.1, with one account; mailboxes are `INBOX.x`.
///
/// Debian's package conflicts with Dovecot's, so it may also lie unpacked in the folder `MAILARC_CYRUS` names.
final class LabCyrus: Sendable {
    let address: LabAddress
    private let process: pid_t

    /// What stands before every name but INBOX's.
    static let prefix = "INBOX."

    /// Where its programs are: `/`, or a folder they were unpacked into; `nil`: it is not installed.
    static var root: String? {
        let unpacked = unsafe getenv("MAILARC_CYRUS").map { unsafe String(cString: $0) }
        return ["", unpacked].compactMap { $0 }.first { Invocation.find("\($0)/usr/lib/cyrus/bin/master") != nil }
    }

    /// Starts it and waits for its greeting.
    ///
    /// - Throws: `.notFound` where it is not installed; `.ioFailed` with its own words.
    init(in lab: LabFolder, user: String, password: String, _ stop: StopFlag) throws(KitError) {
        guard let root = Self.root else { throw KitError(.notFound, "cyrus-imapd is not installed") }
        let folder = try lab.folder("cyrus")
        let port = try LoopbackSocket.freePort()
        let setup = Setup(root: root, folder: folder, port: port)
        try setup.write(user: user, password: password, stop)
        let master = setup.program("usr/lib/cyrus/bin/master", setup.masterArguments)
        process = try master.start(master.program, log: folder.file("start.log"))
        address = LabAddress(port: port, user: user, password: password)
        guard LabServer.greets(port, process) else {
            self.stop()
            let log = (try? String(contentsOfFile: folder.file("start.log"), encoding: .utf8)) ?? ""
            throw KitError(.ioFailed, "the lab's Cyrus does not start: \(log.suffix(500))")
        }
    }

    /// Ends it by its process id and waits.
    func stop() {
        kill(process, SIGTERM)
        let timer = DeadlineTimer(seconds: 10) { [process] in kill(process, SIGKILL) }
        while waitpid(process, nil, 0) < 0 && errno == EINTR {}
        _ = timer.cancel()
    }

    /// What it and everything it started has used until now.
    var processorSeconds: Double { ProcessFacts.seconds(ofTree: process) }

    /// As the server calls itself.
    var version: String {
        guard let descriptor = LoopbackSocket.connected(to: address.port) else { return "Cyrus IMAP" }
        defer { close(descriptor) }
        let greeting = String(decoding: LoopbackSocket.receive(descriptor), as: UTF8.self)
        guard let start = greeting.firstRange(of: "Cyrus IMAP")?.lowerBound else { return "Cyrus IMAP" }
        return greeting[start...].split(separator: " ").prefix(3).joined(separator: " ")
    }

    /// Puts every message of a Maildir++ into the account.
    func fill(from maildir: LabFolder, _ stop: StopFlag) throws(KitError) {
        let client = try LabClient(address)
        try client.run("CREATE INBOX")
        for folder in [""] + maildir.names().filter({ $0.hasPrefix(".") }) {
            let mailbox = folder.isEmpty ? "INBOX" : Self.prefix + folder.dropFirst()
            if !folder.isEmpty { try client.run("CREATE \"\(mailbox)\"") }
            for name in maildir.names("\(folder)/cur") {
                guard !stop.isStopped else { throw KitError(.cancelled, "interrupted") }
                let octets = (try? Data(contentsOf: URL(filePath: maildir.file("\(folder)/cur/\(name)")))) ?? Data()
                let date = Int64(name.prefix { $0.isNumber }) ?? 0
                try client.append(Array(octets).crlf, to: mailbox, [], date: date)
            }
        }
    }
}

/// The files one private Cyrus needs.
private struct Setup {
    let root: String
    let folder: LabFolder
    let port: Int

    /// Cyrus refuses to serve as root; "mail" exists on every Debian.
    private static var owner: String {
        guard geteuid() != 0 else { return "mail" }
        return unsafe getpwuid(geteuid()).map { unsafe String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
    }

    var masterArguments: [String] {
        ["-C", folder.file("imapd.conf"), "-M", folder.file("cyrus.conf"), "-p", folder.file("master.pid"), "-D"]
    }

    /// Libraries that were unpacked beside it.
    private var libraries: [String] {
        guard !root.isEmpty else { return [] }
        return ["usr/lib", "lib"].flatMap { parent in
            LabFolder(existing: "\(root)/\(parent)").names().filter { $0.hasSuffix("-linux-gnu") }
                .map { "\(root)/\(parent)/\($0)" }
        }
    }

    func program(_ path: String, _ arguments: [String]) -> Invocation {
        var invocation = Invocation("\(root)/\(path)", arguments)
        guard !root.isEmpty else { return invocation }
        invocation.environment = [
            "LD_LIBRARY_PATH": libraries.joined(separator: ":"),
            "SASL_PATH": libraries.map { $0 + "/sasl2" }.joined(separator: ":"),
        ]
        return invocation
    }

    func write(user: String, password: String, _ stop: StopFlag) throws(KitError) {
        for name in ["lib", "spool", "sasl", "run/lock", "run/proc", "run/socket"] { _ = try folder.folder(name) }
        try folder.write("imapd.conf", imapd, mode: 0o644)
        try folder.write("cyrus.conf", services, mode: 0o644)
        let secret = try folder.write("password", password)
        // saslpasswd2 reads the password from its standard input alone.
        var passwords = program(
            "usr/sbin/saslpasswd2", ["-p", "-c", "-f", folder.file("sasl/sasldb2"), "-u", "localhost", user])
        passwords = {
            var shell = Invocation(
                "sh", ["-c", "exec \"$@\" < \(secret)", "sh", passwords.program] + passwords.arguments)
            shell.environment = passwords.environment
            return shell
        }()
        var steps = [passwords]
        if geteuid() == 0 { steps.append(Invocation("chown", ["-R", "\(Self.owner):mail", folder.path])) }
        for step in steps {
            let result = try step.run(log: folder.file("setup.log"), stop)
            guard result.exitCode == 0 else {
                throw KitError(.ioFailed, "Cyrus cannot be set up: \(result.output.suffix(300))")
            }
        }
    }

    private var imapd: String {
        """
        configdirectory: \(folder.file("lib"))
        defaultpartition: default
        partition-default: \(folder.file("spool"))
        cyrus_user: \(Self.owner)
        cyrus_group: mail
        admins: admin
        altnamespace: no
        unixhierarchysep: no
        allowplaintext: yes
        sasl_mech_list: PLAIN LOGIN
        sasl_pwcheck_method: auxprop
        sasl_auxprop_plugin: sasldb
        sasl_sasldb_path: \(folder.file("sasl/sasldb2"))
        servername: localhost
        defaultdomain: localhost
        mboxname_lockpath: \(folder.file("run/lock"))
        proc_path: \(folder.file("run/proc"))
        lmtpsocket: \(folder.file("run/socket/lmtp"))
        idlesocket: \(folder.file("run/socket/idle"))
        notifysocket: \(folder.file("run/socket/notify"))
        sync_log: no
        conversations: 0
        maxmessagesize: 0

        """
    }

    private var services: String {
        let (bin, configuration) = ("\(root)/usr/lib/cyrus/bin", folder.file("imapd.conf"))
        return """
            START {
              recover cmd="\(bin)/ctl_cyrusdb -r -C \(configuration)"
            }
            SERVICES {
              imap cmd="\(bin)/imapd -U 100 -C \(configuration)" listen="127.0.0.1:\(port)" prefork=0
            }
            EVENTS {
              checkpoint cmd="\(bin)/ctl_cyrusdb -c -C \(configuration)" period=30
            }

            """
    }
}
