import COpenSSL

/// scrypt, which makes guessing passphrases expensive in time and memory.
///
/// - SeeAlso: RFC 7914
public enum Scrypt {
    /// What one derivation costs.
    public struct Cost: Sendable, Hashable {
        /// log2 of N; memory is 128 · r · N octets.
        public var logN: Int
        public var r: Int
        public var p: Int

        public init(logN: Int, r: Int, p: Int) { (self.logN, self.r, self.p) = (logN, r, p) }

        /// 128 MiB, about 0.6 s on one core.
        public static let standard = Cost(logN: 17, r: 8, p: 1)

        // LIMIT: a slot is read before it is authenticated; 2^20 (1 GiB at r = 8) is what a hostile one may ask for.
        var isAllowed: Bool { (1...20).contains(logN) && (1...16).contains(r) && (1...4).contains(p) }
    }

    /// `count` octets. Costs beyond the limit are refused before anything is allocated.
    public static func derive(
        passphrase: [UInt8], salt: [UInt8], cost: Cost, count: Int = 32
    ) throws(CryptoError) -> [UInt8] {
        guard cost.isAllowed else {
            throw CryptoError(.limitExceeded, "scrypt 2^\(cost.logN) \(cost.r) \(cost.p) is beyond 2^20 16 4")
        }
        var result = [UInt8](repeating: 0, count: count)
        let memory = UInt64(128 * cost.r) * ((UInt64(1) << UInt64(cost.logN)) + UInt64(cost.p) + 2)
        let status = unsafe passphrase.withUnsafeBytes { octets in
            let text = unsafe octets.bindMemory(to: CChar.self)
            return unsafe EVP_PBE_scrypt(
                text.baseAddress, text.count, salt, salt.count, 1 << UInt64(cost.logN), UInt64(cost.r), UInt64(cost.p),
                memory + (1 << 20), &result, count)
        }
        guard status == 1 else { throw CryptoError(.backend, "scrypt failed: not enough memory?") }
        return result
    }
}
