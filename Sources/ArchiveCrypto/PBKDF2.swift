import COpenSSL

/// PBKDF2 with HMAC-SHA-256; for SCRAM only, the archive uses scrypt.
///
/// - SeeAlso: RFC 8018 §5.2
public enum PBKDF2 {
    /// 32 octets.
    public static func sha256(password: [UInt8], salt: [UInt8], iterations: Int) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        _ = unsafe password.withUnsafeBytes { octets in
            let text = unsafe octets.bindMemory(to: CChar.self)
            return unsafe PKCS5_PBKDF2_HMAC(
                text.baseAddress, Int32(text.count), salt, Int32(salt.count), Int32(iterations), EVP_sha256(), 32,
                &result)
        }
        return result
    }
}
