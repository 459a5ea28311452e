/// An error of the catalog.
public struct CatalogError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The file does not open: missing, another key, damaged header.
        case cannotOpen
        /// Made by another version of the schema: rebuild it.
        case otherVersion
        /// A page or table is damaged: rebuild it.
        case damaged
        /// Another process holds the database for too long.
        case busy
        /// The disk, or SQLite for another reason.
        case failed
        /// A group that contradicts itself or the catalog; a bug of the caller or a damaged record.
        case inconsistent
        /// The query cannot be read; `position` says where.
        case badQuery
    }
    public enum Retry: Sendable, Hashable { case no, now, later }

    public var kind: Kind
    /// What happened, in one sentence; no mail content but the query's own words.
    public var message: String
    /// Of a query: characters before the place that cannot be read.
    public var position: Int?
    public var cause: (any Error)?

    public init(_ kind: Kind, _ message: String, position: Int? = nil, cause: (any Error)? = nil) {
        (self.kind, self.message, self.position, self.cause) = (kind, message, position, cause)
    }

    public var retry: Retry { kind == .busy ? .later : .no }
    public var description: String { position.map { "\(message) (at character \($0 + 1))" } ?? message }
}
