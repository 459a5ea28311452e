import COpenSSL

/// AES-256-GCM with a context that can be keyed again cheaply.
///
/// Not for sharing between tasks. Whoever calls chooses nonces; ``SealedStream`` and ``XAES256GCM`` do it right.
/// - SeeAlso: NIST SP 800-38D
@safe public final class AESGCM {
    /// Octets of the tag behind each ciphertext.
    public static let tagCount = 16

    private let context: OpaquePointer

    public init() {
        // SAFETY: owned by this object, freed with it.
        guard let context = unsafe EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        unsafe self.context = unsafe context
    }

    deinit { unsafe EVP_CIPHER_CTX_free(context) }

    /// Appends ciphertext and tag to `output`.
    public func seal(
        _ plaintext: Span<UInt8>, key: [UInt8], nonce: [UInt8], aad: [UInt8], into output: inout [UInt8]
    ) throws(CryptoError) {
        precondition(key.count == 32 && nonce.count == 12)
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: plaintext.count + Self.tagCount))
        var isSealed = unsafe EVP_EncryptInit_ex2(context, Algorithms.shared.aes256GCM, key, nonce, nil) == 1
        var length: Int32 = 0
        if !aad.isEmpty {
            isSealed = unsafe EVP_EncryptUpdate(context, nil, &length, aad, Int32(aad.count)) == 1 && isSealed
        }
        unsafe output.withUnsafeMutableBufferPointer { buffer in
            guard let target = unsafe buffer.baseAddress.map({ unsafe $0 + start }) else { return }
            unsafe plaintext.withUnsafeBufferPointer { source in
                if source.count > 0 {
                    isSealed =
                        unsafe EVP_EncryptUpdate(context, target, &length, source.baseAddress, Int32(source.count)) == 1
                        && isSealed
                }
            }
            let tag = unsafe target + plaintext.count
            isSealed = unsafe EVP_EncryptFinal_ex(context, tag, &length) == 1 && isSealed
            isSealed = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1 && isSealed
        }
        guard isSealed else { throw CryptoError(.backend, "AES-256-GCM could not encrypt") }
    }

    /// Appends the plaintext of `sealed` (ciphertext and tag) to `output`; appends nothing when it is not authentic.
    public func open(
        _ sealed: Span<UInt8>, key: [UInt8], nonce: [UInt8], aad: [UInt8], into output: inout [UInt8]
    ) throws(CryptoError) {
        precondition(key.count == 32 && nonce.count == 12)
        let count = sealed.count - Self.tagCount
        guard count >= 0 else { throw CryptoError(.authenticationFailed, "shorter than its tag") }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: count + Self.tagCount))
        var isOpened = unsafe EVP_DecryptInit_ex2(context, Algorithms.shared.aes256GCM, key, nonce, nil) == 1
        var length: Int32 = 0
        if !aad.isEmpty {
            isOpened = unsafe EVP_DecryptUpdate(context, nil, &length, aad, Int32(aad.count)) == 1 && isOpened
        }
        unsafe output.withUnsafeMutableBufferPointer { buffer in
            guard let target = unsafe buffer.baseAddress.map({ unsafe $0 + start }) else { return }
            unsafe sealed.withUnsafeBufferPointer { source in
                guard let first = source.baseAddress else { return }
                if count > 0 {
                    isOpened = unsafe EVP_DecryptUpdate(context, target, &length, first, Int32(count)) == 1 && isOpened
                }
                let tag = unsafe UnsafeMutableRawPointer(mutating: first + count)
                isOpened = unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1 && isOpened
            }
            isOpened = unsafe EVP_DecryptFinal_ex(context, target + count, &length) == 1 && isOpened
        }
        output.removeLast(isOpened ? Self.tagCount : count + Self.tagCount)
        guard isOpened else {
            throw CryptoError(.authenticationFailed, "not authentic: damaged, moved, or sealed under another key")
        }
    }
}
