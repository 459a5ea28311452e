/// An error of the encrypting VFS's own interface; errors of files reach the caller as SQLite result codes.
public struct VFSError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The SQLite library cannot do what the VFS needs.
        case unsupportedLibrary
        /// The connection was not opened through the VFS.
        case wrongVFS
        /// A key of 32 octets and a database id of 16 are wanted.
        case badKey
        /// SQLite refused a step; its result code is in `code`.
        case refused
        /// OpenSSL could not do an operation.
        case cryptoFailed
    }

    public var kind: Kind
    /// What happened, in one sentence; no key, no content.
    public var message: String
    /// SQLite's extended result code, 0 where there is none.
    public var code: Int32

    public init(_ kind: Kind, _ message: String, code: Int32 = 0) {
        (self.kind, self.message, self.code) = (kind, message, code)
    }

    public var description: String { code == 0 ? message : "\(message) (SQLite \(code))" }
}
