import COpenSSL

/// XAES-256-GCM: AES-256-GCM with 192-bit nonces, safe to draw at random for any number of messages.
///
/// - SeeAlso: C2SP XAES-256-GCM
public enum XAES256GCM {
    public static let nonceCount = 24

    /// `nonce ‖ ciphertext ‖ tag` under a fresh random nonce.
    public static func seal(
        _ plaintext: [UInt8], key: [UInt8], aad: [UInt8], random: RandomSource = .system
    ) throws(CryptoError) -> [UInt8] {
        let nonce = random.octets(nonceCount)
        return nonce + (try seal(plaintext, key: key, nonce: nonce, aad: aad))
    }

    /// `ciphertext ‖ tag`; for a nonce that is kept elsewhere. A nonce must never come twice.
    public static func seal(
        _ plaintext: [UInt8], key: [UInt8], nonce: [UInt8], aad: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        precondition(key.count == 32 && nonce.count == nonceCount)
        var result: [UInt8] = []
        result.reserveCapacity(plaintext.count + AESGCM.tagCount)
        try AESGCM().seal(
            plaintext.span, key: derivedKey(key, nonce), nonce: Array(nonce[12...]), aad: aad, into: &result)
        return result
    }

    /// The plaintext of `nonce ‖ ciphertext ‖ tag`.
    public static func open(_ sealed: [UInt8], key: [UInt8], aad: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= nonceCount + AESGCM.tagCount else {
            throw CryptoError(.authenticationFailed, "shorter than its nonce and tag")
        }
        return try open(
            Array(sealed[nonceCount...]), key: key, nonce: Array(sealed[..<nonceCount]), aad: aad)
    }

    /// The plaintext of `ciphertext ‖ tag`.
    public static func open(
        _ sealed: [UInt8], key: [UInt8], nonce: [UInt8], aad: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        precondition(key.count == 32 && nonce.count == nonceCount)
        var result: [UInt8] = []
        try AESGCM().open(
            sealed.span, key: derivedKey(key, nonce), nonce: Array(nonce[12...]), aad: aad, into: &result)
        return result
    }

    // K1 = CMAC subkey of K; Kx = CMAC(K, 0x00 ‖ 1 ‖ "X" ‖ 0 ‖ N[:12]) ‖ CMAC(K, 0x00 ‖ 2 ‖ "X" ‖ 0 ‖ N[:12])
    private static func derivedKey(_ key: [UInt8], _ nonce: [UInt8]) -> [UInt8] {
        let zero = encryptBlocks(key, [UInt8](repeating: 0, count: 16))
        var subkey = zero.indices.map { index in
            zero[index] << 1 | (index < 15 ? zero[index + 1] >> 7 : 0)
        }
        if zero[0] & 0x80 != 0 { subkey[15] ^= 0x87 }
        var blocks: [UInt8] = []
        for counter in [UInt8(1), 2] {
            let block = [0, counter, UInt8(ascii: "X"), 0] + nonce[..<12]
            blocks += zip(block, subkey).map { $0 ^ $1 }
        }
        return encryptBlocks(key, blocks)
    }

    private static func encryptBlocks(_ key: [UInt8], _ blocks: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: blocks.count)
        guard let context = unsafe EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        defer { unsafe EVP_CIPHER_CTX_free(context) }
        var length: Int32 = 0
        // SAFETY: input and output are whole blocks of equal count; padding is off.
        unsafe EVP_EncryptInit_ex2(context, Algorithms.shared.aes256ECB, key, nil, nil)
        unsafe EVP_CIPHER_CTX_set_padding(context, 0)
        unsafe EVP_EncryptUpdate(context, &result, &length, blocks, Int32(blocks.count))
        return result
    }
}

/// Where random octets come from; tests and golden archives give their own.
public struct RandomSource: Sendable {
    private let generate: @Sendable (Int) -> [UInt8]

    public init(_ generate: @escaping @Sendable (Int) -> [UInt8]) { self.generate = generate }

    public func octets(_ count: Int) -> [UInt8] { generate(count) }

    /// OpenSSL's private generator.
    public static let system = RandomSource { count in
        var result = [UInt8](repeating: 0, count: count)
        let status = unsafe RAND_priv_bytes(&result, Int32(count))
        precondition(status == 1, "no randomness to be had")
        return result
    }
}
