import COctets

/// CRC-32C (Castagnoli), for damage without malice.
///
/// - SeeAlso: RFC 3720 appendix B.4
public struct CRC32C: Sendable {
    private var state: UInt32 = .max

    public init() {}

    /// The checksum of everything so far.
    public var value: UInt32 { ~state }

    public mutating func update(_ octets: Span<UInt8>) {
        // SAFETY: the function reads `count` octets.
        unsafe octets.withUnsafeBufferPointer { state = unsafe octets_crc32c(state, $0.baseAddress, $0.count) }
    }

    /// The checksum of `octets`.
    public static func checksum(_ octets: [UInt8]) -> UInt32 { checksum(octets.span) }

    /// The checksum of `octets`.
    public static func checksum(_ octets: Span<UInt8>) -> UInt32 {
        var crc = CRC32C()
        crc.update(octets)
        return crc.value
    }
}
