/// The table "event × strategy → what happens" (Documentation/Sync.md) as data, for any two stores.
///
/// One grammar for what users do and for what a run does afterwards, `SIDE OPERATION`, blanks between steps:
/// `A+INBOX/x` a message comes, `A-INBOX/x` it leaves, `A~INBOX/x=\Seen,\Flagged` has these flags, `A>INBOX/x>F2` moves,
/// `A+Z/` a mailbox comes, `A-Z/` leaves, `A@F1>G1` is renamed, `A!INBOX` gets another UIDVALIDITY.
public enum PairEvents {
    public struct Row: Sendable, CustomStringConvertible {
        public var event: String
        public var steps: String
        /// By strategy, with options behind `+`: what the run changes besides.
        public var effects: [(strategy: String, changes: String)]

        public var description: String { event }
    }

    /// Both sides before anything happens, already paired.
    public static let start = "+F1/ +F2/ +INBOX/a1 +INBOX/a2 +F1/b1 +F1/b2 +F2/c1"

    private static func row(_ event: String, _ steps: String, _ effects: KeyValuePairs<String, String>) -> Row {
        var all: [(String, String)] = []
        for (names, changes) in effects {
            for name in names.split(separator: " ") { all.append((String(name), changes)) }
        }
        return Row(event: event, steps: steps, effects: all)
    }

    public static let rows: [Row] = messages + flagged + moved + mailboxes + special

    private static let messages: [Row] = [
        row("new in A", "A+INBOX/x", ["backup two-way one-way copy bcc+no-grace": "B+INBOX/x", "bcc": ""]),
        row(
            "new in B", "B+INBOX/x",
            ["backup copy+delete-extra": "B-INBOX/x", "two-way": "A+INBOX/x", "one-way copy bcc": ""]),
        row("the same in both", "A+INBOX/x B+INBOX/x", ["backup two-way one-way copy bcc": ""]),
        row(
            "the same in A and elsewhere in B", "A+F2/x B+INBOX/x",
            [
                "bcc": "", "bcc+file-as-source": "B-INBOX/x B+F2/x", "one-way copy": "B+F2/x",
                "two-way": "A+INBOX/x B+F2/x",
            ]),
        row(
            "gone in A", "A-INBOX/a1",
            [
                "backup two-way one-way+propagate-deletes copy+delete-extra": "B-INBOX/a1", "one-way copy bcc": "",
            ]),
        row(
            "gone in A, flags changed in B", #"A-INBOX/a1 B~INBOX/a1=\Flagged"#,
            [
                "backup two-way": "B-INBOX/a1", "two-way+keep-changed": #"A+INBOX/a1 A~INBOX/a1=\Flagged"#,
                "one-way copy bcc": "",
            ]),
        row(
            "gone in B", "B-INBOX/a1",
            [
                "backup copy": "B+INBOX/a1", "two-way": "A-INBOX/a1", "one-way bcc copy+respect-tombstones": "",
            ]),
        row(
            "gone in B, flags changed in A", #"B-INBOX/a1 A~INBOX/a1=\Flagged"#,
            [
                "backup copy two-way+keep-changed": #"B+INBOX/a1 B~INBOX/a1=\Flagged"#, "two-way": "A-INBOX/a1",
                "one-way bcc": "",
            ]),
        row("gone in both", "A-INBOX/a1 B-INBOX/a1", ["backup two-way one-way copy bcc": ""]),
    ]

    private static let flagged: [Row] = [
        row(
            "flags changed in A", #"A~INBOX/a1=\Flagged"#,
            [
                "backup two-way one-way copy bcc+merge-flags": #"B~INBOX/a1=\Flagged"#, "bcc one-way+no-flags": "",
            ]),
        row(
            "flags changed in B", #"B~INBOX/a1=\Flagged"#,
            [
                "backup copy": "B~INBOX/a1=", "two-way": #"A~INBOX/a1=\Flagged"#,
                "one-way bcc copy+no-resync-flags": "",
            ]),
        row(
            "flags changed in both", #"A~INBOX/a1=\Flagged B~INBOX/a1=\Answered"#,
            [
                "backup copy": #"B~INBOX/a1=\Flagged"#,
                "two-way": #"A~INBOX/a1=\Answered,\Flagged B~INBOX/a1=\Answered,\Flagged"#,
                "one-way": #"B~INBOX/a1=\Answered,\Flagged"#, "bcc": "",
            ]),
        row(
            #"\Deleted set in A"#, #"A~INBOX/a1=\Deleted"#,
            [
                "backup two-way copy one-way+copy-deleted-flag": #"B~INBOX/a1=\Deleted"#,
                "backup+expunge-marked": "B-INBOX/a1", "one-way bcc": "",
            ]),
    ]

    private static let moved: [Row] = [
        row(
            "moved in A", "A>INBOX/a1>F2",
            [
                "backup two-way one-way copy+follow-moves bcc+file-as-source": "B>INBOX/a1>F2", "copy": "B+F2/a1",
                "bcc one-way+keep-place": "",
            ]),
        row(
            "moved in B", "B>INBOX/a1>F2",
            [
                "backup": "B>F2/a1>INBOX", "two-way": "A>INBOX/a1>F2", "copy": "B+INBOX/a1",
                "one-way bcc copy+respect-moves": "",
            ]),
    ]

    private static let mailboxes: [Row] = [
        row("mailbox created in A", "A+Z/", ["backup two-way one-way copy": "B+Z/", "bcc": ""]),
        row("mailbox created in B", "B+Z/ B+Z/x", ["backup": "B-Z/", "two-way": "A+Z/ A+Z/x", "one-way copy bcc": ""]),
        row(
            "mailbox renamed in A", "A@F1>G1",
            [
                "backup two-way one-way copy": "B@F1>G1", "bcc": "", "copy+no-renames": "B+G1/ B+G1/b1 B+G1/b2",
            ]),
        row(
            "mailbox renamed in B", "B@F1>G1",
            [
                "backup": "B@G1>F1", "two-way": "A@F1>G1", "one-way copy bcc": "",
                "copy+no-renames": "B+F1/ B+F1/b1 B+F1/b2",
            ]),
        row(
            "mailbox deleted in A", "A-F1/",
            ["backup two-way one-way+propagate-deletes": "B-F1/", "one-way copy bcc": ""]),
        row(
            "mailbox deleted in B", "B-F1/",
            ["backup copy": "B+F1/ B+F1/b1 B+F1/b2", "two-way": "A-F1/", "one-way bcc": ""]),
        row(
            "mailbox renamed in both, differently", "A@F1>G1 B@F1>H1",
            ["backup two-way": "B@H1>G1", "one-way copy bcc": ""]),
    ]

    private static let special: [Row] = [
        row("UIDVALIDITY of A changed", "A!INBOX", ["backup two-way one-way copy bcc": ""]),
        row("UIDVALIDITY of B changed", "B!INBOX", ["backup two-way one-way copy bcc": ""]),
        row("UIDVALIDITY of both changed", "A!INBOX B!INBOX", ["backup two-way one-way copy bcc": ""]),
        row(
            "more equal messages in A than in B", "A+INBOX/x A+INBOX/x B+INBOX/x",
            [
                "backup two-way one-way copy": "B+INBOX/x", "bcc one-way+dedupe copy+imapsync-compat": "",
            ]),
        row(
            "the same Message-ID with another body", "A+INBOX/x A+INBOX/x'",
            ["backup two-way one-way copy bcc+no-grace": "B+INBOX/x B+INBOX/x'"]),
        row("no Message-ID", "A+INBOX/-x", ["backup two-way one-way copy bcc+no-grace": "B+INBOX/-x"]),
        row(
            "came to B with trace fields added", "A+INBOX/x B+INBOX/x*", ["one-way copy bcc backup two-way": ""]),
        row(
            "replaced in A", "A-INBOX/a1 A+INBOX/x",
            ["backup two-way": "B-INBOX/a1 B+INBOX/x", "one-way copy": "B+INBOX/x", "bcc": ""]),
    ]

    /// One event under one strategy, and what a run does about it.
    public struct Cell: Sendable, CustomStringConvertible {
        public var event: String
        public var steps: String
        /// With options behind `+`.
        public var strategy: String
        public var changes: String

        public var description: String { "\(event), \(strategy)" }

        /// Both sides before anything happens.
        public static var start: PairModel {
            var model = PairModel()
            for side in ["A", "B"] {
                model.apply(PairEvents.start.split(separator: " ").map { side + $0 }.joined(separator: " "))
            }
            return model
        }

        /// Both sides after what happened, and after the run.
        public var end: PairModel {
            var model = Self.start
            model.apply(steps + " " + changes)
            return model
        }
    }

    public static let cells = rows.flatMap { row in
        row.effects.map { Cell(event: row.event, steps: row.steps, strategy: $0.strategy, changes: $0.changes) }
    }

    /// The table in Markdown, a column for each of `strategies`; `changes` tells what a run does in a cell.
    public static func table(_ strategies: [String], _ changes: (Cell) -> String) -> String {
        var lines = ["| event | " + strategies.joined(separator: " | ") + " |"]
        lines.append("|---|" + strategies.map { _ in "---|" }.joined())
        for row in rows {
            let columns = strategies.map { strategy in
                cells.filter { cell in
                    cell.event == row.event && cell.strategy.split(separator: "+").first.map(String.init) == strategy
                }.map { cell in
                    let done = changes(cell)
                    let text = done.isEmpty ? "–" : "`\(done)`"
                    return cell.strategy == strategy
                        ? text : "[\(cell.strategy.dropFirst(strategy.count + 1)): \(text)]"
                }.joined(separator: " ")
            }
            lines.append("| \(row.event) `\(row.steps)` | " + columns.joined(separator: " | ") + " |")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The octets of the message called `key`.
    ///
    /// `x'` has the Message-ID of `x` and another body, `-x` has none, `x*` is `x` after one more delivery.
    public static func message(_ key: String) -> [UInt8] {
        let name = key.filter { $0.isLetter || $0.isNumber }
        var text = key.hasSuffix("*") ? "Received: from relay by end; Mon, 23 Nov 2026 12:00:00 +0000\r\n" : ""
        text += "From: someone@example.org\r\nSubject: message \(name)\r\n"
        if !key.hasPrefix("-") { text += "Message-ID: <\(name)@example.org>\r\n" }
        text += "Date: Mon, 23 Nov 2026 11:00:00 +0000\r\n\r\nThis is \(key.filter { $0 != "*" }).\r\n"
        return Array(text.utf8)
    }
}

/// What both sides show: mailbox → messages by key, each with its flags; order does not matter.
public struct PairModel: Sendable, Equatable, CustomStringConvertible {
    /// Side (`A`, `B`) → mailbox → key and flags, sorted.
    public var sides: [Character: [String: [String]]] = ["A": ["INBOX": []], "B": ["INBOX": []]]

    public init() {}

    /// After `steps` (``PairEvents``).
    public mutating func apply(_ steps: String) {
        for step in PairStep.parse(steps) {
            var mailboxes = sides[step.side] ?? [:]
            step.apply(to: &mailboxes)
            sides[step.side] = mailboxes
        }
    }

    public var description: String {
        (["A", "B"] as [Character]).map { side in
            let mailboxes = sides[side] ?? [:]
            return "\(side) "
                + mailboxes.keys.sorted().map { "\($0):\((mailboxes[$0] ?? []).joined(separator: ","))" }
                .joined(separator: " ")
        }.joined(separator: " | ")
    }
}

/// One step of ``PairEvents``' grammar.
public struct PairStep: Sendable {
    public enum Operation: Sendable {
        case append(String)
        case expunge(String)
        case flags(String, [String])
        case move(String, to: String)
        case create, delete
        case rename(to: String)
        case resetUIDValidity
    }
    public var side: Character
    public var mailbox: String
    public var operation: Operation

    /// The steps `text` spells; what is not understood is left out.
    public static func parse(_ text: String) -> [PairStep] { text.split(separator: " ").compactMap { PairStep($0) } }

    private init?(_ text: Substring) {
        var text = text
        guard let side = text.popFirst(), let sign = text.popFirst() else { return nil }
        let slash = text.firstIndex(of: "/")
        self.side = side
        mailbox = String(text[..<(slash ?? text.endIndex)])
        let rest = slash.map { String(text[text.index(after: $0)...]) } ?? ""
        let names = rest.split(separator: ">").map(String.init)
        switch sign {
        case "+": operation = rest.isEmpty ? .create : .append(rest)
        case "-": operation = rest.isEmpty ? .delete : .expunge(rest)
        case "~":
            let parts = rest.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            operation = .flags(String(parts[0]), parts[1].split(separator: ",").map(String.init))
        case ">":
            guard names.count == 2 else { return nil }
            operation = .move(names[0], to: names[1])
        case "@":
            let names = text.split(separator: ">").map(String.init)
            guard names.count == 2 else { return nil }
            (mailbox, operation) = (names[0], .rename(to: names[1]))
        case "!": operation = .resetUIDValidity
        default: return nil
        }
    }

    /// How ``PairModel`` spells a message.
    public static func entry(_ key: String, _ flags: [String]) -> String {
        flags.isEmpty ? key : "\(key)[\(flags.sorted().joined(separator: ","))]"
    }

    fileprivate func apply(to mailboxes: inout [String: [String]]) {
        func position(_ key: String) -> Int? {
            mailboxes[mailbox]?.firstIndex { $0 == key || $0.hasPrefix(key + "[") }
        }
        switch operation {
        case .append(let key): mailboxes[mailbox, default: []].append(key)
        case .expunge(let key): if let position = position(key) { mailboxes[mailbox]?.remove(at: position) }
        case .flags(let key, let flags):
            if let position = position(key) { mailboxes[mailbox]?[position] = Self.entry(key, flags) }
        case .move(let key, let target):
            guard let position = position(key), let entry = mailboxes[mailbox]?.remove(at: position) else { break }
            mailboxes[target, default: []].append(entry)
            mailboxes[target]?.sort()
        case .create: if mailboxes[mailbox] == nil { mailboxes[mailbox] = [] }
        case .delete: mailboxes[mailbox] = nil
        case .rename(let target): mailboxes[target] = mailboxes.removeValue(forKey: mailbox)
        case .resetUIDValidity: break
        }
        mailboxes[mailbox]?.sort()
    }
}
