internal import COpenSSL

/// Masks what WAL headers tell of plaintext: SQLite's checksums run over the pages it wrote, before encryption.
///
/// The salts and the checksums are 16 adjacent octets of both headers, and are encrypted as one block of AES-256-XTS:
///
/// | header | clear | masked | XTS tweak, 16 octets |
/// |---|---|---|---|
/// | WAL, 32 octets | 0–15: magic, version, page size, checkpoint number | 16–31: salts, checksums | le64 0 ‖ octets 8–15 |
/// | frame, 24 octets | 0–7: page number, database size | 8–23: salts, checksums | le64 offset in the file ‖ octets 0–7 |
///
/// Key = HKDF-SHA-256(database key, salt = database id, "mailarc/1/wal-header", 64). A permutation, not a keystream: a
/// header rewritten at the same place (a rolled back transaction, `walRewriteChecksums`) reveals no difference, only
/// equality. A changed header decrypts to salts SQLite does not know, and the frame is not part of the log.
/// - SeeAlso: IEEE 1619; SQLite file format §4.1
@safe final class HeaderCipher {
    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    init(key: [UInt8], databaseID: [UInt8]) throws(VFSError) {
        guard let sealing = unsafe EVP_CIPHER_CTX_new() else { throw VFSError(.cryptoFailed, "no cipher context") }
        guard let opening = unsafe EVP_CIPHER_CTX_new() else {
            unsafe EVP_CIPHER_CTX_free(sealing)
            throw VFSError(.cryptoFailed, "no cipher context")
        }
        unsafe (self.sealing, self.opening) = (sealing, opening)
        var derived = try Self.derive(key: key, salt: databaseID)
        defer { unsafe OPENSSL_cleanse(&derived, derived.count) }
        guard unsafe EVP_CipherInit_ex(sealing, EVP_aes_256_xts(), nil, derived, nil, 1) == 1,
            unsafe EVP_CipherInit_ex(opening, EVP_aes_256_xts(), nil, derived, nil, 0) == 1
        else { throw VFSError(.cryptoFailed, "AES-256-XTS is not available") }
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(sealing)
        unsafe EVP_CIPHER_CTX_free(opening)
    }

    /// Encrypts or decrypts the masked part of the header at `offset`: 32 octets at 0, else 24.
    func apply(to header: UnsafeMutableRawPointer, at offset: Int64, encrypts: Bool) -> Bool {
        let isFirst = offset == 0
        // SAFETY: the caller gives a whole header; the tweak is 16 octets of local storage.
        let clear = unsafe header.loadUnaligned(fromByteOffset: isFirst ? 8 : 0, as: UInt64.self)
        var tweak = (UInt64(bitPattern: offset).littleEndian, clear)
        let block = unsafe (header + (isFirst ? 16 : 8)).assumingMemoryBound(to: UInt8.self)
        let context = unsafe encrypts ? sealing : opening
        return unsafe withUnsafeBytes(of: &tweak) { tweak in
            var count: Int32 = 0
            let start = unsafe tweak.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe EVP_CipherInit_ex(context, nil, nil, nil, start, encrypts ? 1 : 0) == 1
                && EVP_CipherUpdate(context, block, &count, block, 16) == 1 && count == 16
        }
    }

    /// HKDF with an output of two blocks (RFC 5869).
    private static func derive(key: [UInt8], salt: [UInt8]) throws(VFSError) -> [UInt8] {
        var pseudorandom = try mac(salt, key)
        defer { unsafe OPENSSL_cleanse(&pseudorandom, pseudorandom.count) }
        let info = Array("mailarc/1/wal-header".utf8)
        let first = try mac(pseudorandom, info + [1])
        return first + (try mac(pseudorandom, first + info + [2]))
    }

    private static func mac(_ key: [UInt8], _ data: [UInt8]) throws(VFSError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        guard unsafe HMAC(EVP_sha256(), key, Int32(key.count), data, data.count, &result, &count) != nil, count == 32
        else { throw VFSError(.cryptoFailed, "HMAC-SHA-256 is not available") }
        return result
    }
}
