import ArchiveCatalog
import ArchiveStore
import MailCore

/// The catalog as the store's directory of blobs.
struct CatalogDirectory: BlobDirectory {
    let catalog: Catalog

    func blob(contentID: [UInt8]) throws -> KnownContent? {
        try catalog.blob(contentID: contentID).map { KnownContent(keyID: $0.keyID, rawLength: $0.rawOctetCount) }
    }

    func location(keyID: RandomID) throws -> BlobLocation? {
        guard let row = try catalog.blob(keyID: keyID) else { return nil }
        return try location(row)
    }

    /// Where `row` is; its pack may have been sealed since it was written.
    private func location(_ row: BlobRow) throws -> BlobLocation? {
        guard let kind = BlobKind(rawValue: row.kind) else { return nil }
        let digest = try catalog.pack(row.pack)?.digest
        return BlobLocation(
            keyID: row.keyID, kind: kind, pack: digest.map { .sealed(row.pack, digest: $0) } ?? .open(row.pack),
            offset: row.offset, storedLength: row.storedOctetCount, rawLength: row.rawOctetCount,
            dictionary: row.dictionary, checksum: 0, contentID: row.contentID ?? [],
            ledgerIndex: 0, vaultShard: row.vaultShard, vaultSlot: row.vaultSlot)
    }
}
