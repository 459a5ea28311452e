// main.cf = *( empty line / comment / logical line )
// logical line = text *( LF white-space text )      ; empty lines and comments between do not end it
/// `main.cf` as text: parameters are read and set, everything else stays as it stands.
///
/// - SeeAlso: postconf(5)
package struct PostfixMain {
    private var lines: [String]

    package init(parsing text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last == "" { lines.removeLast() }
    }

    package var text: String { lines.map { $0 + "\n" }.joined() }

    /// The value as it is written, without line ends; `nil` where it is not set.
    ///
    /// - Throws: `.usage` for a parameter that is set twice: which one is meant only its owner knows.
    package func value(of name: String) throws(KitError) -> String? {
        let places = places(of: name)
        guard let place = places.first else { return nil }
        guard places.count == 1 else {
            throw KitError(.usage, "main.cf sets \(name) \(places.count) times", hint: "take all but one away")
        }
        let text = ([place] + continuations(of: place)).map { lines[$0] }.joined(separator: " ")
        guard let equals = text.firstIndex(of: "=") else { return "" }
        return text[text.index(after: equals)...].split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Puts `value` in the place of the present one, or at the end.
    package mutating func set(_ name: String, _ value: String) {
        guard let place = places(of: name).first else {
            lines.append("\(name) = \(value)")
            return
        }
        for line in continuations(of: place).reversed() { lines.remove(at: line) }
        lines[place] = "\(name) = \(value)"
    }

    private func places(of name: String) -> [Int] {
        lines.indices.filter { index in
            let line = lines[index]
            guard line.first?.isWhitespace == false, let equals = line.firstIndex(of: "=") else { return false }
            return line[..<equals].split(whereSeparator: \.isWhitespace) == [name[...]]
        }
    }

    /// The lines that go on with the one at `place`.
    private func continuations(of place: Int) -> [Int] {
        var found: [Int] = []
        for index in lines.indices[(place + 1)...] {
            let text = lines[index].drop(while: \.isWhitespace)
            if text.isEmpty || text.first == "#" { continue }
            guard lines[index].first?.isWhitespace == true else { break }
            found.append(index)
        }
        return found
    }
}

/// The text of a map: `key value`, a line each; what is there stays.
///
/// - SeeAlso: postmap(1)
package struct PostfixMapText {
    package private(set) var text: String

    package init(_ text: String) { self.text = text }

    /// The values of `key`; upper and lower case are one.
    package func values(of key: String) -> [String] {
        var entries: [(key: String, value: String)] = []
        for line in text.split(separator: "\n") {
            let words = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
            guard let first = words.first, first.first != "#" else { continue }
            if line.first?.isWhitespace == true, !entries.isEmpty {
                entries[entries.count - 1].value += " " + line.drop(while: \.isWhitespace)
            } else {
                entries.append((first.lowercased(), words.count > 1 ? String(words[1]) : ""))
            }
        }
        let folded = key.lowercased()
        return entries.filter { $0.key == folded }.map { entry in
            entry.value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        }
    }

    package mutating func add(_ key: String, _ value: String) {
        if !text.isEmpty, text.last != "\n" { text += "\n" }
        text += "\(key) \(value)\n"
    }
}
