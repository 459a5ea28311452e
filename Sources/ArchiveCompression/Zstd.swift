internal import CZstd

/// A zstd compression context and the prepared dictionaries it was used with.
@safe final class ZstdCompressor {
    private let context: OpaquePointer
    private var dictionaries: [DictionaryKey: OpaquePointer] = unsafe [:]

    private struct DictionaryKey: Hashable {
        var id: UInt16
        var level: Int
    }

    init() throws(CompressionError) {
        guard let context = unsafe ZSTD_createCCtx() else {
            throw CompressionError(.libraryFailed, "no memory for zstd")
        }
        unsafe self.context = context
        let format = Int32(bitPattern: ZSTD_f_zstd1_magicless.rawValue)
        let isSet = unsafe [
            ZSTD_CCtx_setParameter(context, ZSTD_c_experimentalParam2, format),
            ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0),
            ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0),
            ZSTD_CCtx_setParameter(context, ZSTD_c_dictIDFlag, 0),
        ].allSatisfy { ZSTD_isError($0) == 0 }
        guard isSet else {
            throw CompressionError(.libraryFailed, "zstd does not write magicless frames")
        }
    }

    deinit {
        while let entry = unsafe dictionaries.popFirst() { unsafe _ = ZSTD_freeCDict(entry.value) }
        unsafe ZSTD_freeCCtx(context)
    }

    /// Writes one frame over `output` from `start`; its length, or `nil` if there is too little room.
    func compress(
        _ raw: UnsafeRawBufferPointer, _ level: Int, _ dictionary: CompressionDictionary?,
        into output: inout [UInt8], from start: Int
    ) throws(CompressionError) -> Int? {
        let prepared: OpaquePointer?
        if let dictionary {
            unsafe prepared = try prepare(dictionary, level)
        } else {
            unsafe prepared = nil
        }
        let result = unsafe output.withUnsafeMutableBytes { target in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
            unsafe ZSTD_CCtx_reset(context, ZSTD_reset_session_only)
            unsafe ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
            unsafe ZSTD_CCtx_refCDict(context, prepared)
            return unsafe ZSTD_compress2(
                context, room.baseAddress, room.count, raw.baseAddress, raw.count)
        }
        if ZSTD_isError(result) == 0 { return result }
        guard ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall else {
            throw CompressionError(.libraryFailed, "zstd error \(ZSTD_getErrorCode(result).rawValue)")
        }
        return nil
    }

    private func prepare(
        _ dictionary: CompressionDictionary, _ level: Int
    ) throws(CompressionError) -> OpaquePointer {
        let key = DictionaryKey(id: dictionary.id, level: level)
        if let known = unsafe dictionaries[key] { return unsafe known }
        let made = unsafe dictionary.octets.withUnsafeBytes { bytes in
            // Prepared for inputs of 16 KiB: dictionaries matter for small mail.
            let parameters = ZSTD_getCParams(Int32(level), 16_384, bytes.count)
            return unsafe ZSTD_createCDict_advanced(
                bytes.baseAddress, bytes.count, ZSTD_dlm_byCopy, ZSTD_dct_rawContent, parameters,
                ZSTD_defaultCMem)
        }
        guard let made = unsafe made else {
            throw CompressionError(.libraryFailed, "no memory for a zstd dictionary")
        }
        unsafe dictionaries[key] = made
        return unsafe made
    }
}

/// A zstd decompression context and the prepared dictionaries it was used with.
@safe final class ZstdDecompressor {
    private let context: OpaquePointer
    private var dictionaries: [UInt16: OpaquePointer] = unsafe [:]

    init() throws(CompressionError) {
        guard let context = unsafe ZSTD_createDCtx() else {
            throw CompressionError(.libraryFailed, "no memory for zstd")
        }
        unsafe self.context = context
        let format = Int32(bitPattern: ZSTD_f_zstd1_magicless.rawValue)
        guard
            unsafe ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_experimentalParam1, format)) == 0
        else {
            throw CompressionError(.libraryFailed, "zstd does not read magicless frames")
        }
    }

    deinit {
        while let entry = unsafe dictionaries.popFirst() { unsafe _ = ZSTD_freeDDict(entry.value) }
        unsafe ZSTD_freeDCtx(context)
    }

    /// Writes over `output` from `start`, never beyond its end; the octets written, `nil` for a malformed payload.
    func decompress(
        _ payload: UnsafeRawBufferPointer, _ dictionary: CompressionDictionary?,
        into output: inout [UInt8], from start: Int
    ) throws(CompressionError) -> Int? {
        let prepared: OpaquePointer?
        if let dictionary { unsafe prepared = try prepare(dictionary) } else { unsafe prepared = nil }
        // zstd takes no octets at all for no frames at all.
        guard payload.count > 0 else { return nil }
        let result = unsafe output.withUnsafeMutableBytes { target in
            let room = unsafe UnsafeMutableRawBufferPointer(rebasing: target[start...])
            unsafe ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
            unsafe ZSTD_DCtx_refDDict(context, prepared)
            return unsafe ZSTD_decompressDCtx(
                context, room.baseAddress, room.count, payload.baseAddress, payload.count)
        }
        if ZSTD_isError(result) == 0 { return result }
        guard ZSTD_getErrorCode(result) != ZSTD_error_memory_allocation else {
            throw CompressionError(.libraryFailed, "no memory for zstd")
        }
        return nil
    }

    private func prepare(_ dictionary: CompressionDictionary) throws(CompressionError)
        -> OpaquePointer
    {
        if let known = unsafe dictionaries[dictionary.id] { return unsafe known }
        let made = unsafe dictionary.octets.withUnsafeBytes { bytes in
            unsafe ZSTD_createDDict_advanced(
                bytes.baseAddress, bytes.count, ZSTD_dlm_byCopy, ZSTD_dct_rawContent, ZSTD_defaultCMem)
        }
        guard let made = unsafe made else {
            throw CompressionError(.libraryFailed, "no memory for a zstd dictionary")
        }
        unsafe dictionaries[dictionary.id] = made
        return unsafe made
    }
}
