/// What a cryptographic operation refused.
public struct CryptoError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The ciphertext, its associated data or its key is not the right one.
        case authenticationFailed
        /// No slot opens with this passphrase or key file.
        case wrongSecret
        /// A slot opens but its contents were changed.
        case tampered
        /// Octets that are no such file or record.
        case malformed
        /// A parameter beyond what this version allows.
        case limitExceeded
        /// OpenSSL failed; not a matter of the data.
        case backend
    }
    public var kind: Kind
    /// One sentence; never holds a secret.
    public var message: String

    public init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    public var description: String { message }
}
