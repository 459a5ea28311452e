import Foundation
import MailCore
import MailFormats
import Testing

@Suite("Large mbox files")
struct MboxScaleTests {
    private func text(_ number: Int, _ body: String) -> String {
        "From a@b Thu Nov 20 10:00:00 2003\nSubject: \(number)\n\n\(body)\n\n"
    }

    @Test("equal headers get UIDs next to each other, and every message is there; others in between keep theirs")
    func equalHeaders() async throws {
        let folder = try TemporaryFolder()
        try folder.write("box", text(1, "alone"))
        let name = MailboxName("box")
        let alone = try await everything(try MboxStore(path: folder.path + "/box"), name)
        // So many that looking at each UID in the row for each of them would not end.
        let count = 200_000
        let file = try #require(FileHandle(forWritingAtPath: folder.path + "/box"))
        for _ in 0..<count / 1_000 {
            try file.seekToEnd()
            try file.write(contentsOf: Data((0..<1_000).map { text(2, "\($0)") }.joined().utf8))
        }
        try file.close()
        let store = try MboxStore(path: folder.path + "/box")
        let census = try await store.census(of: name)
        #expect(census.uids.count == count + 1)
        #expect(census.uids.contains(try #require(alone.first?.summary.uid)))
        let ranges = census.uids.ranges
        #expect(ranges.count <= 3, "\(ranges.count)")
    }

    @Test("what is kept of a message gives it back")
    func entries() throws {
        let folder = try TemporaryFolder()
        let fields = ["", "Status: RO\n", "X-Keywords: work\n", "Status: RO\n"]
        let messages = fields.enumerated().map { "Subject: \($0)\n\($1)\n>From \($0)\n" }
        try folder.write("box", messages.map { "From a@b Thu Nov 20 10:00:00 2003\n\($0)\n" }.joined())
        let entries = try MboxReader(path: folder.path + "/box").entries
        #expect(entries.map(\.flags) == [[], [.seen], [Flag("work")], [.seen]])
        #expect(entries.map(\.range.count) == messages.map(\.utf8.count))
        #expect(entries.allSatisfy { $0.date == 1_069_322_400 && $0.isQuoted && !$0.usesContentLength })
        #expect(entries.first?.markerOffset == 0 && entries.count == 4)
    }
}
