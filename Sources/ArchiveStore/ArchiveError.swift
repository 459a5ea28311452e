/// What went wrong with an archive. Never holds a secret or mail content.
public struct ArchiveError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// There is no archive at the path.
        case notAnArchive
        /// The place to create an archive at is not empty.
        case alreadyExists
        /// A version, kind, suite or required feature this program does not know.
        case unsupported
        /// No slot opens with what was given.
        case wrongKey
        /// A value authenticates or hashes to something else than it must: damage or tampering.
        case damaged
        /// A blob, key or file that is referred to is not there.
        case missing
        /// No anchor gives, or one does not take or destroy, the erasure secret.
        case anchorUnavailable
        /// The blob was erased: its key is gone for ever, and a leaf of the ledger says so.
        case erased
        /// Another writer holds the lock.
        case locked
        /// The file system refused; `cause` or `message` has the system's words.
        case ioFailed
        case diskFull
        /// A named limit of the format was passed.
        case limitExceeded
        /// The source of a message gave an error; it is the cause.
        case sourceFailed
        /// The blob directory gave an error; it is the cause.
        case directoryFailed
        /// An earlier step of this writer failed; open the archive again.
        case writerStopped
        /// Crypto, compression or ledger refused a call that should succeed.
        case internalError
    }

    /// Whether doing the same again can help.
    public enum Retry: Sendable, Hashable {
        case no
        case now
        case later
    }

    public var kind: Kind
    /// One sentence, without the path.
    public var message: String
    /// The file concerned, relative to the archive where it is known.
    public var path: String?
    /// Octets from the start of the file.
    public var offset: UInt64?
    public var cause: (any Error)?
    public var retry: Retry

    public init(
        _ kind: Kind, _ message: String, path: String? = nil, offset: UInt64? = nil, cause: (any Error)? = nil,
        retry: Retry = .no
    ) {
        (self.kind, self.message, self.path, self.offset) = (kind, message, path, offset)
        (self.cause, self.retry) = (cause, retry)
    }

    public var description: String {
        var text = message
        if let path { text = "\(path)\(offset.map { " at octet \($0)" } ?? ""): \(text)" }
        if let cause { text += " (\(cause))" }
        return text
    }
}
