import ArchiveCrypto
import MailCore

/// The hash of a leaf or of a node of the tree.
///
/// - SeeAlso: RFC 6962 §2.1
public struct MerkleHash: Hashable, Sendable, CustomStringConvertible {
    /// 32 octets.
    public let octets: [UInt8]

    /// `nil` unless `octets` has 32 members.
    public init?(octets: [UInt8]) {
        guard octets.count == Self.octetCount else { return nil }
        self.octets = octets
    }

    init(unchecked octets: [UInt8]) { self.octets = octets }

    public static let octetCount = 32

    /// The root of the tree without leaves: the hash of nothing.
    public static let empty = MerkleHash(unchecked: SHA256.hash([]))

    /// SHA-256(00 ‖ `text`)
    public static func leaf(_ text: [UInt8]) -> MerkleHash {
        var input: [UInt8] = [0]
        input.reserveCapacity(text.count + 1)
        input += text
        return MerkleHash(unchecked: SHA256.hash(input))
    }

    /// SHA-256(01 ‖ `left` ‖ `right`)
    public static func node(_ left: MerkleHash, _ right: MerkleHash) -> MerkleHash {
        var input: [UInt8] = [1]
        input.reserveCapacity(1 + 2 * octetCount)
        input += left.octets
        input += right.octets
        return MerkleHash(unchecked: SHA256.hash(input))
    }

    public var description: String { octets.hex }
}
