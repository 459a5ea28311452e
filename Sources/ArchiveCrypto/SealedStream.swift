/// Seals the chunks of one blob in order: STREAM over AES-256-GCM with counter nonces (ArchiveFormat.md §7.2).
///
/// Nonce discipline: one sealer is one key and one blob; chunk numbers ascend by themselves, the final chunk comes once
/// and last. Breaking that is a bug of the caller, not of the data.
public struct StreamSealer: ~Copyable {
    private let cipher: AESGCM
    private let key: [UInt8]
    /// The number of the next chunk.
    public private(set) var index: UInt32 = 0
    private var isFinished = false

    /// - Parameter key: `K_blob` of a DEK that has sealed nothing yet.
    public init(key: [UInt8], cipher: AESGCM) { (self.key, self.cipher) = (key, cipher) }

    /// Appends the sealed chunk to `output`.
    public mutating func seal(
        _ plaintext: Span<UInt8>, isFinal: Bool, aad: [UInt8], into output: inout [UInt8]
    ) throws(CryptoError) {
        precondition(!isFinished, "nothing is sealed after the final chunk")
        precondition(index < .max, "a blob has fewer than 2^32 chunks")
        isFinished = isFinal
        try cipher.seal(
            plaintext, key: key, nonce: SealedStream.nonce(index, isFinal: isFinal), aad: aad, into: &output)
        index += 1
    }
}

/// Opening chunks, in any order.
public enum SealedStream {
    /// 7 × 0 ‖ be32(index) ‖ final
    public static func nonce(_ index: UInt32, isFinal: Bool) -> [UInt8] {
        [
            0, 0, 0, 0, 0, 0, 0, UInt8(index >> 24), UInt8(index >> 16 & 0xFF), UInt8(index >> 8 & 0xFF),
            UInt8(index & 0xFF), isFinal ? 1 : 0,
        ]
    }

    /// Appends the plaintext of chunk `index` to `output`.
    public static func open(
        _ sealed: Span<UInt8>, index: UInt32, isFinal: Bool, key: [UInt8], aad: [UInt8], cipher: AESGCM,
        into output: inout [UInt8]
    ) throws(CryptoError) {
        try cipher.open(sealed, key: key, nonce: nonce(index, isFinal: isFinal), aad: aad, into: &output)
    }
}
