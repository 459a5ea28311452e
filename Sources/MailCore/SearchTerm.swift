/// One key of a SEARCH program with its arguments.
struct SearchTerm: Sendable, Hashable {
    enum Argument: Sendable, Hashable {
        case atom(String)
        case string(String)
        /// As the program spells it.
        case date(String, CivilTime)
        case number(UInt64)
        case uids(String, UIDSet)

        /// Octets that cannot stand in quotes.
        var literal: [UInt8]? {
            guard case .string(let text) = self, !text.utf8.allSatisfy({ $0 < 0x7F }) else { return nil }
            return Array(text.utf8)
        }

        var text: String {
            switch self {
            case .atom(let text), .date(let text, _), .uids(let text, _): text
            case .number(let number): String(number)
            case .string(let text):
                "\"" + text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] } + "\""
            }
        }
    }

    /// In upper case.
    let name: String
    let arguments: [Argument]

    enum ArgumentKind { case string, date, number, atom, uids }

    /// Every key but NOT, OR and parentheses.
    static let keys: [String: [ArgumentKind]] = {
        var keys: [String: [ArgumentKind]] = [
            "HEADER": [.string, .string], "UID": [.uids], "KEYWORD": [.atom], "UNKEYWORD": [.atom],
            "EMAILID": [.atom], "THREADID": [.atom],
        ]
        for name in flags.keys { (keys[name], keys["UN" + name]) = ([], []) }
        for name in ["ALL", "NEW", "OLD", "RECENT", "SAVEDATESUPPORTED"] { keys[name] = [] }
        for name in ["BCC", "BODY", "CC", "FROM", "SUBJECT", "TEXT", "TO", "X-GM-RAW", "X-GM-LABELS"] {
            keys[name] = [.string]
        }
        for name in ["BEFORE", "ON", "SINCE"] {
            (keys[name], keys["SENT" + name], keys["SAVED" + name]) = ([.date], [.date], [.date])
        }
        for name in ["LARGER", "SMALLER", "OLDER", "YOUNGER", "MODSEQ", "X-GM-MSGID", "X-GM-THRID"] {
            keys[name] = [.number]
        }
        return keys
    }()

    private static let flags: [String: Flag] = [
        "ANSWERED": .answered, "DELETED": .deleted, "DRAFT": .draft, "FLAGGED": .flagged, "SEEN": .seen,
    ]

    private static let local: Set<String> = Set(
        ["ALL", "KEYWORD", "UNKEYWORD", "BEFORE", "ON", "SINCE", "LARGER", "SMALLER", "UID"]
            + flags.keys.flatMap { [$0, "UN" + $0] })

    /// Can be answered without the message's octets.
    var isLocal: Bool { Self.local.contains(name) }

    func matches(_ message: MessageSummary) -> Bool {
        if name == "ALL" { return true }
        if let flag = Self.flags[name] { return message.flags.contains(flag) }
        if name.hasPrefix("UN"), let flag = Self.flags[String(name.dropFirst(2))] {
            return !message.flags.contains(flag)
        }
        return switch (name, arguments.first) {
        case ("KEYWORD", .atom(let keyword)): message.flags.contains(Flag(keyword))
        case ("UNKEYWORD", .atom(let keyword)): !message.flags.contains(Flag(keyword))
        case ("LARGER", .number(let count)): message.octetCount.map { UInt64($0) > count } ?? false
        case ("SMALLER", .number(let count)): message.octetCount.map { UInt64($0) < count } ?? false
        case ("UID", .uids(_, let uids)): uids.contains(message.uid)
        case (_, .date(_, let day)): matches(day, message.internalDate)
        default: false
        }
    }

    /// The date as it is shown, "disregarding time and timezone". RFC 9051 §6.4.4
    private func matches(_ day: CivilTime, _ date: InternalDate?) -> Bool {
        guard let date else { return false }
        let shown = date.secondsSinceEpoch + Int64(date.zoneOffset) * 60
        let start = day.secondsSinceEpoch
        return switch name {
        case "BEFORE": shown < start
        case "SINCE": shown >= start
        case "ON": shown >= start && shown < start + 86_400
        default: false
        }
    }
}
