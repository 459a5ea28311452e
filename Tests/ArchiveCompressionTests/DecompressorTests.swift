import ArchiveCompression
import Testing

@Suite struct DecompressorTests {
    private func payload(_ method: CompressionMethod, _ dictionary: CompressionDictionary? = nil)
        throws -> [UInt8]
    {
        var payload: [UInt8] = []
        _ = try Compressor().compress(
            Sample.text(3_000)[...], method: method, dictionary: dictionary, into: &payload)
        return payload
    }

    private func kind(
        _ payload: [UInt8], _ method: CompressionMethod, _ count: Int,
        _ dictionary: CompressionDictionary? = nil
    ) -> CompressionError.Kind? {
        var output: [UInt8] = [1, 2]
        do {
            try Decompressor().decompress(
                payload[...], method: method, rawOctetCount: count, dictionary: dictionary, into: &output)
            return nil
        } catch {
            #expect(output == [1, 2])
            return error.kind
        }
    }

    @Test(
        "another raw length than that of the payload is damage",
        arguments: [CompressionMethod.deflate, .zstd])
    func lengthBounds(_ method: CompressionMethod) throws {
        let payload = try payload(method)
        for count in [0, 1, 2_999, 3_001, 100_000] { #expect(kind(payload, method, count) == .damaged) }
        #expect(kind(payload, method, 3_000) == nil)
    }

    @Test("every cut of a payload is damage", arguments: [CompressionMethod.deflate, .zstd])
    func truncation(_ method: CompressionMethod) throws {
        let payload = try payload(method)
        for count in 0..<payload.count {
            #expect(kind(Array(payload.prefix(count)), method, 3_000) == .damaged, "cut to \(count)")
        }
        #expect(kind(payload + [0], method, 3_000) == .damaged)
    }

    @Test(
        "a flipped bit never writes beyond the raw length",
        arguments: [CompressionMethod.deflate, .zstd])
    func flippedBits(_ method: CompressionMethod) throws {
        let payload = try payload(method)
        let decompressor = Decompressor()
        for bit in stride(from: 0, to: payload.count * 8, by: 7) {
            var damaged = payload
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            var output: [UInt8] = []
            try? decompressor.decompress(
                damaged[...], method: method, rawOctetCount: 3_000, into: &output)
            #expect(output.isEmpty || output.count == 3_000)
        }
        var output: [UInt8] = []
        try decompressor.decompress(payload[...], method: method, rawOctetCount: 3_000, into: &output)
        #expect(output == Sample.text(3_000))
    }

    @Test(
        "the wrong dictionary does not give the octets", arguments: [CompressionMethod.deflate, .zstd])
    func wrongDictionary(_ method: CompressionMethod) throws {
        let payload = try payload(method, CompressionDictionary(id: 2, octets: Sample.text(3_000)))
        var output: [UInt8] = []
        try? Decompressor().decompress(
            payload[...], method: method, rawOctetCount: 3_000, into: &output)
        #expect(output != Sample.text(3_000))
    }

    @Test("stored octets must be as many as announced")
    func stored() {
        #expect(kind([1, 2, 3], .stored, 3) == nil)
        #expect(kind([1, 2, 3], .stored, 2) == .damaged)
        #expect(kind([], .stored, 0) == nil)
    }

    @Test("a raw length above the limit is refused before anything is allocated")
    func limit() {
        #expect(kind([0], .zstd, Int.max) == .limitExceeded)
        #expect(kind([0], .zstd, -1) == .limitExceeded)
    }

    @Test(
        "a small payload that would fill memory is refused",
        arguments: [CompressionMethod.deflate, .zstd])
    func bomb(_ method: CompressionMethod) throws {
        var payload: [UInt8] = []
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        #expect(try Compressor().compress(zeros[...], method: method, into: &payload))
        #expect(payload.count < 8_000)
        #expect(kind(payload, method, 4_096) == .damaged)
    }
}
