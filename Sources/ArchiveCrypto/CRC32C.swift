/// CRC-32C (Castagnoli), for damage without malice.
///
/// - SeeAlso: RFC 3720 appendix B.4
public struct CRC32C: Sendable {
    private var state: UInt32 = .max

    public init() {}

    /// The checksum of everything so far.
    public var value: UInt32 { ~state }

    public mutating func update(_ octets: Span<UInt8>) {
        var crc = state
        var index = 0
        unsafe Self.tables.span.withUnsafeBufferPointer { table in
            unsafe octets.withUnsafeBytes { bytes in
                // SAFETY: every table index is below 8 × 256 and every load is inside `bytes`.
                while index + 8 <= bytes.count {
                    let low = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt32.self).littleEndian ^ crc
                    let high = unsafe bytes.loadUnaligned(fromByteOffset: index + 4, as: UInt32.self).littleEndian
                    let first = unsafe table[Int(low & 0xFF) + 1792] ^ table[Int(low >> 8 & 0xFF) + 1536]
                    let second = unsafe table[Int(low >> 16 & 0xFF) + 1280] ^ table[Int(low >> 24) + 1024]
                    let third = unsafe table[Int(high & 0xFF) + 768] ^ table[Int(high >> 8 & 0xFF) + 512]
                    let fourth = unsafe table[Int(high >> 16 & 0xFF) + 256] ^ table[Int(high >> 24)]
                    crc = first ^ second ^ third ^ fourth
                    index += 8
                }
                while index < bytes.count {
                    crc = unsafe crc >> 8 ^ table[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
                    index += 1
                }
            }
        }
        state = crc
    }

    /// The checksum of `octets`.
    public static func checksum(_ octets: [UInt8]) -> UInt32 { checksum(octets.span) }

    /// The checksum of `octets`.
    public static func checksum(_ octets: Span<UInt8>) -> UInt32 {
        var crc = CRC32C()
        crc.update(octets)
        return crc.value
    }

    /// Eight tables of 256, for eight octets at a time.
    private static let tables: [UInt32] = {
        var table = [UInt32](repeating: 0, count: 8 * 256)
        for octet in 0..<256 {
            var crc = UInt32(octet)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
            table[octet] = crc
        }
        for slice in 1..<8 {
            for octet in 0..<256 {
                let previous = table[(slice - 1) * 256 + octet]
                table[slice * 256 + octet] = previous >> 8 ^ table[Int(previous & 0xFF)]
            }
        }
        return table
    }()
}
