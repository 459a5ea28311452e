internal import COpenSSL

/// XAES-256-GCM: AES-256-GCM with a 192-bit nonce, under a key derived from the first half of the nonce.
///
/// One value serves one file handle; it is not safe to use from two threads at once.
/// - SeeAlso: C2SP, "XAES-256-GCM"; NIST SP 800-108r1 §4.1 (KDF in counter mode with CMAC)
@safe package final class XAES256GCM {
    package static let keyOctetCount = 32
    package static let nonceOctetCount = 24
    package static let tagOctetCount = 16

    private let blockCipher: OpaquePointer
    private let gcm: OpaquePointer
    /// CMAC's first subkey, K1 of the specification.
    private var subkey: (UInt64, UInt64) = (0, 0)

    /// - Parameter key: 32 octets.
    /// - Throws: ``VFSError`` `.badKey`, `.cryptoFailed`.
    package init(key: [UInt8]) throws(VFSError) {
        guard key.count == Self.keyOctetCount else { throw VFSError(.badKey, "a database key has 32 octets") }
        guard let blockCipher = unsafe EVP_CIPHER_CTX_new() else {
            throw VFSError(.cryptoFailed, "no cipher context")
        }
        guard let gcm = unsafe EVP_CIPHER_CTX_new() else {
            unsafe EVP_CIPHER_CTX_free(blockCipher)
            throw VFSError(.cryptoFailed, "no cipher context")
        }
        unsafe (self.blockCipher, self.gcm) = (blockCipher, gcm)
        var zero: (UInt64, UInt64) = (0, 0)
        // SAFETY: both pointers are to 16 octets of local storage, and one block is asked for.
        let isReady =
            unsafe EVP_EncryptInit_ex(blockCipher, EVP_aes_256_ecb(), nil, key, nil) == 1
            && EVP_CIPHER_CTX_set_padding(blockCipher, 0) == 1
            && EVP_CipherInit_ex(gcm, EVP_aes_256_gcm(), nil, nil, nil, 1) == 1
            && withUnsafeMutableBytes(of: &zero) { block in
                var count: Int32 = 0
                let base = unsafe block.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe EVP_EncryptUpdate(blockCipher, base, &count, base, 16) == 1 && count == 16
            }
        guard isReady else { throw VFSError(.cryptoFailed, "AES-256-GCM is not available") }
        let high = UInt64(bigEndian: zero.0)
        let low = UInt64(bigEndian: zero.1)
        // Doubling in GF(2^128), RFC 4493 §2.3, without a branch on the secret.
        let carry = (low << 1) ^ ((0 &- (high >> 63)) & 0x87)
        subkey = (((high << 1) | (low >> 63)).bigEndian, carry.bigEndian)
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(blockCipher)
        unsafe EVP_CIPHER_CTX_free(gcm)
    }

    /// Encrypts `count` octets from `input` to `output` and writes the 16 octets of the tag.
    ///
    /// `input` and `output` may be equal. `nonce` points at 24 octets.
    /// - Returns: false when OpenSSL failed; `output` is then undefined.
    package func seal(
        _ input: UnsafePointer<UInt8>, count: Int, to output: UnsafeMutablePointer<UInt8>,
        nonce: UnsafePointer<UInt8>, associated: UnsafeRawBufferPointer, tag: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        var produced: Int32 = 0
        // SAFETY: the caller gives `count` octets at both places; GCM writes as many as it reads and nothing at the end.
        return unsafe start(nonce: nonce, encrypts: 1)
            && update(associated: associated)
            && EVP_CipherUpdate(gcm, output, &produced, input, Int32(count)) == 1
            && EVP_CipherFinal_ex(gcm, output + count, &produced) == 1
            && EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1
    }

    /// Decrypts; the reverse of ``seal(_:count:to:nonce:associated:tag:)``.
    ///
    /// - Returns: false when the tag does not agree; `output` then holds octets that must not be used.
    package func open(
        _ input: UnsafePointer<UInt8>, count: Int, to output: UnsafeMutablePointer<UInt8>,
        nonce: UnsafePointer<UInt8>, associated: UnsafeRawBufferPointer, tag: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        var produced: Int32 = 0
        // SAFETY: as in seal; the tag is 16 octets that OpenSSL copies.
        let isOpen =
            unsafe start(nonce: nonce, encrypts: 0)
            && update(associated: associated)
            && EVP_CipherUpdate(gcm, output, &produced, input, Int32(count)) == 1
            && EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1
            && EVP_CipherFinal_ex(gcm, output + count, &produced) == 1
        if !isOpen { ERR_clear_error() }
        return isOpen
    }

    private func update(associated: UnsafeRawBufferPointer) -> Bool {
        guard unsafe !associated.isEmpty else { return true }
        var ignored: Int32 = 0
        let base = unsafe associated.baseAddress?.assumingMemoryBound(to: UInt8.self)
        return unsafe EVP_CipherUpdate(gcm, nil, &ignored, base, Int32(associated.count)) == 1
    }

    // Kx = CMAC-AES(K, 00 01 58 00 ‖ N[:12]) ‖ CMAC-AES(K, 00 02 58 00 ‖ N[:12])   ; one block each
    private func start(nonce: UnsafePointer<UInt8>, encrypts: Int32) -> Bool {
        // SAFETY: 32 octets of local storage; the nonce has 24; it is wiped before the function returns.
        unsafe withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { blocks in
            guard let base = unsafe blocks.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return false }
            defer { unsafe OPENSSL_cleanse(base, 32) }
            for half in 0..<2 {
                let block = unsafe base + 16 * half
                unsafe (block[0], block[1], block[2], block[3]) = (0, UInt8(half + 1), 0x58, 0)
                unsafe UnsafeMutableRawPointer(block + 4).copyMemory(from: nonce, byteCount: 12)
                let first = UnsafeMutableRawPointer(block)
                unsafe first.storeBytes(of: first.load(as: UInt64.self) ^ subkey.0, as: UInt64.self)
                unsafe first.storeBytes(
                    of: first.load(fromByteOffset: 8, as: UInt64.self) ^ subkey.1, toByteOffset: 8, as: UInt64.self)
            }
            var count: Int32 = 0
            return unsafe EVP_EncryptUpdate(blockCipher, base, &count, base, 32) == 1 && count == 32
                && EVP_CipherInit_ex(gcm, nil, nil, base, nonce + 12, encrypts) == 1
        }
    }
}
