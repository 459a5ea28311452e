import ArchiveCrypto
import MailCore

/// A pack as an archive holds it.
public struct PackSummary: Sendable, Hashable {
    public var place: PackPlace
    /// 0 for an open pack.
    public var sequence: UInt64
    /// Of the file; of an open pack what the journal names.
    public var octetCount: UInt64
    public var blobCount: Int
    /// Of blobs that have their key.
    public var liveOctetCount: UInt64
    /// Octets before the footer of no blob that has its key.
    public var deadOctetCount: UInt64
    /// Blobs without a key: erased, and what a compaction takes away.
    public var erasedBlobCount: Int
    /// Theirs, a share of ``deadOctetCount``.
    public var erasedOctetCount: UInt64

    public init(
        place: PackPlace, sequence: UInt64, octetCount: UInt64, blobCount: Int, liveOctetCount: UInt64,
        deadOctetCount: UInt64, erasedBlobCount: Int, erasedOctetCount: UInt64
    ) {
        (self.place, self.sequence, self.octetCount, self.blobCount) = (place, sequence, octetCount, blobCount)
        (self.liveOctetCount, self.deadOctetCount) = (liveOctetCount, deadOctetCount)
        (self.erasedBlobCount, self.erasedOctetCount) = (erasedBlobCount, erasedOctetCount)
    }
}

/// Everything an archive holds, from packs, journal and vault alone: what a catalog is made from, or follows by.
///
/// A snapshot of the moment it was made. Memory: some 50 octets a key, and the entries of a few packs.
public final class ArchiveContents {
    private let archive: Archive
    /// Where the key of each blob is.
    private let slots: [KeyBits: UInt64]
    /// Key ids whose keys were erased.
    private let erased: Set<KeyBits>
    public let packs: [PackSummary]
    private let entries: PackEntries

    /// A key id as two words: half the memory of an array.
    private struct KeyBits: Hashable {
        let high: UInt64
        let low: UInt64

        init(_ octets: ArraySlice<UInt8>) {
            var words: (UInt64, UInt64) = (0, 0)
            for (index, octet) in octets.enumerated() {
                if index < 8 { words.0 = words.0 << 8 | UInt64(octet) } else { words.1 = words.1 << 8 | UInt64(octet) }
            }
            (high, low) = words
        }
    }

    /// Reads the vault, the journal and every footer.
    ///
    /// - Throws: `.damaged` for a file that cannot be trusted.
    public convenience init(_ archive: Archive) throws(ArchiveError) {
        // A writer may replace a pack between its name and its footer.
        do throws(ArchiveError) { try self.init(readingOnce: archive) } catch {
            guard error.kind == .missing else { throw error }
            try self.init(readingOnce: archive)
        }
    }

    private init(readingOnce archive: Archive) throws(ArchiveError) {
        self.archive = archive
        entries = try PackEntries(archive)
        var slots: [KeyBits: UInt64] = [:]
        var erased: Set<KeyBits> = []
        let root = try archive.vault.files.root().root
        for shard in root.shards {
            let records = try archive.vault.files.records(of: shard)
            for slot in 0..<records.count / VaultRecord.octetCount {
                let start = slot * VaultRecord.octetCount
                let key = KeyBits(records[start..<start + 16])
                if records[start + 49] & 1 == 0 {
                    slots[key] = UInt64(shard.number) << 32 | UInt64(slot)
                } else {
                    erased.insert(key)
                }
            }
        }
        (self.slots, self.erased) = (slots, erased)
        var packs: [PackSummary] = []
        for place in entries.places {
            packs.append(try entries.summary(place) { slots[KeyBits($0.octets[...])] != nil })
        }
        self.packs = packs
    }

    /// What the vault says of a blob's key.
    enum KeyState {
        case live, erased
        /// The vault has no record of it: explained by a leaf, or damage.
        case unknown
    }

    /// The entries of one pack in order of offset, with what became of their keys.
    func entries(in place: PackPlace) throws(ArchiveError) -> [(entry: FooterEntry, key: KeyState)] {
        try entries.entries(place).map { entry in
            let key = KeyBits(entry.keyID.octets[...])
            return (entry, slots[key] != nil ? .live : erased.contains(key) ? .erased : .unknown)
        }
    }

    /// The blobs of one pack in order of offset, except those whose keys are gone.
    public func blobs(in place: PackPlace) throws(ArchiveError) -> [BlobLocation] {
        try entries.entries(place).compactMap { try? location($0, place) }
    }

    private func location(_ entry: FooterEntry, _ place: PackPlace) throws(ArchiveError) -> BlobLocation {
        guard let slot = slots[KeyBits(entry.keyID.octets[...])] else {
            throw ArchiveError(.missing, "the vault has no key \(entry.keyID)")
        }
        var location = BlobLocation(
            keyID: entry.keyID, kind: entry.kind, pack: place, offset: entry.offset, storedLength: entry.storedLength,
            rawLength: entry.rawLength, dictionary: entry.dictionary, checksum: entry.checksum, contentID: [],
            ledgerIndex: entry.ledgerIndex, vaultShard: UInt32(slot >> 32),
            vaultSlot: UInt32(truncatingIfNeeded: slot))
        let secret = try archive.vault.secret(of: location)
        location.contentID = BlobKeys(dek: secret, keyID: entry.keyID).masked(entry.sealedContentID)
        return location
    }

    /// Every blob with a key, pack by pack.
    public func forEachBlob(_ action: (BlobLocation) throws -> Void) throws {
        for place in entries.places {
            for blob in try blobs(in: place) { try action(blob) }
        }
    }

    /// Recipes and event records that leaves from `index` on introduced, in the order of the ledger.
    public func forEachRecord(since index: UInt64 = 0, _ action: (BlobLocation) throws -> Void) throws {
        struct Reference {
            let ledgerIndex: UInt64
            let pack: UInt32
            let entry: UInt32
        }
        var references: [Reference] = []
        for (pack, place) in entries.places.enumerated() {
            for (number, entry) in try entries.entries(place).enumerated()
            where entry.kind != .part && entry.ledgerIndex >= index {
                references.append(
                    Reference(ledgerIndex: entry.ledgerIndex, pack: UInt32(pack), entry: UInt32(number)))
            }
        }
        references.sort { $0.ledgerIndex < $1.ledgerIndex }
        for reference in references {
            let place = entries.places[Int(reference.pack)]
            let entry = try entries.entries(place)[Int(reference.entry)]
            guard let location = try? location(entry, place) else { continue }
            try action(location)
        }
    }
}
