/// Words, quoted phrases and signs of a query, with their positions.
struct QueryLexer {
    enum Token: Hashable {
        case open, close, minus
        /// A bare word, without the colon and value of a field.
        case word(String, isPrefix: Bool)
        case phrase(String, isPrefix: Bool)
        /// A name and the colon behind it.
        case field(String)
    }

    // LIMIT: 4096 octets and 256 tokens; SQLite's own limits (expression depth 1000, FTS5 256) lie beyond.
    static let maximumOctetCount = 4_096
    static let maximumTokenCount = 256

    private let characters: [Character]
    private var index = 0
    /// Right behind a field's colon a word is a value, whatever it has in it: `subject:re:offer`.
    private var isValue = false

    /// All tokens of `text`.
    static func tokens(_ text: String) throws(CatalogError) -> [(token: Token, position: Int)] {
        guard text.utf8.count <= maximumOctetCount else {
            throw CatalogError(.badQuery, "the query has more than \(maximumOctetCount) octets")
        }
        var lexer = QueryLexer(characters: Array(text))
        var tokens: [(Token, Int)] = []
        while let next = try lexer.next() {
            tokens.append(next)
            lexer.isValue = if case .field = next.0 { true } else { false }
            guard tokens.count <= maximumTokenCount else {
                throw CatalogError(.badQuery, "the query has more than \(maximumTokenCount) parts", position: next.1)
            }
        }
        return tokens
    }

    private init(characters: [Character]) { self.characters = characters }

    private mutating func next() throws(CatalogError) -> (Token, Int)? {
        while index < characters.count, characters[index].isWhitespace { index += 1 }
        guard index < characters.count else { return nil }
        let start = index
        switch characters[index] {
        case "(":
            index += 1
            return (.open, start)
        case ")":
            index += 1
            return (.close, start)
        case "-" where index + 1 < characters.count && !characters[index + 1].isWhitespace:
            index += 1
            return (.minus, start)
        case "\"", "“", "„": return (try phrase(), start)
        default: return (word(), start)
        }
    }

    private mutating func phrase() throws(CatalogError) -> Token {
        let start = index
        index += 1
        let closing: Set<Character> = characters[start] == "\"" ? ["\""] : ["”", "“"]
        guard let end = characters[index...].firstIndex(where: { closing.contains($0) }) else {
            throw CatalogError(.badQuery, "the quotation is not closed", position: start)
        }
        let text = String(characters[index..<end])
        index = end + 1
        return .phrase(text, isPrefix: takesStar())
    }

    private mutating func word() -> Token {
        let start = index
        while index < characters.count, !isDelimiter(characters[index]) {
            if !isValue, characters[index] == ":", index > start, isFieldName(characters[start..<index]),
                !isFollowedBySlash
            {
                index += 1
                return .field(String(characters[start..<index - 1]).lowercased())
            }
            index += 1
        }
        var text = characters[start..<index]
        let isPrefix = text.count > 1 && text.last == "*"
        if isPrefix { text = text.dropLast() }
        return .word(String(text), isPrefix: isPrefix)
    }

    private mutating func takesStar() -> Bool {
        guard index < characters.count, characters[index] == "*" else { return false }
        index += 1
        return true
    }

    private func isDelimiter(_ character: Character) -> Bool {
        character.isWhitespace || character == "(" || character == ")" || character == "\""
    }

    /// `https://…` is a word, not a field.
    private var isFollowedBySlash: Bool { index + 1 < characters.count && characters[index + 1] == "/" }

    private func isFieldName(_ name: ArraySlice<Character>) -> Bool {
        name.allSatisfy { ("a"..."z").contains($0) || ("A"..."Z").contains($0) || $0 == "-" }
    }
}
