import ArchiveCatalog
import MailCore
import Testing

/// A catalog that follows a compaction equals one made after it.
@Suite struct MoveTests {
    private func blob(_ number: Int, pack: Int, at offset: UInt64) throws -> BlobRow {
        BlobRow(
            contentID: [UInt8](repeating: UInt8(number), count: 32), keyID: try id(number), pack: try id(pack),
            offset: offset, storedOctetCount: 10, rawOctetCount: 20, kind: 2, vaultShard: 1, vaultSlot: 2)
    }

    private func pack(_ number: Int, size: UInt64 = 100) throws -> PackRow {
        PackRow(id: try id(number), digest: [UInt8](repeating: UInt8(number), count: 32), octetCount: size)
    }

    private func ledger(_ size: UInt64) -> LedgerState {
        LedgerState(size: size, root: [UInt8](repeating: UInt8(size), count: 32))
    }

    private func dump(_ catalog: Catalog) throws -> [String] {
        var lines: [String] = []
        try catalog.dump { lines.append($0) }
        return lines
    }

    private func filled(_ fixture: CatalogFixture) throws -> Catalog {
        let catalog = try fixture.catalog()
        try catalog.apply(
            CatalogGroup(
                packs: [try pack(100), try pack(101), try pack(102)],
                blobs: [
                    try blob(1, pack: 100, at: 128), try blob(2, pack: 100, at: 138), try blob(3, pack: 101, at: 128),
                    try blob(4, pack: 102, at: 128),
                ], ledger: ledger(7)))
        return catalog
    }

    @Test func `blobs move, the packs they left and what was erased in them are forgotten`() throws {
        let fixture = try CatalogFixture()
        let moved = try filled(fixture)
        try moved.move(
            PackMove(
                successor: try pack(110, size: 60), blobs: [(try id(2), 128), (try id(3), 138)],
                replaced: [try id(100), try id(101)], ledger: ledger(10)))
        try moved.move(PackMove(successor: nil, blobs: [], replaced: [try id(102)], ledger: ledger(11)))
        let fresh = try fixture.catalog("fresh.db")
        try fresh.apply(
            CatalogGroup(
                packs: [try pack(110, size: 60)],
                blobs: [try blob(2, pack: 110, at: 128), try blob(3, pack: 110, at: 138)], ledger: ledger(11)))
        #expect(try dump(moved) == dump(fresh))
    }

    @Test func `a blob that is not known moves nothing`() throws {
        let fixture = try CatalogFixture()
        let catalog = try filled(fixture)
        let before = try dump(catalog)
        #expect(throws: CatalogError.self) {
            try catalog.move(
                PackMove(
                    successor: try pack(110), blobs: [(try id(2), 128), (try id(9), 138)], replaced: [try id(100)],
                    ledger: ledger(10)))
        }
        #expect(try dump(catalog) == before)
    }
}
