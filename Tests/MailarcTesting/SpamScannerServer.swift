import Foundation
import Glibc

/// A real SpamAssassin or Rspamd on this machine, without any network, below a folder of its own.
public final class SpamScannerServer: Sendable {
    public enum Program: String, Sendable, CaseIterable { case spamd, rspamd }

    /// As `[capture] scanner` has it: a TCP port, and a unix socket.
    public let tcp: String
    public let unix: String
    private let folder: TestFolder
    private let process: RunningProcess

    /// The subject's word for which ``Program/rspamd`` gives 9.5 points and says `add header`.
    public static let word = "buy"
    /// A line that both call spam, whatever else they think. gtube.net
    public static let gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

    public static func isInstalled(_ program: Program) -> Bool { findExecutable(program.rawValue) != nil }

    /// Starts it and returns once it says that it serves.
    public static func start(_ program: Program) async throws -> SpamScannerServer {
        let folder = try TestFolder(program.rawValue, in: "/tmp")
        let port = try Loopback.freePorts(1)[0]
        let socket = folder.file("socket")
        var command: ProcessCommand
        let word: String
        switch program {
        case .spamd:
            // One listens at one kind of address: the second comes by `--listen` again.
            command = ProcessCommand(
                "spamd",
                [
                    "--local", "--nouser-config", "--max-children", "2", "--listen", "127.0.0.1:\(port)", "--listen",
                    socket, "--helper-home-dir", folder.path, "--syslog", "stderr",
                ])
            word = "server started"
        case .rspamd:
            try folder.write("rspamd.conf", configuration(folder, port, socket))
            try folder.write("word.lua", rule)
            // -i: it may run as root, as these tests do.
            command = ProcessCommand("rspamd", ["-i", "-f", "-c", folder.file("rspamd.conf")])
            word = "loading hyperscan expressions"
        }
        command.timeout = .seconds(3_600)
        let process = try command.start()
        let deadline = ContinuousClock.now + .seconds(120)
        while !(process.outputSoFar + process.errorsSoFar).contains(word) {
            guard process.isRunning, ContinuousClock.now < deadline else {
                process.signal(SIGKILL)
                let result = try await process.waitAsync()
                folder.remove()
                throw ProcessFailure("\(program.rawValue) did not start: \(result.errors)\(result.output)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return SpamScannerServer(
            tcp: "\(program.rawValue):127.0.0.1:\(port)", unix: "\(program.rawValue):unix:\(socket)", folder: folder,
            process: process)
    }

    private init(tcp: String, unix: String, folder: TestFolder, process: RunningProcess) {
        (self.tcp, self.unix, self.folder, self.process) = (tcp, unix, folder, process)
    }

    /// Starts one, hands it to `body`, and stops it however `body` ends.
    public static func with<R>(_ program: Program, _ body: (SpamScannerServer) async throws -> R) async throws -> R {
        let server = try await start(program)
        do {
            let result = try await body(server)
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    public func stop() async {
        _ = try? await process.stop()
        folder.remove()
    }

    private static func configuration(_ folder: TestFolder, _ port: Int, _ socket: String) -> String {
        """
        options {
          pidfile = "\(folder.file("pid"))";
          tempdir = "\(folder.path)";
          control_socket = "\(folder.file("control"))";
          cache_file = "\(folder.file("cache"))";
          url_tld = "/usr/share/rspamd/effective_tld_names.dat";
          filters = "";
          dns { timeout = 1s; retransmits = 1; nameserver = ["127.0.0.1:1"]; }
        }
        logging { type = "console"; level = "info"; }
        actions { reject = 15; add_header = 6; greylist = 4; }
        worker "normal" { bind_socket = "127.0.0.1:\(port)"; bind_socket = "\(socket) mode=0666"; count = 1; }
        lua = "\(folder.file("word.lua"))";

        """
    }

    private static let rule = """
        rspamd_config:register_symbol{name="LAB_WORD", type="normal", callback=function(task)
          if (task:get_subject() or ""):find("\(word)") then return true end
        end}
        rspamd_config:set_metric_symbol({name="LAB_WORD", score=9.5})

        """
}
