internal import MailCore

// query     = *( sequence / "OR" )
// sequence  = 1*( ["AND"] term )
// term      = ( "-" / "NOT" ) term / "(" query ")" / [field ":"] value
// value     = word / phrase / "(" query ")"            ; Documentation/Search.md
/// Reads a query; total: any text gives a query or an error with a position.
struct QueryParser {
    // LIMIT: parentheses and negations inside each other; the descent is bounded by it.
    private static let maximumDepth = 32

    private let tokens: [(token: QueryLexer.Token, position: Int)]
    private var index = 0
    private var depth = 0

    init(_ text: String) throws(CatalogError) { tokens = try QueryLexer.tokens(text) }

    mutating func parse() throws(CatalogError) -> QueryNode {
        guard !tokens.isEmpty else { return .and([]) }
        let node = try alternatives(.any)
        guard index == tokens.count else {
            throw CatalogError(.badQuery, "a parenthesis closes nothing", position: tokens[index].position)
        }
        return node
    }

    private mutating func alternatives(_ field: QueryField) throws(CatalogError) -> QueryNode {
        var found = [try sequence(field)]
        while isWord("OR") {
            index += 1
            found.append(try sequence(field))
        }
        return found.count == 1 ? found[0] : .or(found)
    }

    private mutating func sequence(_ field: QueryField) throws(CatalogError) -> QueryNode {
        var found: [QueryNode] = []
        while index < tokens.count, tokens[index].token != .close, !isWord("OR") {
            if isWord("AND") {
                guard !found.isEmpty, index + 1 < tokens.count, tokens[index + 1].token != .close else {
                    throw CatalogError(
                        .badQuery, "AND wants something on both sides", position: tokens[index].position)
                }
                index += 1
            }
            found.append(try term(field))
        }
        guard !found.isEmpty else {
            throw CatalogError(.badQuery, "something to search for is missing", position: position)
        }
        return found.count == 1 ? found[0] : .and(found)
    }

    private mutating func term(_ field: QueryField) throws(CatalogError) -> QueryNode {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.maximumDepth else {
            throw CatalogError(.badQuery, "more than \(Self.maximumDepth) levels", position: position)
        }
        guard index < tokens.count else {
            throw CatalogError(.badQuery, "something to search for is missing", position: position)
        }
        let (token, start) = tokens[index]
        if token == .minus || isWord("NOT") {
            index += 1
            return .not(try term(field))
        }
        index += 1
        switch token {
        case .open:
            let node = try alternatives(field)
            guard index < tokens.count, tokens[index].token == .close else {
                throw CatalogError(.badQuery, "a parenthesis is not closed", position: start)
            }
            index += 1
            return node
        case .field(let name):
            guard let inner = QueryField(name) else {
                throw CatalogError(
                    .badQuery, "there is no field \(name): (put the words in quotation marks to find them)",
                    position: start)
            }
            guard index < tokens.count, tokens[index].token != .minus, tokens[index].token != .close else {
                throw CatalogError(.badQuery, "\(name): wants a value", position: start)
            }
            return try term(inner)
        case .word(let text, let isPrefix), .phrase(let text, let isPrefix):
            return try field.node(text, isPrefix: isPrefix, at: start)
        case .close, .minus:
            throw CatalogError(.badQuery, "something to search for is missing", position: start)
        }
    }

    private func isWord(_ word: String) -> Bool {
        index < tokens.count && tokens[index].token == .word(word, isPrefix: false)
    }

    private var position: Int { index < tokens.count ? tokens[index].position : (tokens.last?.position ?? 0) + 1 }
}
