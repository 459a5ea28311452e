import ArchiveCatalog
import Foundation
import MailCore
import Testing

@Suite struct RebuildTests {
    /// Groups of a small archive: each has a pack, blobs, messages and events.
    private func groups(_ count: Int) throws -> [CatalogGroup] {
        try (0..<count).map { step in
            let pack = try id(900_000 + step / 3)
            let numbers = step * 5 + 1...step * 5 + 5
            return CatalogGroup(
                packs: [PackRow(id: pack, octetCount: UInt64(step + 1))],
                blobs: try numbers.map { number in
                    BlobRow(
                        contentID: (0..<32).map { UInt8(truncatingIfNeeded: $0 == 31 ? number : number >> 8) },
                        keyID: try id(number), pack: pack, offset: UInt64(number * 100), storedOctetCount: 90,
                        rawOctetCount: 100, kind: 1, vaultSlot: UInt32(number))
                },
                messages: try numbers.map {
                    try entry($0, date: Int64($0), IndexedText(subject: "message \($0)", body: "words w\($0 % 7) 東京都"))
                },
                events: [
                    EventRecord(
                        sequence: UInt64(step + 1), time: Int64(step * 10),
                        events: try numbers.map { try placed($0, address("INBOX", UInt32($0))) }
                            + [.flagsChanged(at: address("INBOX", UInt32(max(1, step))), flags: [.seen], modSeq: nil)])
                ], ledger: LedgerState(size: UInt64(numbers.upperBound), root: .init(repeating: UInt8(step), count: 32))
            )
        }
    }

    private func merged(_ groups: [CatalogGroup], by size: Int) -> [CatalogGroup] {
        stride(from: 0, to: groups.count, by: size).map { start in
            let part = groups[start..<min(groups.count, start + size)]
            return CatalogGroup(
                packs: part.flatMap(\.packs), blobs: part.flatMap(\.blobs), messages: part.flatMap(\.messages),
                events: part.flatMap(\.events), ledger: part.last?.ledger)
        }
    }

    private func dump(_ catalog: Catalog) throws -> [String] {
        var lines: [String] = []
        try catalog.dump { lines.append($0) }
        return lines
    }

    @Test("the same facts in other batches, or twice, give the same catalog", arguments: [1, 2, 7, 40])
    func batches(size: Int) throws {
        let fixture = try CatalogFixture()
        let groups = try groups(20)
        let one = try fixture.catalog("one.db")
        for group in groups { try one.apply(group) }
        let other = try fixture.catalog("other.db", isEncrypted: false)
        for group in merged(groups, by: size) {
            try other.apply(group)
            try other.apply(group)
        }
        let lines = try dump(one)
        #expect(lines.count > 1_000)
        #expect(try dump(other) == lines)
        #expect(try one.integrityCheck().isEmpty)
    }

    @Test("blobs are found by content and key; a sealed pack gets its name; compaction moves blobs")
    func blobs() throws {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        let group = try groups(1)[0]
        try catalog.apply(group)
        let blob = group.blobs[2]
        #expect(try catalog.blob(keyID: blob.keyID) == blob)
        #expect(try catalog.blob(contentID: #require(blob.contentID)) == blob)
        #expect(try catalog.blobs(keyIDs: group.blobs.map(\.keyID) + [id(77_777)]).count == 5)
        var moved = blob
        moved.pack = try id(950_000)
        moved.offset = 7
        let digest = [UInt8](repeating: 3, count: 32)
        try catalog.apply(
            CatalogGroup(
                packs: [
                    PackRow(id: moved.pack, octetCount: 1), PackRow(id: blob.pack, digest: digest, octetCount: 500),
                ], blobs: [moved]))
        #expect(try catalog.blob(keyID: blob.keyID) == moved)
        #expect(try catalog.packs().first { $0.id == blob.pack }?.digest == digest)
        #expect(try catalog.message(id(3))?.references == [id(100_003)])
        #expect(try catalog.statistics().blobs == 5)
        #expect(try catalog.ledger()?.size == 5)
    }

    @Test("a group that contradicts itself changes nothing")
    func atomic() throws {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        var group = try groups(1)[0]
        group.packs = []
        #expect(throws: CatalogError.self) { try catalog.apply(group) }
        #expect(try catalog.statistics().messages == 0)
    }

    @Test("the encrypted file holds no word of the mail; a removed message is not found")
    func noPlaintext() throws {
        let fixture = try CatalogFixture()
        let catalog = try fixture.catalog()
        let text = IndexedText(subject: "zebrasubject", from: "zebrasender@x", body: "zebrabody")
        try catalog.apply(CatalogGroup(messages: [try entry(1, text)], events: []))
        #expect(try catalog.search(Query(parsing: "zebrabody")).total == 1)
        for suffix in ["", "-wal", "-shm"] {
            let octets = try #require(FileManager.default.contents(atPath: fixture.folder + "/cat.db" + suffix))
            #expect(octets.range(of: Data("zebra".utf8)) == nil)
        }
        try catalog.remove(CatalogRemoval(messages: [try id(1)])) { _ in text }
        try catalog.optimize()
        #expect(try catalog.search(Query(parsing: "zebrabody")).total == 0)
        #expect(try !dump(catalog).contains { $0.contains("zebra") })
        #expect(try catalog.integrityCheck().isEmpty)
    }
}
