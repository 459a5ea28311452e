// le16 version 1 ‖ le16 0 ‖ le32 epoch ‖ le32 revision ‖ le32 shards ‖ le32 secrets ‖ 12 × 0   ; ArchiveFormat.md §6.4
// per shard, 96 octets: le32 number ‖ le32 generation ‖ key 32 ‖ le32 count ‖ state 1 ‖ 3 × 0 ‖ SHA-256 32 ‖ 16 × 0
// per secret: name length 1 ‖ name ‖ value length 1 ‖ value
/// The table of shard keys and named secrets.
public struct VaultRoot: Sendable {
    /// One shard of the vault.
    public struct Shard: Sendable, Hashable {
        public var number: UInt32
        public var generation: UInt32
        /// 32 octets.
        public var key: [UInt8]
        /// Of a sealed shard.
        public var recordCount: UInt32
        public var isSealed: Bool
        /// Of the sealed file; 32 zero octets while open.
        public var fileDigest: [UInt8]

        public init(
            number: UInt32, generation: UInt32, key: [UInt8], recordCount: UInt32, isSealed: Bool, fileDigest: [UInt8]
        ) {
            (self.number, self.generation, self.key) = (number, generation, key)
            (self.recordCount, self.isSealed, self.fileDigest) = (recordCount, isSealed, fileDigest)
        }
    }

    public var epoch: UInt32
    public var revision: UInt32
    /// Ascending by number; the last one is open.
    public var shards: [Shard]
    /// `catalog`, `state`, `dict`, `log-key`, `writer-key`: 32 octets each.
    public var secrets: [String: [UInt8]]

    public init(epoch: UInt32, revision: UInt32, shards: [Shard], secrets: [String: [UInt8]]) {
        (self.epoch, self.revision, self.shards, self.secrets) = (epoch, revision, shards, secrets)
    }

    public var octets: [UInt8] {
        var result: [UInt8] = [1, 0, 0, 0] + littleEndian(epoch) + littleEndian(revision)
        result += littleEndian(UInt32(shards.count)) + littleEndian(UInt32(secrets.count))
        result += [UInt8](repeating: 0, count: 12)
        for shard in shards {
            result += littleEndian(shard.number) + littleEndian(shard.generation) + shard.key
            result += littleEndian(shard.recordCount) + [shard.isSealed ? 1 : 0, 0, 0, 0] + shard.fileDigest
            result += [UInt8](repeating: 0, count: 16)
        }
        for (name, value) in secrets.sorted(by: { $0.key < $1.key }) {
            result += [UInt8(name.utf8.count)] + name.utf8 + [UInt8(value.count)] + value
        }
        return result
    }

    /// Reads a decrypted root; refuses unknown states, octets that must be zero and are not, numbers out of order, and
    /// a secret given twice.
    public init(parsing octets: [UInt8]) throws(CryptoError) {
        guard octets.count >= 32, octets[0] == 1, octets[1..<4].allSatisfy({ $0 == 0 }),
            octets[20..<32].allSatisfy({ $0 == 0 })
        else { throw Self.malformed }
        epoch = UInt32(littleEndian: octets[4..<8])
        revision = UInt32(littleEndian: octets[8..<12])
        let shardCount = Int(UInt32(littleEndian: octets[12..<16]))
        let secretCount = Int(UInt32(littleEndian: octets[16..<20]))
        let end = 32 + shardCount * Shard.octetCount
        guard octets.count >= end else { throw Self.malformed }
        shards = []
        shards.reserveCapacity(shardCount)
        for start in stride(from: 32, to: end, by: Shard.octetCount) {
            guard let shard = Shard(parsing: octets[start..<start + Shard.octetCount]),
                shards.last.map({ $0.isSealed && $0.number < shard.number }) ?? true
            else { throw Self.malformed }
            shards.append(shard)
        }
        secrets = try Self.secrets(octets[end...], count: secretCount)
    }

    private static func secrets(_ octets: ArraySlice<UInt8>, count: Int) throws(CryptoError) -> [String: [UInt8]] {
        var secrets: [String: [UInt8]] = [:]
        var rest = octets
        for _ in 0..<count {
            guard let nameCount = rest.popFirst(), nameCount > 0, rest.count > Int(nameCount),
                let name = String(validating: rest.prefix(Int(nameCount)), as: UTF8.self)
            else { throw malformed }
            rest = rest.dropFirst(Int(nameCount))
            guard let valueCount = rest.popFirst(), rest.count >= Int(valueCount),
                secrets.updateValue(Array(rest.prefix(Int(valueCount))), forKey: name) == nil
            else { throw malformed }
            rest = rest.dropFirst(Int(valueCount))
        }
        guard rest.isEmpty else { throw malformed }
        return secrets
    }

    private static let malformed = CryptoError(.malformed, "the vault root cannot be read")
}

extension VaultRoot.Shard {
    static let octetCount = 96

    /// `nil` for an unknown state, a count no shard holds, a digest of an open shard, or reserved octets that are not 0.
    fileprivate init?(parsing field: ArraySlice<UInt8>) {
        let start = field.startIndex
        let state = field[start + 44]
        guard state <= 1, field[start + 45..<start + 48].allSatisfy({ $0 == 0 }),
            field[start + 80..<start + 96].allSatisfy({ $0 == 0 })
        else { return nil }
        self.init(
            number: UInt32(littleEndian: field[start..<start + 4]),
            generation: UInt32(littleEndian: field[start + 4..<start + 8]),
            key: Array(field[start + 8..<start + 40]),
            recordCount: UInt32(littleEndian: field[start + 40..<start + 44]),
            isSealed: state == 1, fileDigest: Array(field[start + 48..<start + 80]))
        guard recordCount <= VaultRecord.shardCapacity, isSealed || fileDigest.allSatisfy({ $0 == 0 }) else {
            return nil
        }
    }
}
