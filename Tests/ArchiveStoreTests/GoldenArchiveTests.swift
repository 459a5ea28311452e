import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore
import Testing

/// `Fixtures/golden/archive`, written once by the first version: every later one must read it, octet for octet.
@Suite struct GoldenArchiveTests {
    private static let passphrase = ArchiveSecret.passphrase(Array("golden archive of mailarc/1".utf8))
    private static let keyFile = ArchiveSecret.keyFile(
        Array("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n".utf8))
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../Fixtures/golden").standardizedFileURL

    /// A copy, so that nothing can change the fixture.
    private func golden(_ secret: ArchiveSecret) throws -> TestArchive {
        let copy = TestArchive.folder()
        try FileManager.default.copyItem(atPath: Self.fixtures.appendingPathComponent("archive").path, toPath: copy)
        return try TestArchive(opening: copy, secret)
    }

    /// Digests of `expected.sha256`, sorted.
    private func expected() throws -> [String] {
        let list = try String(contentsOf: Self.fixtures.appendingPathComponent("expected.sha256"), encoding: .utf8)
        return list.split(separator: "\n").map { String($0.prefix(64)) }.sorted()
    }

    @Test(arguments: [passphrase, keyFile]) func `either key opens it and every message comes back`(
        _ secret: ArchiveSecret
    ) throws {
        let test = try golden(secret)
        let messages = test.directory.locations.filter { $0.kind == .recipe }
        let digests = try messages.map { SHA256.hash(try test.read($0.keyID)).hex }
        #expect(digests.sorted() == (try expected()))
        #expect(digests.count == 25)
    }

    @Test func `it is sound at every level, and nothing of it is changed by looking`() throws {
        let test = try golden(Self.passphrase)
        let before = try test.files()
        let report = ArchiveCheck.run(test.archive)
        #expect(report.isSound, "\(report.findings)")
        #expect(report.messageCount == 25 && report.leafCount == 35 && report.packCount == 4 && report.keyCount == 39)
        let withoutKeys = try ArchiveCheck.runWithoutKeys(at: test.path)
        #expect(withoutKeys.isSound, "\(withoutKeys.findings)")
        #expect(try test.files() == before)
    }

    @Test func `it holds every type of event, and part kinds, chunks and packs of each sort`() throws {
        let test = try golden(Self.keyFile)
        let reader = ArchiveReader(test.archive, directory: test.directory)
        var kinds: [String: Int] = [:]
        for location in test.directory.locations where location.kind == .events {
            for event in try reader.events(location.keyID).events { kinds[Self.name(event), default: 0] += 1 }
        }
        #expect(
            kinds == [
                "placed": 26, "flags": 1, "gone": 1, "moved": 1, "created": 7, "renamed": 1, "deleted": 1,
                "uidvalidity": 2, "quarantined": 1,
            ])
        let parts = test.directory.locations.filter { $0.kind == .part }
        #expect(parts.contains { $0.rawLength > 2 << 20 }, "three chunks")
        #expect(test.directory.locations.contains { $0.dictionary == 1 })
        let places = try test.archive.packPlaces()
        #expect(places.contains { if case .sealed = $0 { true } else { false } })
        #expect(places.contains { if case .open = $0 { true } else { false } })
    }

    private static func name(_ event: OccurrenceEvent) -> String {
        switch event {
        case .placed: "placed"
        case .flagsChanged: "flags"
        case .gone(_, let target): target == nil ? "gone" : "moved"
        case .mailboxCreated: "created"
        case .mailboxRenamed: "renamed"
        case .mailboxDeleted: "deleted"
        case .uidValidityChanged: "uidvalidity"
        case .quarantined: "quarantined"
        case .uidsGiven: "uids"
        case .delivered: "delivered"
        }
    }

    @Test func `a copy of it can be written to, and what it held stays`() async throws {
        let test = try golden(Self.passphrase)
        let writer = try test.writer()
        let lane = writer.makeLane()
        let known = try await lane.ingest(
            try test.read(try #require(test.directory.locations.first { $0.kind == .recipe }).keyID))
        #expect(!known.isNew)
        #expect(try await lane.ingest(Mail.small(1)).isNew)
        test.directory.apply(try await writer.commit())
        lane.finish()
        try await writer.close()
        let report = ArchiveCheck.run(try Archive.open(at: test.path, unlocking: [Self.keyFile]))
        #expect(report.isSound && report.messageCount == 26, "\(report.findings)")
    }
}
