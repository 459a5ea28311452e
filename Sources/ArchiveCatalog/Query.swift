/// What is searched for; made from the language of Documentation/Search.md.
public struct Query: Sendable, Hashable {
    package let root: QueryNode

    /// Everything.
    public static let all = Query(root: .and([]))

    package init(root: QueryNode) { self.root = root }

    /// Reads `text`; an empty one finds everything.
    ///
    /// - Throws: ``CatalogError`` `.badQuery`, with the position of what cannot be read.
    public init(parsing text: String) throws(CatalogError) {
        var parser = try QueryParser(text)
        root = try parser.parse()
    }
}

/// One node of a query.
package indirect enum QueryNode: Sendable, Hashable {
    case and([QueryNode])
    case or([QueryNode])
    case not(QueryNode)
    /// A word or phrase in some columns of the index (`nil`: in any).
    case words(String, columns: [String]?, isPrefix: Bool)
    case condition(QueryCondition)
}

/// What is asked of a message's fields rather than its words.
package enum QueryCondition: Sendable, Hashable {
    /// Seconds since 1970, half open.
    case date(from: Int64?, until: Int64?)
    case largerThan(Int64)
    case smallerThan(Int64)
    case hasAttachment
    /// Hexadecimal digits a key id begins with.
    case id(String)
    /// Without angle brackets.
    case messageID(String)
    /// Lower case; `*` at the end: any name that begins so.
    case mailbox(String, isPrefix: Bool)
    case account(String)
    /// Lower case, a system flag with its backslash.
    case flag(String)
}
