internal import GRDB

/// Makes SQL of a query. Values are always bound, and words reach the index only as quoted strings.
struct QueryCompiler {
    private(set) var arguments: [(any DatabaseValueConvertible)?] = []

    /// A condition on the table `message`.
    mutating func condition(_ node: QueryNode) -> String {
        if let match = Self.match(node) {
            arguments.append(match)
            return "message.id IN (SELECT rowid FROM fts WHERE fts MATCH ?)"
        }
        switch node {
        case .and(let nodes):
            // The index answers all its parts at once.
            let (indexed, others) = Self.split(nodes)
            var parts = indexed.map { [condition($0)] } ?? []
            parts += others.map { condition($0) }
            return parts.isEmpty ? "1" : "(" + parts.joined(separator: " AND ") + ")"
        case .or(let nodes): return "(" + nodes.map { condition($0) }.joined(separator: " OR ") + ")"
        case .not(let node): return "NOT " + condition(node)
        case .words: return "0"
        case .condition(let condition): return self.condition(condition)
        }
    }

    private mutating func condition(_ condition: QueryCondition) -> String {
        func bind(_ values: (any DatabaseValueConvertible)?...) { arguments += values }
        switch condition {
        case .date(let from, let until):
            bind(from ?? .min, until ?? .max)
            return "(message.date >= ? AND message.date < ?)"
        case .largerThan(let size):
            bind(size)
            return "message.size > ?"
        case .smallerThan(let size):
            bind(size)
            return "message.size < ?"
        case .hasAttachment: return "message.attachments > 0"
        case .id(let prefix):
            guard let range = IDRange(prefix) else { return "0" }
            bind(Row.octets(range.lower), Row.octets(range.upper))
            return "(message.key_id BETWEEN ? AND ?)"
        case .messageID(let id):
            bind(id)
            return "message.message_id IS ?"
        case .mailbox(let name, let isPrefix):
            bind(name)
            if isPrefix { bind(name) }
            return Self.placed(
                "JOIN mailbox b ON b.id = p.mailbox WHERE "
                    + (isPrefix ? "substr(b.folded, 1, length(?)) = ?" : "b.folded = ?"))
        case .account(let name):
            bind(name)
            return Self.placed("JOIN mailbox b ON b.id = p.mailbox WHERE b.account_folded = ?")
        case .flag(let name):
            bind(" " + name + " ")
            return Self.placed("JOIN flag_set f ON f.id = p.flags WHERE instr(f.folded, ?) > 0")
        }
    }

    private static func placed(_ what: String) -> String {
        "EXISTS (SELECT 1 FROM placement p \(what) AND p.message = message.id)"
    }

    /// The nodes the index can answer together, and the rest.
    static func split(_ nodes: [QueryNode]) -> (indexed: QueryNode?, others: [QueryNode]) {
        let indexed = nodes.filter { match($0) != nil }
        guard !indexed.isEmpty else { return (nil, nodes) }
        return (.and(indexed), nodes.filter { match($0) == nil })
    }

    /// The full-text expression for `node`; `nil` where it has conditions of another kind, or only excludes.
    static func match(_ node: QueryNode) -> String? {
        switch node {
        case .words(let text, let columns, let isPrefix): return phrase(text, columns, isPrefix)
        case .or(let nodes):
            let parts = nodes.compactMap(match)
            return parts.count == nodes.count ? "(" + parts.joined(separator: " OR ") + ")" : nil
        case .and(let nodes):
            var (wanted, excluded): ([String], [String]) = ([], [])
            for node in nodes {
                if case .not(let inner) = node {
                    guard let part = match(inner) else { return nil }
                    excluded.append(part)
                } else {
                    guard let part = match(node) else { return nil }
                    wanted.append(part)
                }
            }
            guard !wanted.isEmpty else { return nil }
            let base = "(" + wanted.joined(separator: " AND ") + ")"
            return excluded.isEmpty ? base : "(" + base + " NOT (" + excluded.joined(separator: " OR ") + "))"
        case .not, .condition: return nil
        }
    }

    private static func phrase(_ text: String, _ columns: [String]?, _ isPrefix: Bool) -> String {
        let scalars = text.unicodeScalars.filter { $0.value >= 0x20 }
        // A single character of a run is in the index only as the beginning of a pair, or alone.
        let isSingle = scalars.count == 1 && scalars.allSatisfy(Bigrams.isIdeographic)
        // Scalar by scalar: a quotation mark with a combining accent behind it is another Character, not another octet.
        var words = String.UnicodeScalarView()
        for scalar in Bigrams.query(String(String.UnicodeScalarView(scalars))).unicodeScalars {
            words.append(scalar)
            if scalar == "\"" { words.append(scalar) }
        }
        let filter = columns.map { "{" + $0.joined(separator: " ") + "} : " } ?? ""
        return filter + "\"" + String(words) + "\"" + (isPrefix || isSingle ? " *" : "")
    }
}
