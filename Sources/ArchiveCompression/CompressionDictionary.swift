/// Octets that both sides know before the first chunk, so that small mails need not spell them again.
///
/// Raw content: no entropy tables, used as if it stood before each chunk. Deflate sees its last 32 KiB only, so the
/// most common text stands at the end.
public struct CompressionDictionary: Sendable {
    /// 1 is ``builtIn``, 2…65,535 are dictionaries of a site. 0 means none and is not allowed.
    public let id: UInt16
    public let octets: [UInt8]

    /// - Precondition: `id` is not 0, and there are 8 octets to ``maximumOctetCount``.
    public init(id: UInt16, octets: [UInt8]) {
        precondition(id != 0, "0 means no dictionary")
        precondition((8...Self.maximumOctetCount).contains(octets.count), "8 octets to 1 MiB")
        (self.id, self.octets) = (id, octets)
    }

    /// LIMIT: zstd gains nothing from raw content beyond the window of a chunk.
    public static let maximumOctetCount = 1 << 20
}
