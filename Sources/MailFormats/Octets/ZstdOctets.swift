internal import CZstd
import MailCore

/// What a zstd stream of one frame or several gives.
///
/// LIMIT: a window of 128 MiB, zstd's own; what was made with `--long=28` or more is refused.
@safe final class ZstdOctets: OctetStream {
    private let context: OpaquePointer
    private let source: any OctetStream
    private var input: [UInt8] = []
    private var position = 0
    private var isInFrame = false
    /// zstd kept octets back, for the last output was full.
    private var hasMore = false
    private var limit = ExpansionLimit()
    private static let piece = 1 << 16

    init(_ source: any OctetStream) throws(FormatsError) {
        self.source = source
        guard let context = unsafe ZSTD_createDCtx() else {
            throw FormatsError(.ioFailed, "no memory for zstd", path: "")
        }
        unsafe self.context = context
    }

    deinit { unsafe _ = ZSTD_freeDCtx(context) }

    /// - Throws: `.damaged` for what is not zstd, ends too early or grows without end.
    func next() throws(FormatsError) -> [UInt8]? {
        while true {
            if position == input.count, !hasMore {
                guard let more = try source.next() else {
                    guard !isInFrame else {
                        throw FormatsError(.damaged, "the compressed data end too early", path: "")
                    }
                    return nil
                }
                (input, position) = (more, 0)
            }
            let octets = try step()
            if !octets.isEmpty { return octets }
        }
    }

    private func step() throws(FormatsError) -> [UInt8] {
        var result = 0
        var taken = 0
        // SAFETY: zstd reads up to `size` octets of the input and writes up to `size` of the output, whole buffers both.
        let output = unsafe [UInt8](unsafeUninitializedCapacity: Self.piece) { target, count in
            unsafe input.withUnsafeBytes { octets in
                var from = unsafe ZSTD_inBuffer(src: octets.baseAddress, size: octets.count, pos: position)
                var to = unsafe ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                unsafe result = ZSTD_decompressStream(context, &to, &from)
                taken = unsafe from.pos - position
                count = unsafe to.pos
            }
        }
        position += taken
        guard ZSTD_isError(result) == 0 else {
            let isWide = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge
            throw FormatsError(
                .damaged, isWide ? "the zstd window is larger than 128 MiB" : "the compressed data are damaged",
                path: "")
        }
        try limit.note(taken: taken, given: output.count)
        isInFrame = result != 0
        hasMore = isInFrame && output.count == Self.piece
        return output
    }
}
