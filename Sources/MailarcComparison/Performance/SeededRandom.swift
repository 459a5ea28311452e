import Glibc

/// SplitMix64: the same numbers for the same seed, on every machine.
///
/// - SeeAlso: Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014)
struct SeededRandom {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// From 0 to below 1.
    mutating func share() -> Double { Double(next() >> 11) / Double(1 << 53) }

    /// From 0 to below `limit`.
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }

    /// Normally distributed about 0. Box and Muller (1958)
    mutating func normal() -> Double {
        let (radius, angle) = ((-2 * log(1 - share())).squareRoot(), 2 * Double.pi * share())
        return radius * cos(angle)
    }

    /// `count` octets that nothing can compress.
    mutating func octets(_ count: Int) -> [UInt8] {
        var octets: [UInt8] = []
        octets.reserveCapacity(count + 8)
        while octets.count < count {
            var value = next()
            for _ in 0..<8 {
                octets.append(UInt8(truncatingIfNeeded: value))
                value >>= 8
            }
        }
        octets.removeLast(octets.count - count)
        return octets
    }
}
