/// Compresses chunks, each on its own: nothing of one chunk or message reaches another one.
///
/// Holds reusable contexts of about 2 MiB for each level in use; one for each lane of work, not for two threads at once.
public final class Compressor {
    /// LIMIT: a chunk has 1 MiB; ledger bundles of 256 full leaves, the largest other thing compressed, have 16 MiB.
    public static let maximumRawOctetCount = 32 << 20
    /// LIMIT: above, zstd's history of rare faults grows and its gain on mail does not.
    public static let levels = 1...9
    /// How much of a chunk is tried before all of it is.
    static let probeOctetCount = 65_536

    private var zstd: ZstdCompressor?
    private var deflate: DeflateCompressor?

    /// Contexts are made when first needed.
    public init() {}

    /// Appends `raw` compressed by `method` to `output`.
    ///
    /// - Parameters:
    ///   - level: 1 (fast) to 9 (small), brought into that range.
    ///   - dictionary: what the decompressor will be given too.
    /// - Returns: false if it does not pay (`output` is as it was): store the octets. Always false for `.stored`.
    /// - Throws: ``CompressionError`` `.limitExceeded`, `.libraryFailed`.
    public func compress(
        _ raw: UnsafeRawBufferPointer, method: CompressionMethod, level: Int = 3,
        dictionary: CompressionDictionary? = nil, into output: inout [UInt8]
    ) throws(CompressionError) -> Bool {
        guard raw.count <= Self.maximumRawOctetCount else {
            throw CompressionError(.limitExceeded, "\(raw.count) octets in one piece")
        }
        let level = min(max(level, Self.levels.lowerBound), Self.levels.upperBound)
        // 1 % less, or reading it would cost more than it saves.
        let capacity = raw.count - raw.count / 100 - 1
        guard method != .stored, capacity > 0, try unsafe isWorthTrying(raw) else { return false }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: capacity))
        let written: Int?
        switch method {
        case .stored: written = nil
        case .zstd:
            written = try unsafe zstdContext().compress(
                raw, level, dictionary, into: &output, from: start)
        case .deflate:
            written = try unsafe deflateContext().compress(
                raw, level, dictionary, into: &output, from: start)
        }
        output.removeSubrange((start + (written ?? 0))...)
        return written != nil
    }

    /// As above for an array or a slice of one.
    public func compress(
        _ raw: ArraySlice<UInt8>, method: CompressionMethod, level: Int = 3,
        dictionary: CompressionDictionary? = nil, into output: inout [UInt8]
    ) throws(CompressionError) -> Bool {
        // SAFETY: the pointer is used inside the closure only.
        let result = unsafe raw.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in
                try unsafe compress(
                    bytes, method: method, level: level, dictionary: dictionary, into: &output)
            }
        }
        return try result.get()
    }

    /// False if the head of a long chunk, compressed fast, saves less than 3 %: photographs, archives, ciphertext.
    private func isWorthTrying(_ raw: UnsafeRawBufferPointer) throws(CompressionError) -> Bool {
        guard raw.count > Self.probeOctetCount else { return true }
        let head = unsafe UnsafeRawBufferPointer(rebasing: raw[..<Self.probeOctetCount])
        var trial = [UInt8](repeating: 0, count: Self.probeOctetCount * 97 / 100)
        return try unsafe zstdContext().compress(head, 1, nil, into: &trial, from: 0) != nil
    }

    private func zstdContext() throws(CompressionError) -> ZstdCompressor {
        if let zstd { return zstd }
        let context = try ZstdCompressor()
        zstd = context
        return context
    }

    private func deflateContext() throws(CompressionError) -> DeflateCompressor {
        if let deflate { return deflate }
        let context = try DeflateCompressor()
        deflate = context
        return context
    }
}
