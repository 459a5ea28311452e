import TOMLKit

/// The text of `config.toml`, edited section by section: everything else stays as people wrote it, comments too.
struct ConfigurationText {
    private var lines: [Substring]

    init(_ text: String) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // What a last line end leaves.
        if lines.last?.isEmpty ?? false { lines.removeLast() }
    }

    /// Each line with its end.
    var text: String { lines.map { $0 + "\n" }.joined() }

    /// Puts `table` in the place of `[accounts.NAME]`, or at the end.
    mutating func set(account name: String, _ table: TOMLTable) {
        let whole = TOMLTable()
        let accounts = TOMLTable()
        accounts[name] = table
        whole["accounts"] = accounts
        let section = whole.convert(to: .toml).split(separator: "\n").map { Substring($0) }
        if let place = remove(account: name) {
            lines.insert(contentsOf: section, at: place)
        } else {
            if !(lines.last?.isBlank ?? true) { lines.append("") }
            lines += section
        }
    }

    /// Takes `[accounts.NAME]` and what is below it away; where it was.
    @discardableResult
    mutating func remove(account name: String) -> Int? {
        let headers = lines.indices.filter { lines[$0].isHeader }
        var place: Int?
        for header in headers.reversed() where lines[header].isHeader(of: name) {
            var end = headers.first { $0 > header } ?? lines.endIndex
            // A comment above the next section is about that one.
            while end < lines.endIndex, end > header + 1, lines[end - 1].isBlank || lines[end - 1].isComment {
                end -= 1
            }
            lines.removeSubrange(header..<end)
            place = header
        }
        return place
    }
}

extension Substring {
    fileprivate var isBlank: Bool { allSatisfy(\.isWhitespace) }
    fileprivate var isComment: Bool { first { !$0.isWhitespace } == "#" }
    fileprivate var isHeader: Bool { first { !$0.isWhitespace } == "[" }

    /// `[accounts.NAME]`, however it is spelt, or a table of it.
    fileprivate func isHeader(of name: String) -> Bool {
        (try? TOMLTable(string: String(self)))?["accounts"]?.table?[name] != nil
    }
}
