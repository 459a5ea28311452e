import Foundation
import MailCore

/// A directory that goes with the test.
final class TemporaryFolder {
    let path: String
    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("formats-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let url = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }
}

/// Every message of a mailbox, in ascending UID order, with its octets.
func everything(_ store: some MailStore, _ mailbox: MailboxName) async throws -> [(
    summary: MessageSummary, octets: [UInt8]
)] {
    let observation = try await store.observe(mailbox, since: nil)
    guard case .full(let summaries) = observation.content else { return [] }
    var octets: [UID: [UInt8]] = [:]
    let report = try await store.fetch(summaries, from: mailbox, uidValidity: observation.status.uidValidity) {
        message in
        var all: [UInt8] = []
        while let piece = try await message.next() { all += piece }
        octets[message.uid] = all
    }
    return summaries.compactMap { summary in
        report.delivered.contains(summary.uid) ? octets[summary.uid].map { (summary, $0) } : nil
    }
}

enum Corpora {
    static func url(_ path: String) -> URL? {
        guard let root = ProcessInfo.processInfo.environment["MAILARC_CORPORA"] else {
            print("not run: MAILARC_CORPORA is not set")
            return nil
        }
        return URL(fileURLWithPath: root).appendingPathComponent(path)
    }
}
