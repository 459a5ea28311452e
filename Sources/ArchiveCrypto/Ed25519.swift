import COpenSSL

/// Ed25519 signatures; deterministic.
///
/// - SeeAlso: RFC 8032
public enum Ed25519 {
    /// 32 octets, from a 32-octet seed.
    public static func publicKey(seed: [UInt8]) throws(CryptoError) -> [UInt8] {
        let key = try PrivateKey(type: EVP_PKEY_ED25519, octets: seed)
        return try key.publicOctets()
    }

    /// 64 octets.
    public static func sign(_ message: [UInt8], seed: [UInt8]) throws(CryptoError) -> [UInt8] {
        let key = try PrivateKey(type: EVP_PKEY_ED25519, octets: seed)
        var signature = [UInt8](repeating: 0, count: 64)
        var length = 64
        guard let context = unsafe EVP_MD_CTX_new() else { throw CryptoError(.backend, "out of memory") }
        defer { unsafe EVP_MD_CTX_free(context) }
        let isSigned =
            unsafe EVP_DigestSignInit(context, nil, nil, nil, key.pointer) == 1
            && EVP_DigestSign(context, &signature, &length, message, message.count) == 1
        guard isSigned && length == 64 else { throw CryptoError(.backend, "Ed25519 could not sign") }
        return signature
    }

    /// Whether `signature` (64 octets) is the one of `message` under `publicKey` (32 octets).
    public static func verify(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == 64, publicKey.count == 32,
            let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, 32)
        else { return false }
        defer { unsafe EVP_PKEY_free(key) }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        return unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1
            && EVP_DigestVerify(context, signature, 64, message, message.count) == 1
    }
}

/// X25519 key agreement.
///
/// - SeeAlso: RFC 7748
public enum X25519 {
    /// 32 octets, from a 32-octet private key.
    public static func publicKey(privateKey: [UInt8]) throws(CryptoError) -> [UInt8] {
        try PrivateKey(type: EVP_PKEY_X25519, octets: privateKey).publicOctets()
    }

    /// 32 octets; refused when all are zero (a low-order public key).
    public static func sharedSecret(privateKey: [UInt8], publicKey: [UInt8]) throws(CryptoError) -> [UInt8] {
        let own = try PrivateKey(type: EVP_PKEY_X25519, octets: privateKey)
        guard publicKey.count == 32, let peer = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, publicKey, 32)
        else { throw CryptoError(.malformed, "not an X25519 public key") }
        defer { unsafe EVP_PKEY_free(peer) }
        guard let context = unsafe EVP_PKEY_CTX_new(own.pointer, nil) else {
            throw CryptoError(.backend, "out of memory")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var secret = [UInt8](repeating: 0, count: 32)
        var length = 32
        let isDerived =
            unsafe EVP_PKEY_derive_init(context) == 1 && EVP_PKEY_derive_set_peer(context, peer) == 1
            && EVP_PKEY_derive(context, &secret, &length) == 1
        guard isDerived, secret.contains(where: { $0 != 0 }) else {
            throw CryptoError(.malformed, "the X25519 public key is of low order")
        }
        return secret
    }
}

/// An OpenSSL key for one call.
@safe private struct PrivateKey: ~Copyable {
    let pointer: OpaquePointer

    init(type: Int32, octets: [UInt8]) throws(CryptoError) {
        guard octets.count == 32, let pointer = unsafe EVP_PKEY_new_raw_private_key(type, nil, octets, 32) else {
            throw CryptoError(.malformed, "a private key has 32 octets")
        }
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe EVP_PKEY_free(pointer) }

    func publicOctets() throws(CryptoError) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var length = 32
        guard unsafe EVP_PKEY_get_raw_public_key(pointer, &result, &length) == 1, length == 32 else {
            throw CryptoError(.backend, "no public key")
        }
        return result
    }
}
