import FoundationEssentials
import Glibc
import MailarcKit

/// A private Dovecot 2.3 on free ports of 127.0.0.1, below a folder of the lab. Every user has the lab's password.
///
/// Started as root it keeps mail under a user of its own, as mail hosts do; otherwise everything is the caller's.
final class LabServer: Sendable {
    let folder: LabFolder
    let port: Int
    /// Of `doveadm`'s own protocol.
    let doveadmPort: Int
    /// Takes mail for `USER@` any domain, where ``lmtp`` is installed.
    let lmtpPort: Int
    let configuration: String
    private let process: pid_t
    private let stopFlag: StopFlag

    /// What takes mail by LMTP.
    static let lmtp = "/usr/lib/dovecot/lmtp"

    /// uid and gid of mail; nobody's name is needed.
    static var owner: (user: uid_t, group: gid_t) { geteuid() == 0 ? (5000, 5000) : (geteuid(), getegid()) }

    /// LIMIT: octets of a message that a server takes which refuses large ones.
    static let largestTaken = 20_480

    /// Starts it and waits for its greeting.
    ///
    /// - Parameter refusesLarge: it says NO to messages above ``largestTaken``.
    /// - Throws: `.notFound` without Dovecot, `.ioFailed` with Dovecot's own words when it does not start.
    init(
        _ name: String, in lab: LabFolder, password: String, refusesLarge: Bool = false, _ stop: StopFlag
    ) throws(KitError) {
        guard let program = Invocation.find("dovecot") else {
            throw KitError(.notFound, "dovecot is not installed", hint: "apt-get install dovecot-imapd")
        }
        let folder = try lab.folder(name)
        let mail = try folder.folder("mail", mode: 0o700)
        if geteuid() == 0 { _ = unsafe chown(mail.path, Self.owner.user, Self.owner.group) }
        (self.folder, stopFlag) = (folder, stop)
        let launched = try Self.launch(program, folder, password, refusesLarge)
        (port, doveadmPort, lmtpPort) = (launched.ports[0], launched.ports[1], launched.ports[2])
        (configuration, process) = (launched.configuration, launched.process)
    }

    /// LIMIT: somebody else may take a port that was free a moment ago; nobody does so often.
    private static let attempts = 5

    private static func launch(
        _ program: String, _ folder: LabFolder, _ password: String, _ refusesLarge: Bool
    ) throws(KitError) -> (ports: [Int], configuration: String, process: pid_t) {
        var attempt = 1
        while true {
            let ports = try (0..<3).map { _ throws(KitError) in try LoopbackSocket.freePort() }
            let made = LabServerConfiguration(
                folder: folder, ports: ports, password: password, refusesLarge: refusesLarge)
            let configuration = try folder.write("dovecot.conf", made.text)
            let process = try Invocation(program, ["-F", "-c", configuration]).start(
                program, log: folder.file("start.log"))
            if greets(ports[0], process) { return (ports, configuration, process) }
            kill(process, SIGKILL)
            _ = waitpid(process, nil, 0)
            let log = (try? String(contentsOfFile: folder.file("dovecot.log"), encoding: .utf8)) ?? ""
            guard attempt < attempts, log.contains("Address already in use") else {
                throw KitError(.ioFailed, "the lab's Dovecot does not start: \(log.suffix(500))")
            }
            attempt += 1
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

    func mailFolder(of user: String) -> String { folder.file("mail/\(user)/Maildir") }

    /// Waits for the port to answer, at most 20 seconds.
    static func greets(_ port: Int, _ process: pid_t) -> Bool {
        let deadline = ContinuousClock.now + .seconds(20)
        var info = unsafe siginfo_t()
        repeat {
            if let descriptor = LoopbackSocket.connected(to: port) {
                defer { close(descriptor) }
                return !LoopbackSocket.receive(descriptor).isEmpty
            }
            // A refused connection returns at once: the core is for the server meanwhile.
            poll(nil, 0, 10)
            let code = unsafe waitid(P_PID, id_t(process), &info, WEXITED | WNOHANG | WNOWAIT)
            let signal = unsafe info.si_signo
            guard code == 0, signal == 0 else { return false }
        } while ContinuousClock.now < deadline
        return false
    }
}

/// The configuration file of a ``LabServer``.
struct LabServerConfiguration {
    let folder: LabFolder
    /// IMAP, doveadm's own protocol, LMTP.
    let ports: [Int]
    let password: String
    let refusesLarge: Bool

    private var quota: String {
        guard refusesLarge else { return "" }
        return """
            mail_plugins = quota
            plugin {
              quota = count:User quota
              quota_vsizes = yes
              quota_max_mail_size = \(LabServer.largestTaken)
            }
            """
    }

    private var takesLMTP: Bool { Invocation.find(LabServer.lmtp) != nil }

    /// LMTP names the mailbox's owner with a domain, IMAP without.
    private var lmtp: String {
        guard takesLMTP else { return "" }
        return """
            auth_username_format = %Ln
            postmaster_address = postmaster@lab.example
            service lmtp {
              inet_listener lmtp {
                address = 127.0.0.1
                port = \(ports[2])
              }
            }
            """
    }

    var text: String {
        let (user, group) = LabServer.owner
        return """
            base_dir = \(folder.file("run"))
            state_dir = \(folder.file("run"))
            instance_name = \(folder.path.split(separator: "/").last ?? "lab")
            log_path = \(folder.file("dovecot.log"))
            protocols = imap\(takesLMTP ? " lmtp" : "")
            listen = 127.0.0.1
            ssl = no
            disable_plaintext_auth = no
            auth_mechanisms = plain login
            passdb {
              driver = static
              args = password=\(password)
            }
            userdb {
              driver = static
              args = uid=\(user) gid=\(group) home=\(folder.file("mail"))/%u allow_all_users=yes
            }
            first_valid_uid = \(user)
            first_valid_gid = \(group)
            mail_location = maildir:~/Maildir
            mailbox_list_index = yes
            namespace inbox {
              inbox = yes
              separator = .
            }
            mail_max_userip_connections = 100
            default_vsz_limit = 1G
            service imap-login {
              inet_listener imap {
                port = \(ports[0])
              }
              inet_listener imaps {
                port = 0
              }
              \(geteuid() == 0 ? "" : "chroot =")
            }
            service anvil {
              client_limit = 1000
              \(geteuid() == 0 ? "" : "chroot =")
            }
            service stats {
              client_limit = 1000
              \(geteuid() == 0 ? "" : "chroot =")
            }
            doveadm_password = \(password)
            service doveadm {
              inet_listener {
                address = 127.0.0.1
                port = \(ports[1])
              }
            }
            imapc_host = 127.0.0.1
            imapc_ssl = no
            imapc_password = \(password)
            imapc_features = rfc822.size fetch-headers
            mail_prefetch_count = 20
            \(lmtp)
            \(quota)
            \(unprivileged)
            """ + "\n"
    }

    /// Without root there is nobody to become.
    private var unprivileged: String {
        guard geteuid() != 0 else { return "" }
        let name = unsafe getpwuid(geteuid()).map { unsafe String(cString: $0.pointee.pw_name) } ?? "\(geteuid())"
        return "default_internal_user = \(name)\ndefault_internal_group =\ndefault_login_user = \(name)"
    }
}
