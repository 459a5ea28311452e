import COpenSSL

/// HMAC-SHA-256.
///
/// - SeeAlso: RFC 2104
public enum HMAC {
    /// 32 octets.
    public static func sha256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        // An empty key is legal; OpenSSL wants a pointer for it.
        let key = key.isEmpty ? [0] : key
        unsafe key.withUnsafeBytes { keyBytes in
            unsafe message.withUnsafeBufferPointer { text in
                unsafe result.withUnsafeMutableBufferPointer { output in
                    _ = unsafe COpenSSL.HMAC(
                        EVP_sha256(), keyBytes.baseAddress, Int32(keyBytes.count), text.baseAddress, text.count,
                        output.baseAddress, &length)
                }
            }
        }
        return result
    }
}

/// HKDF with SHA-256.
///
/// - SeeAlso: RFC 5869
public enum HKDF {
    /// 32 octets.
    public static func extract(salt: [UInt8], inputKey: [UInt8]) -> [UInt8] {
        HMAC.sha256(key: salt.isEmpty ? [UInt8](repeating: 0, count: 32) : salt, inputKey)
    }

    /// `count` octets, at most 8,160.
    public static func expand(_ pseudoRandomKey: [UInt8], info: [UInt8], count: Int) -> [UInt8] {
        precondition(count <= 255 * 32, "HKDF gives at most 8,160 octets")
        var result: [UInt8] = []
        var block: [UInt8] = []
        var counter: UInt8 = 1
        while result.count < count {
            block = HMAC.sha256(key: pseudoRandomKey, block + info + [counter])
            result += block
            counter &+= 1
        }
        return Array(result.prefix(count))
    }

    /// Extract, then expand.
    public static func derive(inputKey: [UInt8], salt: [UInt8], info: [UInt8], count: Int) -> [UInt8] {
        expand(extract(salt: salt, inputKey: inputKey), info: info, count: count)
    }
}

/// Whether two secrets are equal, in time that depends on their length only.
public func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}
