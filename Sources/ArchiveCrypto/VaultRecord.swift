public import MailCore

// | off | len | field                                          ArchiveFormat.md §6.2
// |  0  | 16  | key id
// | 16  | 32  | DEK
// | 48  |  1  | kind
// | 49  |  1  | flags: 1 erased
// | 50  |  2  | 0
// | 52  |  4  | le32 day created
// | 56  |  8  | le64 ledger index
/// The key of one blob.
public struct VaultRecord: Sendable, Hashable {
    public static let octetCount = 64
    /// LIMIT: ArchiveFormat.md §6.3: 256 KiB a shard, rewritten whole at an erasure.
    public static let shardCapacity = 4_096

    public var keyID: RandomID
    /// 32 octets; all zero when erased.
    public var dek: [UInt8]
    public var kind: UInt8
    public var isErased: Bool
    /// Days since 1970-01-01.
    public var day: UInt32
    public var ledgerIndex: UInt64

    public init(
        keyID: RandomID, dek: [UInt8], kind: UInt8, isErased: Bool = false, day: UInt32, ledgerIndex: UInt64
    ) {
        precondition(dek.count == 32)
        (self.keyID, self.dek, self.kind) = (keyID, dek, kind)
        (self.isErased, self.day, self.ledgerIndex) = (isErased, day, ledgerIndex)
    }

    /// An erased record keeps its key id and nothing else.
    public var octets: [UInt8] {
        guard !isErased else {
            return keyID.octets + [UInt8](repeating: 0, count: 33) + [1] + [UInt8](repeating: 0, count: 14)
        }
        return keyID.octets + dek + [kind, 0, 0, 0] + littleEndian(day) + littleEndian(ledgerIndex)
    }

    /// Whether `octets` are whole records with known flags and zeros where zeros belong; linear, allocates nothing.
    public static func areWellFormed(_ octets: [UInt8]) -> Bool {
        guard octets.count % octetCount == 0 else { return false }
        for start in stride(from: 0, to: octets.count, by: octetCount) {
            switch octets[start + 49] {
            case 0: guard octets[start + 50] == 0, octets[start + 51] == 0 else { return false }
            case 1:
                for index in start + 16..<start + octetCount where index != start + 49 {
                    guard octets[index] == 0 else { return false }
                }
            default: return false
            }
        }
        return true
    }

    /// Erases the records of `keyIDs` in a shard's `octets`, each in its place; how many there were.
    public static func erase(_ keyIDs: Set<RandomID>, in octets: inout [UInt8]) -> Int {
        var count = 0
        for start in stride(from: 0, to: octets.count, by: octetCount) where octets[start + 49] == 0 {
            guard let id = RandomID(octets: Array(octets[start..<start + 16])), keyIDs.contains(id) else { continue }
            for index in start + 16..<start + octetCount { octets[index] = 0 }
            octets[start + 49] = 1
            count += 1
        }
        return count
    }

    /// The records of `octets`, or `nil` unless they are well formed (see ``areWellFormed(_:)``).
    public static func parse(_ octets: [UInt8]) -> [VaultRecord]? {
        guard areWellFormed(octets) else { return nil }
        var records: [VaultRecord] = []
        records.reserveCapacity(octets.count / octetCount)
        for start in stride(from: 0, to: octets.count, by: octetCount) {
            let field = octets[start..<start + octetCount]
            guard let keyID = RandomID(octets: Array(field[start..<start + 16])) else { return nil }
            records.append(
                VaultRecord(
                    keyID: keyID, dek: Array(field[start + 16..<start + 48]), kind: field[start + 48],
                    isErased: field[start + 49] == 1,
                    day: UInt32(littleEndian: field[start + 52..<start + 56]),
                    ledgerIndex: UInt64(littleEndian: field[start + 56..<start + 64])))
        }
        return records
    }
}

/// The octets of `value`, least significant first.
func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
}

extension FixedWidthInteger {
    /// The value of `octets`, least significant first.
    init(littleEndian octets: some Collection<UInt8>) {
        self = octets.enumerated().reduce(0) { $0 | Self(truncatingIfNeeded: $1.element) << (8 * $1.offset) }
    }
}
