internal import CZlib

/// A raw deflate stream that is reset for each chunk.
@safe final class DeflateCompressor {
    // zlib keeps the stream's address, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private var level: Int = 6

    init() throws(CompressionError) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // Window 2^15 without header, memory level 9.
        let status = unsafe deflateInit2_(
            stream, Int32(level), Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw CompressionError(.libraryFailed, "zlib error \(status)") }
    }

    deinit {
        unsafe deflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Writes over `output` from `start`; the octets written, or `nil` if there is too little room.
    func compress(
        _ raw: UnsafeRawBufferPointer, _ level: Int, _ dictionary: CompressionDictionary?,
        into output: inout [UInt8], from start: Int
    ) throws(CompressionError) -> Int? {
        var status = unsafe deflateReset(stream)
        if status == Z_OK, level != self.level {
            status = unsafe deflateParams(stream, Int32(level), Z_DEFAULT_STRATEGY)
            self.level = level
        }
        if status == Z_OK, let dictionary {
            status = unsafe dictionary.octets.withUnsafeBufferPointer { bytes in
                unsafe deflateSetDictionary(stream, bytes.baseAddress, UInt32(bytes.count))
            }
        }
        guard status == Z_OK else { throw CompressionError(.libraryFailed, "zlib error \(status)") }
        let (end, written) = unsafe output.withUnsafeMutableBytes { target in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
            return unsafe stream.run(raw, room) { unsafe deflate($0, Z_FINISH) }
        }
        switch end {
        case Z_STREAM_END: return written
        case Z_OK, Z_BUF_ERROR: return nil
        default: throw CompressionError(.libraryFailed, "zlib error \(end)")
        }
    }
}

/// A raw inflate stream that is reset for each chunk.
@safe final class InflateDecompressor {
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(CompressionError) {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw CompressionError(.libraryFailed, "zlib error \(status)") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Writes over `output` from `start`, never beyond its end; the octets written, `nil` for a malformed payload.
    func decompress(
        _ payload: UnsafeRawBufferPointer, _ dictionary: CompressionDictionary?,
        into output: inout [UInt8], from start: Int
    ) throws(CompressionError) -> Int? {
        var status = unsafe inflateReset(stream)
        if status == Z_OK, let dictionary {
            status = unsafe dictionary.octets.withUnsafeBufferPointer { bytes in
                unsafe inflateSetDictionary(stream, bytes.baseAddress, UInt32(bytes.count))
            }
        }
        guard status == Z_OK else { throw CompressionError(.libraryFailed, "zlib error \(status)") }
        let (end, written) = unsafe output.withUnsafeMutableBytes { target in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
            return unsafe stream.run(payload, room) { unsafe inflate($0, Z_FINISH) }
        }
        guard end != Z_MEM_ERROR else { throw CompressionError(.libraryFailed, "no memory for zlib") }
        // Octets behind the end of the stream are damage too.
        let isWhole = unsafe end == Z_STREAM_END && stream.pointee.avail_in == 0
        return isWhole ? written : nil
    }
}

extension UnsafeMutablePointer<z_stream> {
    /// One call of `operation` over whole buffers: its status and how many octets it wrote.
    fileprivate func run(
        _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer,
        _ operation: (UnsafeMutablePointer<z_stream>) -> Int32
    ) -> (status: Int32, written: Int) {
        // SAFETY: zlib only reads `next_in`; an empty output still needs an address.
        var spare: UInt8 = 0
        return unsafe withUnsafeMutablePointer(to: &spare) { spare in
            unsafe pointee.next_in = UnsafeMutablePointer<UInt8>(
                mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
            unsafe pointee.avail_in = UInt32(input.count)
            unsafe pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self) ?? spare
            unsafe pointee.avail_out = UInt32(output.count)
            let status = unsafe operation(self)
            let written = unsafe output.count - Int(pointee.avail_out)
            unsafe pointee.next_in = nil
            unsafe pointee.next_out = nil
            return (status, written)
        }
    }
}
