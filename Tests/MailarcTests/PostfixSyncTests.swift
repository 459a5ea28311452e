import Foundation
import MailarcTesting
import Testing

extension EndToEnd {
    /// A mailbox and an archive that a real Postfix feeds both, each by LMTP into a real Dovecot, and syncs in between.
    @Suite("mail from Postfix in the archive", .timeLimit(.minutes(6)))
    struct PostfixSyncTests {
        static let reason = PostfixServer.reasonNotRunnable ?? DovecotServer.reasonNoLMTP

        /// Postfix' own delivery, Dovecot's LMTP and what an archive adds: the copies differ in these fields.
        @Test(
            "each message is there once, whatever came first, and three more runs change nothing",
            .enabled(if: reason == nil, "\(reason ?? "")"))
        func table() async throws {
            try await PostfixBench.with { bench in
                var measured: [[String]] = []
                for row in PostfixTable.rows {
                    try await bench.play(row)
                    let cells = try await bench.shown(row)
                    for (strategy, cell) in zip(PostfixTable.strategies, cells) {
                        #expect(cell == row.expected(strategy), "\(row.event), \(strategy)\n\(bench.words)")
                    }
                    try await bench.expectRest(row)
                    expectOnce(row, cells)
                    measured.append(cells)
                }
                try await bench.expectTraces()
                guard ProcessInfo.processInfo.environment["MAILARC_CASE"] == nil else { return }
                try CommittedTable.expect(PostfixTable.text(measured), in: "SyncEvents.md")
            }
        }

        /// In B every message is as often as it was sent, in one mailbox.
        private func expectOnce(_ row: PostfixTable.Row, _ cells: [String]) {
            let sent = row.words.filter { $0.hasPrefix("x") || $0.hasPrefix("y") }.map { String($0.prefix(1)) }
            for (strategy, cell) in zip(PostfixTable.strategies, cells) where !row.isInTwoPlaces {
                let end = cell.split(separator: "|").last.map { String($0) } ?? ""
                let keys = end.split { !$0.isLetter }.map(String.init).filter { $0 == "x" || $0 == "y" }
                #expect(keys.sorted() == sent.sorted(), "\(row.event), \(strategy): \(cell)")
            }
        }
    }
}

/// "Message from Postfix in the archive", situation by situation.
///
/// Words in turn: `x` is sent to the mailbox owner and delivered to both; `x:A` to the mailbox alone, as the archive is
/// down, `x:B` to the archive alone; `release` delivers what had to wait; `x.self` is sent by the owner to himself, `x.out`
/// to the outside; `A+Sent/x` the owner's client puts it there, `B+INBOX/own` another message comes to the archive;
/// `run` is a sync.
enum PostfixTable {
    static let strategies = ["backup", "two-way", "one-way", "copy", "bcc"]

    struct Row: Sendable {
        var event: String
        var steps: String
        /// What both show in the end, by strategy.
        var ends: [(strategies: String, end: String)]
        /// The message is in one mailbox of A and comes to another one of B.
        var isInTwoPlaces = false

        init(_ event: String, _ steps: String, _ ends: KeyValuePairs<String, String>, isInTwoPlaces: Bool = false) {
            (self.event, self.steps, self.isInTwoPlaces) = (event, steps, isInTwoPlaces)
            self.ends = ends.map { ($0.key, $0.value) }
        }

        var words: [String] { steps.split(separator: " ").map(String.init) }

        func expected(_ strategy: String) -> String {
            ends.first { $0.strategies.split(separator: " ").contains { $0 == strategy } }?.end ?? "?"
        }
    }

    private static let each = "backup two-way one-way copy bcc"
    private static let once = "A x | B x"

    /// `MAILARC_CASE` names the one a failure is looked for in.
    static let rows = all.filter {
        let name = ProcessInfo.processInfo.environment["MAILARC_CASE"]
        return name == nil || name == $0.event
    }

    private static let all = [
        Row("before the first run", "x run", [each: once]),
        Row("between two runs", "run x run", [each: once]),
        Row("in the archive first", "run x:B run release run", [each: once]),
        Row("in the archive late", "run x:A run release run", [each: once]),
        Row("two, each first in another place", "run x:A y:B release run", [each: "A x y | B x y"]),
        Row(
            "beside a message only the archive has: the UIDs differ", "run B+INBOX/own x run y run",
            [
                "backup": "A x y | B x y", "two-way": "A own x y | B own x y",
                "one-way copy bcc": "A x y | B own x y",
            ]),
        Row("the same message, sent twice", "run x x run", [each: "A x x | B x x"]),
        Row("sent to oneself", "run x.self run", [each: once]),
        Row(
            "sent out, and put into Sent by the client", "run x.out A+Sent/x run",
            [
                "backup": "A Sent/x | B Sent/x", "two-way": "A x Sent/x | B x Sent/x",
                "one-way copy": "A Sent/x | B x Sent/x", "bcc": "A Sent/x | B x",
            ], isInTwoPlaces: true),
    ]

    static func text(_ measured: [[String]]) -> String {
        var lines = ["| the copy by Postfix | " + strategies.joined(separator: " | ") + " |"]
        lines.append("|---|" + strategies.map { _ in "---|" }.joined())
        for (row, cells) in zip(rows, measured) {
            let columns = cells.map { "`\($0.replacing("|", with: "·"))`" }
            lines.append("| \(row.event) `\(row.steps)` | \(columns.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
