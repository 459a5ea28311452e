import ArchiveLedger
import MailCore

/// What the journal's records, taken together, say.
struct JournalState {
    struct Blob: Sendable {
        var entry: FooterEntry
        var shard: UInt32
        var slot: UInt32
    }

    /// Durable length of each open pack.
    var packs: [RandomID: UInt64] = [:]
    var blobs: [RandomID: [Blob]] = [:]
    /// Packs that were sealed and may still have their old name.
    var sealed: [RandomID: (digest: [UInt8], sequence: UInt64)] = [:]
    /// Packs that gave their place to others and may still be there, by the SHA-256 of their file.
    var replaced: [[UInt8]: (replacement: PackReplacement, ledgerIndex: UInt64)] = [:]
    /// Ascending by index.
    var leaves: [(index: UInt64, text: [UInt8])] = []
    var counters = JournalRecord.Counters()

    init() {}

    init(_ records: [JournalRecord]) {
        for record in records { apply(record) }
    }

    mutating func apply(_ record: JournalRecord) {
        switch record {
        case .pack(let id, let length): packs[id] = length
        case .blob(let id, let entry, let shard, let slot):
            blobs[id, default: []].append(Blob(entry: entry, shard: shard, slot: slot))
        case .leaf(let index, let text):
            leaves.append((index, text))
            if let replacement = Self.replacement(text) { replaced[replacement.object.octets] = (replacement, index) }
            counters.ledgerSize = max(counters.ledgerSize, index + 1)
        case .sealed(let id, let digest, let sequence):
            packs[id] = nil
            sealed[id] = (digest, sequence)
        case .counters(let counters):
            let ledgerSize = max(self.counters.ledgerSize, counters.ledgerSize)
            self.counters = counters
            self.counters.ledgerSize = ledgerSize
        }
    }

    /// What the leaf says if it is a `pack-replace`.
    private static func replacement(_ text: [UInt8]) -> PackReplacement? {
        // Most leaves are of other types: only these are worth parsing.
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
        guard lines.count > 2, lines[2].elementsEqual("type pack-replace".utf8),
            case .packReplaced(let replacement)? = Leaf(parsing: text)?.body
        else { return nil }
        return replacement
    }

    /// The open packs only: what a rewritten journal holds.
    var openRecords: [JournalRecord] {
        var records: [JournalRecord] = []
        for (id, length) in packs.sorted(by: { $0.key.octets.lexicographicallyPrecedes($1.key.octets) }) {
            records.append(.pack(id, durableLength: length))
            for blob in blobs[id] ?? [] {
                records.append(.blob(id, blob.entry, shard: blob.shard, slot: blob.slot))
            }
        }
        return records + [.counters(counters)]
    }
}
