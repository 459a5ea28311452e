import Foundation
import Glibc

/// A server script in a process of its own, whose only word is the port it listens at.
enum PortedProgram {
    /// Starts `python3` with `arguments` and returns once it listens.
    static func start(_ arguments: [String], in folder: TestFolder) async throws -> (port: Int, process: RunningProcess)
    {
        let output = folder.file("port")
        // Taken by a shell redirection, so that nothing has to be drained.
        var command = ProcessCommand(
            "sh", ["-c", "out=$1; shift; exec python3 \"$@\" > \"$out\"", "sh", output] + arguments)
        command.timeout = .seconds(600)
        let process = try command.start()
        let deadline = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < deadline, process.isRunning {
            let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
            if text.hasSuffix("\n"), let port = Int(text.dropLast()) { return (port, process) }
            poll(nil, 0, 10)
        }
        let result = try await process.stop()
        throw ProcessFailure("\(arguments[0]) did not start: \(result.errors)")
    }
}
