/// Why octets could not be compressed or decompressed. Never holds content.
public struct CompressionError: Error, Sendable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The payload is not what its method writes, or does not give as many octets as it should.
        case damaged
        /// More octets than ``Compressor/maximumRawOctetCount``.
        case limitExceeded
        /// The library has no memory, or refused an operation that should succeed.
        case libraryFailed
    }

    public var kind: Kind
    public var message: String

    public init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    public var description: String { message }
}
