/// How much an archive holds, and how much room it takes.
public struct ArchiveStatistics: Sendable, Hashable {
    public struct Amount: Sendable, Hashable {
        public var count = 0
        public var rawOctetCount: UInt64 = 0
        public var storedOctetCount: UInt64 = 0

        mutating func add(_ blob: BlobLocation) {
            count += 1
            rawOctetCount += blob.rawLength
            storedOctetCount += blob.storedLength
        }
    }

    public var recipes = Amount()
    public var parts = Amount()
    public var events = Amount()
    public var sealedPackCount = 0
    public var openPackCount = 0
    public var packOctetCount: UInt64 = 0
    /// In packs, of no blob that has its key.
    public var deadOctetCount: UInt64 = 0
    /// The share of it that is of blobs whose keys are gone.
    public var erasedOctetCount: UInt64 = 0

    /// Counts blob by blob, from packs and vault.
    public init(of archive: Archive) throws {
        let contents = try ArchiveContents(archive)
        for pack in contents.packs {
            if case .open = pack.place { openPackCount += 1 } else { sealedPackCount += 1 }
            packOctetCount += pack.octetCount
            deadOctetCount += pack.deadOctetCount
            erasedOctetCount += pack.erasedOctetCount
        }
        try contents.forEachBlob { blob in
            switch blob.kind {
            case .recipe: recipes.add(blob)
            case .part: parts.add(blob)
            case .events: events.add(blob)
            }
        }
    }
}
