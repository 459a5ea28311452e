/// An error of the ledger.
public struct LedgerError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// The system refused to read or write a file; ``LedgerError/errno`` says why.
        case ioFailed
        /// A tile, bundle or checkpoint is missing, short or does not agree with the others.
        case damaged
        /// A bundle was sealed with another key or for another place, or was altered.
        case authenticationFailed
        /// Another leaf is already kept under this index.
        case conflict
        /// The leaves do not follow the last one.
        case gap
        /// The leaves do not lead to the root that was signed for their number.
        case diverged
        /// Not a leaf text, over 65,535 octets, or its `seq` is not its index.
        case invalidLeaf
        /// No leaf has this index, or no tree this size.
        case outOfRange
        /// Bundles cannot be read or written: the ledger was opened without their key, or without the codec.
        case keyMissing
        /// The seed does not belong to the log's public key.
        case wrongSigningKey
    }
    public enum Retry: Sendable, Hashable { case no, now, later }

    public var kind: Kind
    /// What happened, one sentence.
    public var message: String
    /// The file, relative to the ledger's directory.
    public var path: String?
    /// Octets from the start of the file.
    public var offset: Int?
    /// The leaf.
    public var index: UInt64?
    /// The system's error number with `.ioFailed`, else 0.
    public var errno: Int32
    public var retry: Retry
    public var cause: (any Error)?

    public init(
        _ kind: Kind, _ message: String, path: String? = nil, offset: Int? = nil, index: UInt64? = nil,
        errno: Int32 = 0, retry: Retry = .no, cause: (any Error)? = nil
    ) {
        (self.kind, self.message, self.path, self.offset) = (kind, message, path, offset)
        (self.index, self.errno, self.retry, self.cause) = (index, errno, retry, cause)
    }

    public var description: String {
        var text = path.map { "\($0): " } ?? ""
        text += message
        if let index { text += " (leaf \(index))" }
        if let offset { text += " (offset \(offset))" }
        return text
    }
}
