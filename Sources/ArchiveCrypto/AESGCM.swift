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

    /// Appends ciphertext and tag of `prefix` and `plaintext`, one behind the other, to `output`.
    public func seal(
        prefix: [UInt8] = [], _ plaintext: Span<UInt8>, key: [UInt8], nonce: [UInt8], aad: [UInt8],
        into output: inout [UInt8]
    ) throws(CryptoError) {
        var isSealed = start(key: key, nonce: nonce, aad: aad, encrypts: true)
        let octetCount = prefix.count + plaintext.count
        output.append(addingCapacity: octetCount + Self.tagCount) { target in
            // SAFETY: the capacity holds ciphertext and tag; they count only once they are written.
            unsafe target.withUnsafeMutableBufferPointer { buffer, count in
                guard isSealed, let base = unsafe buffer.baseAddress.map({ unsafe $0 + count }) else { return }
                isSealed = unsafe update(prefix.span, to: base) && update(plaintext, to: base + prefix.count)
                let tag = unsafe base + octetCount
                var length: Int32 = 0
                isSealed =
                    unsafe isSealed && EVP_CipherFinal_ex(context, tag, &length) == 1
                    && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1
                if isSealed { count += octetCount + Self.tagCount }
            }
        }
        guard isSealed else { throw CryptoError(.backend, "AES-256-GCM could not encrypt") }
    }

    /// Appends the plaintext of `sealed` (ciphertext and tag) to `output`; appends nothing when it is not authentic.
    public func open(
        _ sealed: Span<UInt8>, key: [UInt8], nonce: [UInt8], aad: [UInt8], into output: inout [UInt8]
    ) throws(CryptoError) {
        let octetCount = sealed.count - Self.tagCount
        guard octetCount >= 0 else { throw CryptoError(.authenticationFailed, "shorter than its tag") }
        var isOpened = start(key: key, nonce: nonce, aad: aad, encrypts: false)
        output.append(addingCapacity: octetCount + Self.tagCount) { target in
            // SAFETY: the capacity holds the plaintext, which counts only once the tag agreed; OpenSSL copies the tag.
            unsafe target.withUnsafeMutableBufferPointer { buffer, count in
                guard isOpened, let base = unsafe buffer.baseAddress.map({ unsafe $0 + count }) else { return }
                isOpened = unsafe update(sealed.extracting(first: octetCount), to: base)
                var length: Int32 = 0
                unsafe sealed.extracting(last: Self.tagCount).withUnsafeBufferPointer { tag in
                    let octets = unsafe UnsafeMutableRawPointer(mutating: tag.baseAddress)
                    isOpened =
                        unsafe isOpened && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, octets) == 1
                        && EVP_CipherFinal_ex(context, base + octetCount, &length) == 1
                }
                if isOpened { count += octetCount }
            }
        }
        guard isOpened else {
            throw CryptoError(.authenticationFailed, "not authentic: damaged, moved, or sealed under another key")
        }
    }

    private func start(key: [UInt8], nonce: [UInt8], aad: [UInt8], encrypts: Bool) -> Bool {
        precondition(key.count == 32 && nonce.count == 12)
        let algorithm = unsafe Algorithms.shared.aes256GCM
        guard unsafe EVP_CipherInit_ex2(context, algorithm, key, nonce, encrypts ? 1 : 0, nil) == 1 else {
            return false
        }
        var length: Int32 = 0
        return unsafe aad.isEmpty || EVP_CipherUpdate(context, nil, &length, aad, Int32(aad.count)) == 1
    }

    /// Passes `octets` through the cipher to `target`, which has room for as many.
    private func update(_ octets: Span<UInt8>, to target: UnsafeMutablePointer<UInt8>) -> Bool {
        guard octets.count > 0 else { return true }
        var length: Int32 = 0
        return unsafe octets.withUnsafeBufferPointer {
            unsafe EVP_CipherUpdate(context, target, &length, $0.baseAddress, Int32($0.count)) == 1
        }
    }
}
