import COpenSSL

/// SHA-256, incremental.
///
/// - SeeAlso: FIPS 180-4
@safe public struct SHA256: ~Copyable {
    private let context: OpaquePointer

    /// The state before any octet.
    public init() {
        // SAFETY: the context lives as long as this value; allocation failure is fatal for the process anyway.
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        unsafe self.context = unsafe context
        unsafe EVP_DigestInit_ex2(context, Algorithms.shared.sha256, nil)
    }

    private init(copying other: borrowing SHA256) {
        guard let context = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        unsafe self.context = unsafe context
        // A state that is not copied would give a digest of something else.
        guard unsafe EVP_MD_CTX_copy_ex(context, other.context) == 1 else { preconditionFailure("out of memory") }
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// The same state, to go on from independently.
    public func copy() -> SHA256 { SHA256(copying: self) }

    public mutating func update(_ octets: Span<UInt8>) {
        unsafe octets.withUnsafeBytes { _ = unsafe EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    public mutating func update(_ octets: [UInt8]) { update(octets.span) }

    /// The 32 octets of the digest of everything so far; the state goes on.
    public func digest() -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        guard let copy = unsafe EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        defer { unsafe EVP_MD_CTX_free(copy) }
        unsafe EVP_MD_CTX_copy_ex(copy, context)
        unsafe result.withUnsafeMutableBufferPointer { _ = unsafe EVP_DigestFinal_ex(copy, $0.baseAddress, nil) }
        return result
    }

    /// The digest of `octets`.
    public static func hash(_ octets: [UInt8]) -> [UInt8] { hash(octets.span) }

    /// The digest of `octets`.
    public static func hash(_ octets: Span<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(octets)
        return hash.digest()
    }
}

/// OpenSSL's algorithms, fetched once: a fetch costs more than a small seal.
@safe final class Algorithms: Sendable {
    static let shared = Algorithms()

    // SAFETY: fetched algorithm objects are immutable and reference counted by OpenSSL; they live for the process.
    nonisolated(unsafe) let sha256: OpaquePointer?
    nonisolated(unsafe) let aes256GCM: OpaquePointer?
    nonisolated(unsafe) let aes256ECB: OpaquePointer?

    private init() {
        unsafe sha256 = EVP_MD_fetch(nil, "SHA256", nil)
        unsafe aes256GCM = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
        unsafe aes256ECB = EVP_CIPHER_fetch(nil, "AES-256-ECB", nil)
        unsafe precondition(
            sha256 != nil && aes256GCM != nil && aes256ECB != nil, "OpenSSL lacks SHA-256 or AES-256")
    }
}
