import Foundation
import Glibc

/// A private Dovecot on free loopback ports, below a folder of its own.
///
/// Started as root it keeps the mail under uid 5000 (as a mail host does); unprivileged it runs everything as the
/// caller. Works with Dovecot 2.3. `stop()` ends it and, unless told otherwise, removes its folder.
public final class DovecotServer: Sendable {
    /// How mailboxes are stored.
    public enum Format: String, Sendable, CaseIterable {
        case maildir, mdbox
    }

    /// What to start.
    public struct Options: Sendable {
        public var users: [String: String] = ["anna": "secret"]
        public var format: Format = .maildir
        /// The hierarchy delimiter of the only namespace.
        public var separator: Character = "."
        /// Lines added at the end of the configuration, e.g. an `imap_capability` without an extension.
        public var extraConfiguration = ""
        /// Subject alternative names of the server certificate.
        public var certificateNames = ["DNS:localhost", "IP:127.0.0.1"]
        public var isCertificateExpired = false
        /// Refuse LOGIN and AUTHENTICATE PLAIN before TLS.
        public var requiresTLS = false
        public var mechanisms = "plain login scram-sha-256"
        /// Takes mail by LMTP, for `USER@` any domain.
        public var takesLMTP = false
        /// Serves POP3, too.
        public var servesPOP3 = false

        public init() {}

        /// The whole capability line, for servers that should look poorer than they are.
        public static func withCapabilities(_ capabilities: String) -> Options {
            var options = Options()
            options.extraConfiguration = "imap_capability = \(capabilities)\n"
            return options
        }
    }

    public let options: Options
    public let folder: TestFolder
    public let certificates: TestCertificates
    /// Plain IMAP and STARTTLS.
    public let port: Int
    /// IMAP over implicit TLS.
    public let tlsPort: Int
    /// LMTP, where ``Options/takesLMTP`` says so.
    public let lmtpPort: Int
    /// Plain POP3 and STLS, and POP3 over implicit TLS, where ``Options/servesPOP3`` says so.
    public let pop3Port: Int
    public let pop3TLSPort: Int
    public let host = "127.0.0.1"
    private let process: RunningProcess

    /// Why Dovecot cannot be run here, or nil when it can.
    public static var reasonNotRunnable: String? {
        findExecutable("dovecot") == nil ? "dovecot is not installed" : nil
    }

    /// Why it cannot take mail by LMTP here, or nil when it can.
    public static var reasonNoLMTP: String? { reasonNo("lmtp") }

    /// Why it cannot serve POP3 here, or nil when it can.
    public static var reasonNoPOP3: String? { reasonNo("pop3") }

    private static func reasonNo(_ service: String) -> String? {
        // Beside the other services, out of every PATH.
        let path = "/usr/lib/dovecot/\(service)"
        return reasonNotRunnable ?? (findExecutable(path) == nil ? "dovecot-\(service)d is not installed" : nil)
    }

    /// Starts Dovecot and returns once it greets on both ports.
    ///
    /// - Throws: ``ProcessFailure`` with Dovecot's own words after three attempts (a free port may be taken meanwhile).
    public static func start(_ options: Options = Options()) async throws -> DovecotServer {
        if let reason = reasonNotRunnable { throw ProcessFailure(reason) }
        // Unix sockets live below: their paths end at 107 octets, so the folder is not put below a deep TMPDIR.
        let folder = try TestFolder("dovecot", in: "/tmp")
        let certificates = try await TestCertificates.make(
            in: folder, names: options.certificateNames, isExpired: options.isCertificateExpired)
        var words = ""
        for _ in 0..<3 {
            let ports = try Loopback.freePorts(5)
            let configuration = DovecotConfiguration(
                options: options, folder: folder, certificates: certificates, ports: ports)
            let path = try configuration.write()
            let process = try launch(path)
            if Loopback.awaitGreeting(port: ports[0], within: .seconds(20), while: { process.isRunning }) != nil {
                return DovecotServer(
                    options: options, folder: folder, certificates: certificates, ports: ports, process: process)
            }
            process.signal(SIGKILL)
            let result = try await process.waitAsync()
            words = result.errors + (try? String(contentsOfFile: folder.file("dovecot.log"), encoding: .utf8)).orEmpty
        }
        folder.remove()
        throw ProcessFailure("dovecot did not start: \(words)")
    }

    private init(
        options: Options, folder: TestFolder, certificates: TestCertificates, ports: [Int], process: RunningProcess
    ) {
        self.options = options
        self.folder = folder
        self.certificates = certificates
        (port, tlsPort, lmtpPort) = (ports[0], ports[1], ports[2])
        (pop3Port, pop3TLSPort) = (ports[3], ports[4])
        self.process = process
    }

    private static func launch(_ configuration: String) throws -> RunningProcess {
        var command = ProcessCommand("dovecot", ["-F", "-c", configuration])
        command.timeout = .seconds(3600)
        return try command.start()
    }

    /// The Maildir or mdbox root of a user; it exists once the user has logged in or ``makeMaildir(of:)`` made it.
    public func mailFolder(of user: String) -> String {
        folder.file("mail/\(user)/\(options.format == .maildir ? "Maildir" : "mdbox")")
    }

    /// An empty Maildir++ for `user` to fill before the first login; call ``adopt(user:)`` afterwards.
    public func makeMaildir(of user: String) throws -> MaildirFiller {
        try MaildirFiller(root: mailFolder(of: user))
    }

    /// Gives everything below the user's home to the server's mail user.
    public func adopt(user: String) async throws {
        guard geteuid() == 0 else { return }
        try await ProcessCommand("chown", ["-R", "5000:5000", folder.file("mail/\(user)")]).runSuccessfully()
    }

    /// Everything the server logged.
    public var log: String { (try? String(contentsOfFile: folder.file("dovecot.log"), encoding: .utf8)).orEmpty }

    /// Runs `doveadm` against this server's configuration.
    @discardableResult
    public func doveadm(_ arguments: [String]) async throws -> ProcessResult {
        try await ProcessCommand("doveadm", ["-c", folder.file("dovecot.conf")] + arguments).runSuccessfully()
    }

    /// Waits until `user` has no session: one whose client was killed is still at work on what it was sent.
    public func finishSessions(of user: String = "anna") async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            let sessions = try await doveadm(["who", "-1", user]).output.split(separator: "\n")
            guard sessions.contains(where: { $0.hasPrefix("\(user) ") }) else { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw ProcessFailure("sessions of \(user) do not end")
    }

    /// Puts `message` into a mailbox of `user`, as a delivery agent does.
    public func deliver(_ message: String, to mailbox: String, user: String = "anna") async throws {
        var command = ProcessCommand(
            "doveadm", ["-c", folder.file("dovecot.conf"), "save", "-u", user, "-m", mailbox])
        command.input = Array(message.utf8)
        try await command.runSuccessfully()
    }

    /// Starts the server again where it stood: same folder, same ports. Call it after `stop(keepsFolder: true)`.
    public func restarted() async throws -> DovecotServer {
        let process = try Self.launch(folder.file("dovecot.conf"))
        guard Loopback.awaitGreeting(port: port, within: .seconds(20), while: { process.isRunning }) != nil else {
            throw ProcessFailure("dovecot did not start again: \(log)")
        }
        return DovecotServer(
            options: options, folder: folder, certificates: certificates,
            ports: [port, tlsPort, lmtpPort, pop3Port, pop3TLSPort], process: process)
    }

    /// Ends the server by its process id and removes its folder.
    public func stop(keepsFolder: Bool = false) async {
        _ = try? await process.stop()
        if !keepsFolder { folder.remove() }
    }
}

extension DovecotServer {
    /// Starts a server, hands it to `body`, and stops it however `body` ends.
    public static func with<R>(
        _ options: Options = Options(), _ body: (DovecotServer) async throws -> R
    ) async throws -> R {
        let server = try await start(options)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }
}

extension String? {
    fileprivate var orEmpty: String { self ?? "" }
}
