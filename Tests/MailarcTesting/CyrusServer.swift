import Foundation
import Glibc

/// A private Cyrus IMAP server from unpacked Debian packages, on a free loopback port.
///
/// A fresh account has no INBOX until something creates it, and mailboxes are named `INBOX.x`. Plain IMAP only.
public final class CyrusServer: Sendable {
    public let folder: TestFolder
    public let port: Int
    public let user: String
    public let password: String
    public let host = "127.0.0.1"
    private let process: RunningProcess

    /// Where the unpacked packages are kept between runs.
    ///
    /// Not below the home: as root that is closed to the user Cyrus runs as.
    public static var cache: String { "/var/tmp/mailarc-tests-\(geteuid())/cyrus" }

    /// Unpacks the packages unless that was done before, and starts the server; returns once it greets.
    ///
    /// - Parameter fixtures: the folder `Fixtures` of this package.
    /// - Returns: nil after printing why, when the packages cannot be had here.
    public static func start(
        fixtures: String, user: String = "anna", password: String = "secret"
    ) async throws -> CyrusServer? {
        var fetch = ProcessCommand("\(fixtures)/bin/fetch-cyrus", [cache])
        fetch.timeout = .seconds(180)
        let fetched = try await fetch.run()
        guard fetched.isSuccess else {
            print("not run: \(fetched.isTimedOut ? "fetching cyrus took too long" : fetched.output)")
            return nil
        }
        let folder = try TestFolder("cyrus", in: "/tmp")
        let port = try Loopback.freePorts(1)[0]
        let setup = Setup(root: cache + "/root", folder: folder, port: port)
        try await setup.write(user: user, password: password)
        let process = try setup.command("usr/lib/cyrus/bin/master", setup.masterArguments).start()
        if Loopback.awaitGreeting(port: port, within: .seconds(20), while: { process.isRunning }) != nil {
            return CyrusServer(folder: folder, port: port, user: user, password: password, process: process)
        }
        let result = try await process.stop()
        folder.remove()
        throw ProcessFailure("cyrus did not start: \(result.ending) \(result.output)\(result.errors)")
    }

    private init(folder: TestFolder, port: Int, user: String, password: String, process: RunningProcess) {
        (self.folder, self.port, self.user, self.password) = (folder, port, user, password)
        self.process = process
    }

    /// Ends the server by its process id and removes its folder.
    public func stop() async {
        _ = try? await process.stop()
        folder.remove()
    }
}

/// The files one private Cyrus needs.
private struct Setup {
    let root: String
    let folder: TestFolder
    let port: Int

    /// Cyrus refuses to serve as root; "mail" exists on every Debian.
    var owner: String { geteuid() == 0 ? "mail" : NSUserName() }

    var masterArguments: [String] {
        ["-C", folder.file("imapd.conf"), "-M", folder.file("cyrus.conf"), "-p", folder.file("master.pid"), "-D"]
    }

    var libraries: [String] {
        ["usr/lib", "lib"].flatMap { parent in
            let folders = (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(parent)")) ?? []
            return folders.filter { $0.hasSuffix("-linux-gnu") }.map { "\(root)/\(parent)/\($0)" }
        }
    }

    func command(_ path: String, _ arguments: [String]) -> ProcessCommand {
        var command = ProcessCommand("\(root)/\(path)", arguments)
        command.environment = [
            "LD_LIBRARY_PATH": libraries.joined(separator: ":"),
            "SASL_PATH": libraries.map { $0 + "/sasl2" }.joined(separator: ":"),
        ]
        command.timeout = .seconds(3600)
        return command
    }

    func write(user: String, password: String) async throws {
        for name in ["lib", "spool", "sasl", "run/lock", "run/proc", "run/socket"] {
            try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
        }
        try folder.write("imapd.conf", imapd)
        try folder.write("cyrus.conf", services)
        var passwords = command(
            "usr/sbin/saslpasswd2", ["-p", "-c", "-f", folder.file("sasl/sasldb2"), "-u", "localhost", user])
        passwords.input = Array(password.utf8)
        passwords.timeout = .seconds(30)
        try await passwords.runSuccessfully()
        if geteuid() == 0 {
            try await ProcessCommand("chown", ["-R", "\(owner):mail", folder.path]).runSuccessfully()
        }
    }

    private var imapd: String {
        """
        configdirectory: \(folder.file("lib"))
        defaultpartition: default
        partition-default: \(folder.file("spool"))
        cyrus_user: \(owner)
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
        let bin = "\(root)/usr/lib/cyrus/bin"
        let configuration = folder.file("imapd.conf")
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
