import FoundationEssentials
import Glibc
import MailarcKit

/// A private Postfix on a free port of 127.0.0.1 that brings mail to both servers of a lab; needs root.
///
/// `USER@lab.example` is the user's account of the source; BCC maps send a copy to that of the archive.
final class LabPostfix: Sendable {
    /// The folder of `main.cf`.
    let configuration: String
    let port: Int
    private let folder: LabFolder
    private let process: pid_t
    private let stopFlag: StopFlag

    /// Starts it and waits for its greeting.
    ///
    /// - Parameter ports: of LMTP at both servers.
    init(in lab: LabFolder, source: Int, archive: Int, _ stop: StopFlag) throws(KitError) {
        guard let program = Invocation.find("postfix") else {
            throw KitError(.notFound, "postfix is not installed")
        }
        let folder = try lab.folder("postfix")
        for name in ["etc", "spool", "data"] { _ = try folder.folder(name) }
        let owned = try Invocation("chown", ["postfix:postfix", folder.file("data")]).run(
            log: folder.file("chown.log"), stop)
        guard owned.exitCode == 0 else {
            throw KitError(.ioFailed, "there is no user postfix: \(owned.output)")
        }
        let port = try LoopbackSocket.freePort()
        for (name, text) in Self.files(folder, port: port, source: source, archive: archive) {
            try folder.write("etc/\(name)", text, mode: 0o644)
        }
        (self.folder, self.port, configuration, stopFlag) = (folder, port, folder.file("etc"), stop)
        process = try Invocation("postfix", ["-c", configuration, "start-fg"]).start(
            program, log: folder.file("start.log"))
        guard LabServer.greets(port, process) else {
            self.stop()
            let log = (try? String(contentsOfFile: folder.file("mail.log"), encoding: .utf8)) ?? ""
            throw KitError(.ioFailed, "the lab's Postfix does not start: \(log.suffix(500))")
        }
    }

    /// Ends it: the master by the process id it keeps, then what started it.
    func stop() {
        let master = (try? String(contentsOfFile: folder.file("spool/pid/master.pid"), encoding: .utf8))
            .flatMap { pid_t($0.filter(\.isNumber)) }
        if let master, master > 1 { kill(master, SIGTERM) }
        kill(process, SIGTERM)
        let timer = DeadlineTimer(seconds: 10) { [process] in
            if let master, master > 1 { kill(master, SIGKILL) }
            kill(process, SIGKILL)
        }
        while waitpid(process, nil, 0) < 0 && errno == EINTR {}
        _ = timer.cancel()
    }

    /// Hands `letter` over for `user`; it is on its way when this returns. RFC 5321
    func send(_ letter: Letter, to user: String) throws(KitError) {
        guard let descriptor = LoopbackSocket.connected(to: port) else { throw lost("no connection") }
        defer { close(descriptor) }
        var text = String(decoding: letter.octets, as: UTF8.self).replacing("\r\n.", with: "\r\n..")
        text += ".\r\n"
        let lines = [
            "", "HELO lab.example\r\n", "MAIL FROM:<anna@example.net>\r\n",
            "RCPT TO:<\(user)@lab.example>\r\n",
            "DATA\r\n", text, "QUIT\r\n",
        ]
        for line in lines {
            guard LoopbackSocket.send(Array(line.utf8), to: descriptor) else { throw lost("it hung up") }
            let answer = String(decoding: LoopbackSocket.receive(descriptor), as: UTF8.self)
            guard answer.hasPrefix("2") || answer.hasPrefix("354") else { throw lost(answer) }
        }
    }

    private func lost(_ reason: String) -> KitError {
        KitError(.ioFailed, "the lab's Postfix took no message: \(reason.prefix(200))")
    }

    private static func files(_ folder: LabFolder, port: Int, source: Int, archive: Int) -> [String:
        String]
    {
        let services =
            [
                "pickup unix n - n 60 1 pickup", "cleanup unix n - n - 0 cleanup",
                "qmgr unix n - n 300 1 qmgr",
            ]
            + [
                "rewrite unix - - n - - trivial-rewrite", "anvil unix - - n - 1 anvil",
                "lmtp unix - - n - - lmtp",
            ]
            + ["smtp unix - - n - - smtp", "relay unix - - n - - smtp", "showq unix n - n - - showq"]
            + [
                "flush unix n - n 1000? 0 flush", "proxymap unix - - n - - proxymap",
                "retry unix - - n - - error",
            ]
            + ["postlog unix-dgram n - n - 1 postlogd"]
            + ["bounce", "defer", "trace"].map { "\($0) unix - - n - 0 bounce" }
        return [
            "main.cf": """
            compatibility_level = 3.6
            queue_directory = \(folder.file("spool"))
            data_directory = \(folder.file("data"))
            maillog_file = \(folder.file("mail.log"))
            maillog_file_prefixes = \(folder.path)
            myhostname = mail.lab.example
            mydestination =
            alias_maps =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            local_header_rewrite_clients =
            smtpd_recipient_restrictions = permit_mynetworks, reject
            relay_domains = lab.example archive.example
            transport_maps = texthash:\(folder.file("etc/transport"))
            recipient_bcc_maps = regexp:\(folder.file("etc/bcc"))
            sender_bcc_maps = regexp:\(folder.file("etc/bcc"))

            """,
            "master.cf": (["127.0.0.1:\(port) inet n - n - - smtpd"] + services).joined(separator: "\n")
                + "\n",
            "transport":
                "lab.example lmtp:inet:127.0.0.1:\(source)\narchive.example lmtp:inet:127.0.0.1:\(archive)\n",
            "bcc": "/^(.+)@lab\\.example$/ ${1}@archive.example\n",
        ]
    }
}
