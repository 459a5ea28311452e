/// How the payload of a chunk is written (ArchiveFormat.md §7.2): the octet before it.
public enum CompressionMethod: UInt8, Sendable, Hashable, CaseIterable {
    case stored = 0
    /// Raw deflate, RFC 1951.
    case deflate = 1
    /// One zstd frame without magic number, content size, checksum and dictionary id; RFC 8878.
    case zstd = 2
}
