internal import CZlib
import MailCore

/// What a deflated stream gives.
@safe final class InflateOctets: OctetStream {
    /// `gzip` may be several members one after the other (RFC 1952 §2.2).
    enum Format: Int32 {
        case raw = -15
        case gzip = 31
    }

    // zlib keeps the stream's address, so it must not move.
    private let stream: UnsafeMutablePointer<z_stream>
    private let source: any OctetStream
    private let format: Format
    private var input: [UInt8] = []
    private var position = 0
    private var isAtEnd = false
    /// Between two members nothing is missing where the source ends.
    private var isInMember = true
    /// zlib kept octets back, for the last output was full.
    private var hasMore = false
    private var limit = ExpansionLimit()
    private static let piece = 1 << 16

    init(_ source: any OctetStream, _ format: Format) throws(FormatsError) {
        (self.source, self.format) = (source, format)
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        let status = unsafe inflateInit2_(
            stream, format.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        guard status == Z_OK else { throw FormatsError(.ioFailed, "no memory for zlib", path: "") }
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// - Throws: `.damaged` for what is not deflated, ends too early or grows without end.
    func next() throws(FormatsError) -> [UInt8]? {
        while !isAtEnd {
            if position == input.count, !hasMore {
                guard let more = try source.next() else {
                    guard !isInMember else {
                        throw FormatsError(.damaged, "the compressed data end too early", path: "")
                    }
                    break
                }
                (input, position) = (more, 0)
            }
            if !isInMember {
                // QUIRK: tar and some disks pad the end with zeros.
                guard input[position] == 0x1F, unsafe inflateReset(stream) == Z_OK else { break }
                isInMember = true
            }
            let octets = try step()
            if !octets.isEmpty { return octets }
        }
        isAtEnd = true
        return nil
    }

    private func step() throws(FormatsError) -> [UInt8] {
        var status = Z_OK
        var taken = 0
        // SAFETY: zlib reads `avail_in` octets of the input and writes `avail_out` of the output, whole buffers both.
        let output = unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
            unsafe input.withUnsafeMutableBufferPointer { octets in
                unsafe stream.pointee.next_in = octets.baseAddress.map { unsafe $0 + position }
                unsafe stream.pointee.avail_in = UInt32(octets.count - position)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(target.count)
                status = unsafe inflate(stream, Z_NO_FLUSH)
                taken = unsafe octets.count - position - Int(stream.pointee.avail_in)
                count = unsafe target.count - Int(stream.pointee.avail_out)
            }
        }
        position += taken
        guard status == Z_OK || status == Z_BUF_ERROR || status == Z_STREAM_END else {
            throw FormatsError(.damaged, "the compressed data are damaged", path: "")
        }
        try limit.note(taken: taken, given: output.count)
        hasMore = status != Z_STREAM_END && output.count == Self.piece
        if status == Z_STREAM_END {
            isInMember = false
            isAtEnd = format == .raw
        }
        return output
    }
}
