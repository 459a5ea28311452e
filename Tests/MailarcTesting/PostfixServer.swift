import Foundation
import Glibc

/// A private Postfix on a free loopback port, below a folder of its own; needs root.
///
/// Mail for `lab.test` and `archive.test`, where BCC maps send copies, goes to where the options say; everything else is
/// thrown away after it was taken.
public final class PostfixServer: Sendable {
    public struct Options: Sendable {
        /// As transport(5) names it: `lmtp:unix:/path`, `lmtp:inet:127.0.0.1:2424`, `mailarc:` of ``masterLines``.
        public var archiveTransport: String
        /// The same for `lab.test`.
        public var ownTransport = "discard:"
        /// `recipient address` lines of `recipient_bcc_maps` and `sender_bcc_maps`.
        public var recipientBCC: [String] = []
        public var senderBCC: [String] = []
        public var mainLines = ""
        public var masterLines = ""
        /// Without the maps and domains of the archive: somebody else writes them.
        public var isBare = false
        /// Runs with the folder of main.cf, before the server starts.
        public var prepare: (@Sendable (String) async throws -> Void)?

        public init(archiveTransport: String) { self.archiveTransport = archiveTransport }
    }

    public let folder: TestFolder
    public let port: Int
    private let process: RunningProcess

    /// Why Postfix cannot be run here, or nil when it can.
    public static var reasonNotRunnable: String? {
        if findExecutable("postfix") == nil { return "postfix is not installed" }
        return geteuid() == 0 ? nil : "postfix needs root"
    }

    /// Starts Postfix and returns once it greets.
    ///
    /// - Throws: ``ProcessFailure`` with Postfix's own words.
    public static func start(_ options: Options) async throws -> PostfixServer {
        if let reason = reasonNotRunnable { throw ProcessFailure(reason) }
        let folder = try TestFolder("postfix", in: "/tmp")
        let port = try Loopback.freePorts(1)[0]
        try write(options, folder, port)
        for name in ["spool", "data"] {
            try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        }
        try await ProcessCommand("chown", ["postfix:postfix", folder.file("data")]).runSuccessfully()
        do { try await options.prepare?(folder.file("etc")) } catch {
            folder.remove()
            throw error
        }
        var command = ProcessCommand("postfix", ["-c", folder.file("etc"), "start-fg"])
        command.timeout = .seconds(3_600)
        let process = try command.start()
        guard Loopback.awaitGreeting(port: port, within: .seconds(30), while: { process.isRunning }) != nil else {
            process.signal(SIGKILL)
            let result = try await process.waitAsync()
            let log = (try? String(contentsOfFile: folder.file("mail.log"), encoding: .utf8)) ?? ""
            folder.remove()
            throw ProcessFailure("postfix did not start: \(result.errors)\(result.output)\(log)")
        }
        return PostfixServer(folder: folder, port: port, process: process)
    }

    private init(folder: TestFolder, port: Int, process: RunningProcess) {
        (self.folder, self.port, self.process) = (folder, port, process)
    }

    /// Starts a server, hands it to `body`, and stops it however `body` ends.
    public static func with<R>(_ options: Options, _ body: (PostfixServer) async throws -> R) async throws -> R {
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

    /// Everything the server logged.
    public var log: String { (try? String(contentsOfFile: folder.file("mail.log"), encoding: .utf8)) ?? "" }

    /// Whether the messages with these queue ids are with all recipients of `domain` each is for.
    public func hasDelivered(_ ids: [String], to domain: String) -> Bool {
        let lines = log.split(separator: "\n").filter { $0.contains("@\(domain)>") && $0.contains("status=sent") }
        return ids.allSatisfy { id in lines.contains { $0.contains(" \(id): to=<") } }
    }

    /// Messages that wait for their delivery.
    public func queued() async throws -> Int {
        let result = try await ProcessCommand("postqueue", ["-c", folder.file("etc"), "-j"]).runSuccessfully()
        return result.output.split(separator: "\n").count
    }

    /// Tries to deliver everything that waits now.
    public func flush() async throws {
        try await ProcessCommand("postqueue", ["-c", folder.file("etc"), "-f"]).runSuccessfully()
    }

    /// Ends the master, which outlives the process that started it, by the process id it keeps, and removes the folder.
    public func stop() async {
        _ = try? await ProcessCommand("postfix", ["-c", folder.file("etc"), "stop"]).run()
        _ = try? await process.stop()
        folder.remove()
    }

    private static func maps(_ options: Options, _ folder: TestFolder) -> String {
        guard !options.isBare else { return "relay_domains = lab.test" }
        return """
            relay_domains = lab.test archive.test
            transport_maps = texthash:\(folder.file("etc/transport"))
            recipient_bcc_maps = texthash:\(folder.file("etc/recipient_bcc"))
            sender_bcc_maps = texthash:\(folder.file("etc/sender_bcc"))
            """
    }

    private static func write(_ options: Options, _ folder: TestFolder, _ port: Int) throws {
        try folder.write("etc/recipient_bcc", options.recipientBCC.joined(separator: "\n") + "\n")
        try folder.write("etc/sender_bcc", options.senderBCC.joined(separator: "\n") + "\n")
        let transports =
            options.isBare ? "" : "archive.test \(options.archiveTransport)\n* discard:\n"
        try folder.write("etc/transport", "lab.test \(options.ownTransport)\n\(transports)")
        try folder.write(
            "etc/main.cf",
            """
            compatibility_level = 3.6
            queue_directory = \(folder.file("spool"))
            data_directory = \(folder.file("data"))
            maillog_file = \(folder.file("mail.log"))
            maillog_file_prefixes = /tmp
            myhostname = mail.lab.test
            mydestination =
            local_recipient_maps =
            alias_maps =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            \(maps(options, folder))
            queue_run_delay = 1s
            minimal_backoff_time = 1s
            maximal_backoff_time = 2s
            lmtp_connect_timeout = 5s
            smtpd_client_connection_rate_limit = 0
            smtpd_client_connection_count_limit = 0
            message_size_limit = 104857600
            \(options.mainLines)

            """)
        try folder.write(
            "etc/master.cf",
            """
            127.0.0.1:\(port) inet n - n - - smtpd
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 1 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            flush unix n - n 1000? 0 flush
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            showq unix n - n - - showq
            error unix - - n - - error
            retry unix - - n - - error
            discard unix - - n - - discard
            lmtp unix - - n - - lmtp
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            postlog unix-dgram n - n - 1 postlogd
            \(options.masterLines)

            """)
    }
}
