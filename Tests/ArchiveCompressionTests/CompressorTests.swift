import ArchiveCompression
import Testing

struct RawCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var octets: [UInt8]

    init(_ name: String, _ octets: [UInt8]) { (testDescription, self.octets) = (name, octets) }

    static let all = [
        RawCase("nothing", []),
        RawCase("one octet", [65]),
        RawCase("a run", [UInt8](repeating: 32, count: 200)),
        RawCase("a mail", Array(Sample.mail.utf8)),
        RawCase("exactly the probe", Sample.text(65_536)),
        RawCase("one more", Sample.text(65_537)),
        RawCase("a full chunk", Sample.text(1 << 20)),
        RawCase("noise", Sample.noise(100_000)),
        RawCase("text behind noise", Sample.noise(70_000) + Sample.text(70_000)),
    ]
}

enum Sample {
    static let mail = """
        Return-Path: <anna@example.org>\r\nReceived: from mx.example.org (mx.example.org [192.0.2.7])\r
        \tby mail.example.net (Postfix) with ESMTPS id 4XyZ\r\n\tfor <bert@example.net>; Mon, 5 Jan 2026 10:00:00 +0100 (CET)\r
        MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r
        \r\nHello Bert,\r\n\r\nplease find attached the minutes.\r\n\r\nKind regards\r\nAnna\r\n
        """

    /// Numbered lines: compressible at any length.
    static func text(_ count: Int) -> [UInt8] {
        var octets: [UInt8] = []
        var line = 0
        while octets.count < count {
            octets += Array("line \(line) of a text that goes on, \(line &* 7_919 % 1_000)\r\n".utf8)
            line += 1
        }
        return Array(octets.prefix(count))
    }

    /// The same octets each time, without structure.
    static func noise(_ count: Int) -> [UInt8] {
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return UInt8(truncatingIfNeeded: state >> 24)
        }
    }
}

@Suite struct CompressorTests {
    static let dictionaries: [CompressionDictionary?] = [
        nil, .builtIn, CompressionDictionary(id: 2, octets: Sample.text(40_000)),
    ]

    @Test(
        "what was compressed comes back", arguments: RawCase.all, [CompressionMethod.deflate, .zstd])
    func roundTrip(_ raw: RawCase, _ method: CompressionMethod) throws {
        let (compressor, decompressor) = (Compressor(), Decompressor())
        for dictionary in Self.dictionaries {
            for level in [1, 3, 9, 3] {
                var payload: [UInt8] = [7]
                let pays = try compressor.compress(
                    raw.octets[...], method: method, level: level, dictionary: dictionary, into: &payload)
                guard pays else {
                    #expect(payload == [7])
                    continue
                }
                #expect(payload.count - 1 < raw.octets.count)
                var output: [UInt8] = [9]
                try decompressor.decompress(
                    payload[1...], method: method, rawOctetCount: raw.octets.count, dictionary: dictionary,
                    into: &output)
                #expect(output == [9] + raw.octets)
            }
        }
    }

    @Test(
        "a mail pays with either method, and more with the dictionary",
        arguments: [CompressionMethod.deflate, .zstd])
    func mailPays(_ method: CompressionMethod) throws {
        let compressor = Compressor()
        var (plain, primed): ([UInt8], [UInt8]) = ([], [])
        #expect(try compressor.compress(Array(Sample.mail.utf8)[...], method: method, into: &plain))
        #expect(
            try compressor.compress(
                Array(Sample.mail.utf8)[...], method: method, dictionary: .builtIn, into: &primed))
        #expect(primed.count * 3 < plain.count * 2)
    }

    @Test("octets without structure are stored", arguments: [10, 1_000, 65_537, 1 << 20])
    func noiseIsStored(_ count: Int) throws {
        let compressor = Compressor()
        for method in CompressionMethod.allCases {
            var payload: [UInt8] = []
            #expect(try !compressor.compress(Sample.noise(count)[...], method: method, into: &payload))
            #expect(payload.isEmpty)
        }
    }

    @Test(
        "one chunk does not depend on those before it", arguments: [CompressionMethod.deflate, .zstd])
    func noSharedState(_ method: CompressionMethod) throws {
        let used = Compressor()
        var scrap: [UInt8] = []
        for raw in RawCase.all {
            _ = try used.compress(
                raw.octets[...], method: method, level: 9, dictionary: .builtIn, into: &scrap)
            _ = try used.compress(raw.octets[...], method: method, into: &scrap)
        }
        var (first, second): ([UInt8], [UInt8]) = ([], [])
        _ = try used.compress(Array(Sample.mail.utf8)[...], method: method, into: &first)
        _ = try Compressor().compress(Array(Sample.mail.utf8)[...], method: method, into: &second)
        #expect(first == second)
    }

    @Test("a zstd frame has no magic number, content size, checksum or dictionary id")
    func frameHeader() throws {
        var payload: [UInt8] = []
        _ = try Compressor().compress(
            Sample.text(5_000)[...], method: .zstd, dictionary: .builtIn, into: &payload)
        // Frame_Header_Descriptor, RFC 8878 §3.1.1.1.1: all flags zero; then the window descriptor.
        #expect(payload[0] == 0)
    }
}
