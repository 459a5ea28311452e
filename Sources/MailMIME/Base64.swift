/// Base64 in whole buffers, tolerant and exact.
///
/// - SeeAlso: RFC 2045 §6.8, RFC 4648 §4
public enum Base64 {
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The value of each octet: 0 to 63, 64 for the pad, 255 for anything else.
    static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, octet) in alphabet.enumerated() { table[Int(octet)] = UInt8(value) }
        table[Int(UInt8(ascii: "="))] = 64
        return table
    }()

    /// What `text` encodes; characters outside the alphabet are skipped, pads end a group. Total; linear.
    public static func decode(_ text: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var group: UInt32 = 0
        var count = 0
        for octet in text {
            let value = values[Int(octet)]
            if value < 64 {
                group = group << 6 | UInt32(value)
                count += 1
                if count == 4 {
                    result.append(UInt8(truncatingIfNeeded: group >> 16))
                    result.append(UInt8(truncatingIfNeeded: group >> 8))
                    result.append(UInt8(truncatingIfNeeded: group))
                    (group, count) = (0, 0)
                }
            } else if value == 64 {
                flush(group, count, into: &result)
                (group, count) = (0, 0)
            }
        }
        flush(group, count, into: &result)
        return result
    }

    /// The octets of an unfinished group of `count` characters.
    static func flush(_ group: UInt32, _ count: Int, into result: inout [UInt8]) {
        if count >= 2 {
            let shifted = group << UInt32(6 * (4 - count))
            result.append(UInt8(truncatingIfNeeded: shifted >> 16))
            if count == 3 { result.append(UInt8(truncatingIfNeeded: shifted >> 8)) }
        }
    }
}
