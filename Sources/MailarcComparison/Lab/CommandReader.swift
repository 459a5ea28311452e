/// The names of the commands in what a client sends; literals are passed over.
package struct CommandReader {
    private var line: [UInt8] = []
    private var literal = 0
    private var isContinued = false

    package init() {}

    /// The commands that began in `octets`.
    package mutating func commands(in octets: [UInt8]) -> [String] {
        var names: [String] = []
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
            if let name = take() { names.append(name) }
        }
        return names
    }

    /// What the line that just ended begins, if it begins a command.
    private mutating func take() -> String? {
        let text = String(decoding: line, as: UTF8.self).trimmingSuffix { $0 == "\r" }
        line = []
        let begins = !isContinued
        literal = 0
        if text.hasSuffix("}"), let open = text.lastIndex(of: "{") {
            literal = Int(text[open...].dropFirst().prefix { $0.isNumber }) ?? 0
        }
        isContinued = text.hasSuffix("}")
        let words = text.split(separator: " ", maxSplits: 3)
        // A line of one word answers a continuation request (IDLE's DONE, an authentication).
        guard begins, words.count > 1 else { return nil }
        let name = words[1].uppercased()
        return name == "UID" && words.count > 2 ? "UID \(words[2].uppercased())" : name
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self[...]
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
