import COctets
import Testing

/// The vector loops against their portable twins, and both against what is known.
@Suite("octet loops")
struct OctetsTests {
    /// A small generator, so that a failure comes again.
    struct Numbers: RandomNumberGenerator {
        var state: UInt64 = 7
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) ^ (state << 31)
        }
    }

    static func octets(_ count: Int, _ numbers: inout Numbers) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
    }

    @Test("the checksum of RFC 3720", arguments: [0, 1])
    func checksumVector(portable: Int) {
        let digits = Array("123456789".utf8)
        let state =
            portable == 1
            ? unsafe octets_crc32c_portable(.max, digits, digits.count)
            : unsafe octets_crc32c(.max, digits, digits.count)
        #expect(~state == 0xE306_9283)
    }

    @Test("checksums agree at every length")
    func checksums() {
        var numbers = Numbers()
        for count in 0..<300 {
            let octets = Self.octets(count, &numbers)
            let same = unsafe octets_crc32c(1, octets, count) == octets_crc32c_portable(1, octets, count)
            #expect(same, "\(count) octets")
        }
    }

    @Test("base64 agrees, decodes to what it was, and stops at the first foreign octet", arguments: 1...40)
    func base64(lineGroups: Int) {
        var numbers = Numbers(state: UInt64(lineGroups))
        for lineEnd in 1...2 {
            let lines = Int.random(in: 1...20, using: &numbers)
            let source = Self.octets(lines * lineGroups * 3, &numbers)
            let stride = lineGroups * 4 + lineEnd
            var (text, plain) = (Self.room(lines * stride), Self.room(lines * stride))
            let count = unsafe octets_base64_encode(source, source.count / 3, lineGroups, lineEnd, &text)
            let plainCount = unsafe octets_base64_encode_portable(
                source, source.count / 3, lineGroups, lineEnd, &plain)
            #expect(count == lines * stride && plainCount == count && text[..<count] == plain[..<count])
            #expect(Self.decode(text, lines, lineGroups, lineEnd, source) == lines)
            for _ in 0..<30 {
                var damaged = text
                let place = Int.random(in: 0..<count, using: &numbers)
                damaged[place] = Self.damages.randomElement(using: &numbers) ?? 0
                guard damaged != text else { continue }
                #expect(Self.decode(damaged, lines, lineGroups, lineEnd, source) == place / stride)
            }
        }
    }

    /// What no base64 text has inside it, and wrong line ends.
    private static let damages: [UInt8] = [
        0x00, 0x0A, 0x0D, 0x20, 0x2A, 0x2C, 0x2D, 0x3A, 0x3D, 0x40, 0x5B, 0x60, 0x7B, 0x80, 0xC1, 0xFF,
    ]

    private static func room(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count + Int(OCTETS_SLACK)) }

    /// The number of good lines, if both loops agree on it and on what they say.
    private static func decode(
        _ text: [UInt8], _ lines: Int, _ lineGroups: Int, _ lineEnd: Int, _ source: [UInt8]
    ) -> Int? {
        var (fast, plain) = (room(source.count), room(source.count))
        let good = unsafe octets_base64_decode_lines(text, lines, lineGroups * 4, lineEnd, &fast)
        let same = unsafe octets_base64_decode_lines_portable(text, lines, lineGroups * 4, lineEnd, &plain)
        let count = good * lineGroups * 3
        guard good == same, fast[..<count] == plain[..<count], fast[..<count] == source[..<count] else { return nil }
        return good
    }

    @Test("every octet in every place of a block is told right")
    func alphabet() {
        let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for place in 0..<64 {
            for octet in UInt8.min ... .max {
                var text = [UInt8](repeating: 0x41, count: 64)
                text[place] = octet
                var output = Self.room(48)
                let groups = unsafe octets_base64_decode(text, 16, &output)
                #expect(groups == (letters.contains(octet) ? 16 : place / 4))
            }
        }
    }

    @Test("delimiters are found where they can be, and at the end where they may be")
    func hyphens() {
        var numbers = Numbers()
        let alphabet: [UInt8] = [0x0A, 0x2D, 0x2D, 0x61]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...120, using: &numbers)
            let octets = (0..<count).map { _ in alphabet.randomElement(using: &numbers) ?? 0 }
            let expected =
                octets.indices.first { index in
                    octets[index] == 0x0A && octets[index...].dropFirst().prefix(2).allSatisfy { $0 == 0x2D }
                } ?? count
            let fast = unsafe octets_find_hyphens(octets, count)
            let plain = unsafe octets_find_hyphens_portable(octets, count)
            #expect(fast == expected && plain == expected)
        }
    }
}
