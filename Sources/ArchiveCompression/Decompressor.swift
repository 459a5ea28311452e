/// Gives back what a ``Compressor`` took. Reusable; not for two threads at once.
public final class Decompressor {
    private var zstd: ZstdDecompressor?
    private var inflate: InflateDecompressor?

    /// Contexts are made when first needed.
    public init() {}

    /// Appends the `rawOctetCount` octets that `payload` holds to `output`.
    ///
    /// Never writes more, whatever the payload claims. `output` is as it was after an error.
    /// - Throws: ``CompressionError`` `.damaged` for a malformed payload or one of another raw length or dictionary,
    ///   `.limitExceeded`, `.libraryFailed`.
    public func decompress(
        _ payload: UnsafeRawBufferPointer, method: CompressionMethod, rawOctetCount: Int,
        dictionary: CompressionDictionary? = nil, into output: inout [UInt8]
    ) throws(CompressionError) {
        guard (0...Compressor.maximumRawOctetCount).contains(rawOctetCount) else {
            throw CompressionError(.limitExceeded, "\(rawOctetCount) octets in one piece")
        }
        let start = output.count
        if method == .stored {
            guard payload.count == rawOctetCount else {
                throw CompressionError(
                    .damaged, "\(payload.count) stored octets where \(rawOctetCount) should be")
            }
            unsafe output.append(contentsOf: payload)
            return
        }
        output.append(contentsOf: repeatElement(0, count: rawOctetCount))
        let written: Int?
        switch method {
        case .stored: written = nil
        case .zstd:
            written = try unsafe zstdContext().decompress(payload, dictionary, into: &output, from: start)
        case .deflate:
            written = try unsafe inflateContext().decompress(
                payload, dictionary, into: &output, from: start)
        }
        guard written == rawOctetCount else {
            output.removeSubrange(start...)
            throw CompressionError(
                .damaged, "a \(method) payload does not give its \(rawOctetCount) octets")
        }
    }

    /// As above for an array or a slice of one.
    public func decompress(
        _ payload: ArraySlice<UInt8>, method: CompressionMethod, rawOctetCount: Int,
        dictionary: CompressionDictionary? = nil, into output: inout [UInt8]
    ) throws(CompressionError) {
        // SAFETY: the pointer is used inside the closure only.
        let result = unsafe payload.withUnsafeBytes { bytes in
            Result { () throws(CompressionError) in
                try unsafe decompress(
                    bytes, method: method, rawOctetCount: rawOctetCount, dictionary: dictionary, into: &output
                )
            }
        }
        try result.get()
    }

    private func zstdContext() throws(CompressionError) -> ZstdDecompressor {
        if let zstd { return zstd }
        let context = try ZstdDecompressor()
        zstd = context
        return context
    }

    private func inflateContext() throws(CompressionError) -> InflateDecompressor {
        if let inflate { return inflate }
        let context = try InflateDecompressor()
        inflate = context
        return context
    }
}
