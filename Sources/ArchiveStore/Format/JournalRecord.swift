package import MailCore

/// One record of a journal frame (ArchiveFormat.md §10): `type(1) ‖ varint length ‖ body`.
///
/// | type | body |
/// |---|---|
/// | 1 pack | pack id(16) ‖ le64 durable length |
/// | 2 blob | pack id(16) ‖ footer entry(96) ‖ le32 vault shard ‖ le32 slot |
/// | 3 leaf | le64 ledger index ‖ leaf text |
/// | 4 sealed | pack id(16) ‖ SHA-256(32) ‖ le64 writer sequence |
/// | 5 counters | le64 next event sequence ‖ le64 next writer sequence ‖ SHA-256 of the last sealed pack(32) ‖ le32 open vault shard ‖ le32 records in it ‖ le64 ledger size |
package enum JournalRecord: Sendable, Hashable {
    case pack(RandomID, durableLength: UInt64)
    case blob(RandomID, FooterEntry, shard: UInt32, slot: UInt32)
    case leaf(index: UInt64, text: [UInt8])
    case sealed(RandomID, digest: [UInt8], sequence: UInt64)
    case counters(Counters)

    package struct Counters: Sendable, Hashable {
        package var nextEventSequence: UInt64
        package var nextPackSequence: UInt64
        /// SHA-256 of the last sealed pack; zeros before the first.
        package var lastPack: [UInt8]
        package var openShard: UInt32
        package var openShardCount: UInt32
        /// Leaves named so far, also by frames that a rewrite dropped: a longer ledger means the journal was cut.
        package var ledgerSize: UInt64

        package init(
            nextEventSequence: UInt64 = 1, nextPackSequence: UInt64 = 1,
            lastPack: [UInt8] = [UInt8](repeating: 0, count: 32), openShard: UInt32 = 0, openShardCount: UInt32 = 0,
            ledgerSize: UInt64 = 0
        ) {
            (self.nextEventSequence, self.nextPackSequence) = (nextEventSequence, nextPackSequence)
            (self.lastPack, self.openShard, self.openShardCount) = (lastPack, openShard, openShardCount)
            self.ledgerSize = ledgerSize
        }
    }

    package static func encode(_ records: [JournalRecord]) -> [UInt8] {
        var writer = ByteWriter(capacity: records.count * 140)
        for record in records { record.encode(into: &writer) }
        return writer.octets
    }

    private func encode(into writer: inout ByteWriter) {
        var body = ByteWriter(capacity: 128)
        let type: UInt8
        switch self {
        case .pack(let id, let length):
            type = 1
            body.bytes(id.octets)
            body.u64(length)
        case .blob(let id, let entry, let shard, let slot):
            type = 2
            body.bytes(id.octets)
            entry.encode(into: &body)
            body.u32(shard)
            body.u32(slot)
        case .leaf(let index, let text):
            type = 3
            body.u64(index)
            body.bytes(text)
        case .sealed(let id, let digest, let sequence):
            type = 4
            body.bytes(id.octets)
            body.bytes(digest)
            body.u64(sequence)
        case .counters(let counters):
            type = 5
            body.u64(counters.nextEventSequence)
            body.u64(counters.nextPackSequence)
            body.bytes(counters.lastPack)
            body.u32(counters.openShard)
            body.u32(counters.openShardCount)
            body.u64(counters.ledgerSize)
        }
        writer.u8(type)
        writer.string(body.octets)
    }

    /// - Throws: `.unsupported` for types ≥ 0x80; unknown types below are skipped; `.damaged`.
    package static func decode(_ octets: [UInt8]) throws(ArchiveError) -> [JournalRecord] {
        var reader = ByteReader(octets)
        var records: [JournalRecord] = []
        while let type = reader.u8() {
            guard type < 0x80 else { throw ArchiveError(.unsupported, "journal record type \(type)") }
            guard let body = reader.string() else { throw malformed }
            guard (1...5).contains(type) else { continue }
            records.append(try decode(type, ByteReader(body)))
        }
        return records
    }

    private static func decode(_ type: UInt8, _ body: ByteReader) throws(ArchiveError) -> JournalRecord {
        var body = body
        func id() throws(ArchiveError) -> RandomID {
            guard let id = body.bytes(16).flatMap({ RandomID(octets: Array($0)) }) else { throw malformed }
            return id
        }
        switch type {
        case 1:
            let id = try id()
            guard let length = body.u64() else { throw malformed }
            return .pack(id, durableLength: length)
        case 2:
            let id = try id()
            guard let entry = try FooterEntry.decode(&body), let shard = body.u32(), let slot = body.u32() else {
                throw malformed
            }
            return .blob(id, entry, shard: shard, slot: slot)
        case 3:
            guard let index = body.u64(), let text = body.bytes(body.remaining) else { throw malformed }
            return .leaf(index: index, text: Array(text))
        case 4:
            let id = try id()
            guard let digest = body.bytes(32), let sequence = body.u64() else { throw malformed }
            return .sealed(id, digest: Array(digest), sequence: sequence)
        default:
            guard let event = body.u64(), let pack = body.u64(), let last = body.bytes(32), let shard = body.u32(),
                let count = body.u32(), let ledgerSize = body.u64()
            else { throw malformed }
            return .counters(
                Counters(
                    nextEventSequence: event, nextPackSequence: pack, lastPack: Array(last), openShard: shard,
                    openShardCount: count, ledgerSize: ledgerSize))
        }
    }

    private static let malformed = ArchiveError(.damaged, "a journal record is malformed")
}
