import Foundation
import Glibc
import MailarcTesting
import Testing

/// A line `mailarc watch --json` prints.
struct WatchLine: Decodable {
    struct Event: Decodable {
        let time, account, event, text: String
        let mailbox, method, side: String?
        let new, flagChanges, expunged: Int?
        let retryAfter: Double?
    }
    let schema: Int
    let command: String
    let result: Event
}

/// Runs `watch` beside `body`, stops it by a signal, and hands its lines to `ended`.
func watching(
    _ program: MailarcProgram, _ options: [String], _ signal: Int32 = SIGTERM, opens: Bool = true,
    _ body: (RunningProcess) async throws -> Void, ended: ([WatchLine.Event]) throws -> Void
) async throws {
    let watch = try program.command(["watch", "--json"] + options, opens: opens).start()
    do { try await body(watch) } catch {
        watch.signal(SIGKILL)
        let result = try await watch.waitAsync()
        Issue.record("the watch said:\n\(result.output.suffix(4_000))\(result.errors)")
        throw error
    }
    watch.signal(signal)
    let result = try await watch.waitAsync()
    #expect(result.exitCode == 0, "\(result.ending)\n\(result.output.suffix(4_000))\(result.errors)")
    let events = try result.output.split(separator: "\n").map { line in
        let line = try JSONDecoder().decode(WatchLine.self, from: Data(line.utf8))
        #expect(line.schema == 1 && line.command == "watch")
        return line.result
    }
    try ended(events)
}

/// Asks until it is so.
func wait(_ label: String, _ isSo: () async throws -> Bool) async throws {
    // LIMIT: far more than a change takes, so that a loaded machine does not fail.
    let deadline = Duration.seconds(90)
    let start = ContinuousClock.now
    while try await !isSo() {
        guard ContinuousClock.now - start < deadline else {
            throw ProcessFailure("\(label) did not come within \(deadline)")
        }
        try await Task.sleep(for: .milliseconds(20))
    }
    print("watch: \(label) after \(ContinuousClock.now - start)")
}
