import Foundation
import Glibc

/// An IMAP server that misbehaves in one chosen way (`Fixtures/bin/malicious-imap.py`), in a process of its own.
public final class MaliciousServer: Sendable {
    public let port: Int
    public let folder: TestFolder
    /// Present when the server offers STARTTLS.
    public let certificates: TestCertificates?
    private let process: RunningProcess

    /// Starts it and returns once it listens.
    public static func start(_ mode: String, offersTLS: Bool = false) async throws -> MaliciousServer {
        let folder = try TestFolder("malicious")
        let certificates = offersTLS ? try await TestCertificates.make(in: folder) : nil
        let output = folder.file("port")
        // Its only word is the port: taken by a shell redirection, so that nothing has to be drained.
        let script = [Repository.script("malicious-imap.py"), mode]
        let arguments = script + (certificates.map { [$0.certificate, $0.key] } ?? [])
        var command = ProcessCommand(
            "sh", ["-c", "out=$1; shift; exec python3 \"$@\" > \"$out\"", "sh", output] + arguments)
        command.timeout = .seconds(600)
        let process = try command.start()
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline, process.isRunning {
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            if text.hasSuffix("\n"), let port = Int(text.dropLast()) {
                return MaliciousServer(port: port, folder: folder, certificates: certificates, process: process)
            }
            poll(nil, 0, 10)
        }
        let result = try await process.stop()
        throw ProcessFailure("malicious-imap.py did not start: \(result.errors)")
    }

    private init(port: Int, folder: TestFolder, certificates: TestCertificates?, process: RunningProcess) {
        (self.port, self.folder, self.certificates, self.process) = (port, folder, certificates, process)
    }

    public func stop() async {
        process.signal(SIGKILL)
        _ = try? await process.waitAsync()
        folder.remove()
    }
}
