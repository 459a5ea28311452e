/// Bech32 as age writes keys: a readable prefix, `1`, the octets in groups of five bits, a checksum of six characters.
///
/// - SeeAlso: BIP 173; age's recipients are longer than its 90 characters, so there is no such limit here
public enum Bech32 {
    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
    // LIMIT: far beyond any key; a longer word is none.
    private static let maximumOctetCount = 1_024

    /// `prefix` (lower case) ‖ `1` ‖ data ‖ checksum, all lower case.
    public static func encode(prefix: String, _ octets: [UInt8]) -> String {
        let groups = regroup(octets, from: 8, to: 5, padding: true) ?? []
        let sum = polymod(expanded(prefix) + groups + [UInt8](repeating: 0, count: 6)) ^ 1
        let checksum = (0..<6).map { UInt8(sum >> UInt32(5 * (5 - $0)) & 31) }
        return prefix + "1" + String(decoding: (groups + checksum).map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// The prefix in lower case and the octets; `nil` for mixed case, a wrong checksum, or padding that is not zero.
    public static func decode(_ text: String) -> (prefix: String, octets: [UInt8])? {
        let lower = text.lowercased()
        guard text.utf8.count <= maximumOctetCount, text == lower || text == text.uppercased(),
            text.utf8.allSatisfy({ (33...126).contains($0) }), let separator = lower.utf8.lastIndex(of: 0x31)
        else { return nil }
        let prefix = String(lower[..<separator])
        var groups: [UInt8] = []
        for character in lower.utf8[lower.utf8.index(after: separator)...] {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            groups.append(UInt8(value))
        }
        guard !prefix.isEmpty, groups.count >= 6, polymod(expanded(prefix) + groups) == 1,
            let octets = regroup(groups.dropLast(6), from: 5, to: 8, padding: false)
        else { return nil }
        return (prefix, octets)
    }

    private static func expanded(_ prefix: String) -> [UInt8] {
        prefix.utf8.map { $0 >> 5 } + [0] + prefix.utf8.map { $0 & 31 }
    }

    private static func polymod(_ values: [UInt8]) -> UInt32 {
        let generators: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
        var sum: UInt32 = 1
        for value in values {
            let top = sum >> 25
            sum = (sum & 0x1FF_FFFF) << 5 ^ UInt32(value)
            for (bit, generator) in generators.enumerated() where top >> UInt32(bit) & 1 == 1 { sum ^= generator }
        }
        return sum
    }

    /// Groups of `from` bits as groups of `to` bits; `nil` if what is left over without padding is not zero bits.
    private static func regroup(
        _ groups: some Sequence<UInt8>, from: UInt32, to: UInt32, padding: Bool
    ) -> [UInt8]? {
        var result: [UInt8] = []
        var (bits, count): (UInt32, UInt32) = (0, 0)
        for group in groups {
            bits = (bits << from | UInt32(group)) & 0xFFFF
            count += from
            while count >= to {
                count -= to
                result.append(UInt8(bits >> count & (1 << to - 1)))
            }
        }
        let rest = bits & (1 << count - 1)
        if padding {
            if count > 0 { result.append(UInt8(rest << (to - count))) }
        } else if count >= from || rest != 0 {
            return nil
        }
        return result
    }
}
