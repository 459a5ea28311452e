package import MailCore

/// How to write one message again, octet for octet (ArchiveFormat.md §8.1).
///
/// ```
/// version 1 (1) ‖ suite (1) ‖ SHA-256 (32)
/// varint octets of the message
/// varint part count, then per part: key id (16) ‖ varint raw octets
/// operations to the end
/// ```
package struct Recipe: Sendable, Hashable {
    /// LIMIT: 8 MiB of literals and what their operations need (ArchiveFormat.md §13).
    package static let maximumLength = 9 << 20
    /// LIMIT: ArchiveFormat.md §13.
    package static let maximumPartCount = 65_536
    package static let maximumMessageLength: UInt64 = 1 << 40

    package struct Part: Sendable, Hashable {
        package var keyID: RandomID
        package var octetCount: UInt64

        package init(keyID: RandomID, octetCount: UInt64) { (self.keyID, self.octetCount) = (keyID, octetCount) }
    }

    /// SHA-256 of the message.
    package var digest: [UInt8]
    package var octetCount: UInt64
    package var parts: [Part]
    package var operations: [RecipeOperation]

    package init(digest: [UInt8], octetCount: UInt64, parts: [Part], operations: [RecipeOperation]) {
        (self.digest, self.octetCount) = (digest, octetCount)
        (self.parts, self.operations) = (parts, operations)
    }

    package func encode() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + parts.count * 20 + operations.reduce(0) { $0 + $1.literalCount + 16 })
        writer.u8(1)
        writer.u8(1)
        writer.bytes(digest)
        writer.varint(octetCount)
        writer.varint(UInt64(parts.count))
        for part in parts {
            writer.bytes(part.keyID.octets)
            writer.varint(part.octetCount)
        }
        for operation in operations { operation.encode(into: &writer) }
        return writer.octets
    }

    /// Decodes and checks everything that does not need the parts: part indices and bounds of every operation.
    ///
    /// - Throws: `.unsupported` for versions, suites and operations ≥ 0x80 or unknown; `.damaged`.
    package init(decoding octets: [UInt8]) throws(ArchiveError) {
        guard octets.count <= Self.maximumLength else { throw ArchiveError(.damaged, "the recipe is too long") }
        var reader = ByteReader(octets)
        guard let version = reader.u8(), let suite = reader.u8() else { throw Self.truncated }
        guard version == 1, suite == 1 else {
            throw ArchiveError(.unsupported, "recipe version \(version), suite \(suite)")
        }
        guard let digest = reader.bytes(32), let length = reader.varint(), length <= Self.maximumMessageLength,
            let count = reader.count(limit: Self.maximumPartCount)
        else { throw Self.truncated }
        var parts: [Part] = []
        for _ in 0..<count {
            guard let key = reader.bytes(16).flatMap({ RandomID(octets: Array($0)) }), let length = reader.varint(),
                length <= Self.maximumMessageLength
            else { throw Self.truncated }
            parts.append(Part(keyID: key, octetCount: length))
        }
        var operations: [RecipeOperation] = []
        while !reader.isAtEnd { operations.append(try RecipeOperation(decoding: &reader, partCount: count)) }
        self.init(digest: Array(digest), octetCount: length, parts: parts, operations: operations)
    }

    static let truncated = ArchiveError(.damaged, "the recipe is cut off or malformed")
}
