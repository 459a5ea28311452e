/// Lines as they pass on a connection, in whatever pieces their octets come; literals are passed over.
package struct WireLineReader {
    private var line: [UInt8] = []
    private var literal = 0
    private var isContinued = false
    private var isSecret = false

    package init() {}

    /// The lines that end in `octets`.
    package mutating func lines(in octets: [UInt8]) -> [WireLine] {
        var lines: [WireLine] = []
        var rest = octets[...]
        while !rest.isEmpty {
            if literal > 0 {
                let skipped = min(literal, rest.count)
                literal -= skipped
                rest = rest.dropFirst(skipped)
                continue
            }
            let end = rest.firstIndex(of: 10) ?? rest.endIndex
            line += rest[..<end]
            rest = rest[min(end + 1, rest.endIndex)...]
            guard end < octets.endIndex else { break }
            lines.append(take())
        }
        return lines
    }

    private mutating func take() -> WireLine {
        if line.last == 13 { line.removeLast() }
        var taken = WireLine(
            text: String(decoding: line, as: UTF8.self), isContinued: isContinued, isSecret: isContinued && isSecret)
        line = []
        literal = 0
        let text = taken.text
        isContinued = text.hasSuffix("}")
        if isContinued, let open = text.lastIndex(of: "{") {
            literal = Int(text[open...].dropFirst().prefix { $0.isNumber }) ?? 0
        }
        if let command = taken.command { taken.isSecret = ["LOGIN", "AUTHENTICATE"].contains(command) }
        isSecret = taken.isSecret
        return taken
    }
}

/// A line that a client or a server sent, without its literals.
package struct WireLine {
    /// Without its line end.
    package let text: String
    /// It goes on after a literal of the line before.
    package let isContinued: Bool
    /// It holds a password, or may.
    var isSecret: Bool

    /// The name of the command that a client begins by it: `LOGIN`, `UID FETCH`.
    package var command: String? {
        let words = text.split(separator: " ", maxSplits: 3)
        // A line of one word answers a continuation request (IDLE's DONE, an authentication).
        guard !isContinued, words.count > 1 else { return nil }
        let name = words[1].uppercased()
        return name == "UID" && words.count > 2 ? "UID \(words[2].uppercased())" : name
    }

    /// What a client sent, as a report may show it.
    package var fromClient: String {
        if isSecret { return isContinued ? "…" : text.split(separator: " ").prefix(2).joined(separator: " ") + " …" }
        // dsync's own protocol has tabs, and authenticates by PLAIN.
        if text.hasPrefix("PLAIN\t") { return "PLAIN …" }
        let isAnswer = !isContinued && !text.isEmpty && !text.contains { $0 == " " || $0 == "\t" }
        return isAnswer && text.uppercased() != "DONE" ? "…" : shortened
    }

    /// What a server sent, as a report may show it.
    package var fromServer: String { shortened }

    /// LIMIT: characters of a line that a report shows.
    private static let lengthLimit = 160

    private var shortened: String {
        text.count > Self.lengthLimit ? text.prefix(Self.lengthLimit) + "…" : text
    }
}
