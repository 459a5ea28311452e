import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore
import Testing

@Suite struct DamageTests {
    private func filled() async throws -> TestArchive {
        let test = try TestArchive()
        var options = WriterOptions()
        options.packTarget = 30_000
        let writer = try test.writer(options)
        let lane = writer.makeLane()
        var seeded = Seeded(11)
        for number in 0..<4 {
            _ = try await lane.ingest(Mail.withAttachment(seeded.octets(25_000), number: number))
            _ = try await lane.ingest(Mail.small(number))
            test.directory.apply(
                try await writer.commit(events: [
                    .mailboxDeleted(account: "SECRETACCOUNT", mailbox: MailboxName("SECRETMAILBOX"))
                ]))
        }
        lane.finish()
        try await writer.close()
        return test
    }

    @Test func `a flipped bit in any file is found and named`() async throws {
        let test = try await filled()
        #expect(ArchiveCheck.run(test.archive).isSound)
        var seeded = Seeded(13)
        for (name, octets) in try test.files() where !octets.isEmpty && name != "lock" {
            var damaged = octets
            let position = Int(seeded.next() % UInt64(octets.count))
            damaged[position] ^= 1 << UInt8(seeded.next() % 8)
            let url = URL(fileURLWithPath: "\(test.path)/\(name)")
            try Data(damaged).write(to: url)
            let report = ArchiveCheck.run(test.archive)
            #expect(!report.isSound, "\(name) at \(position)")
            try Data(octets).write(to: url)
        }
        #expect(ArchiveCheck.run(test.archive).isSound)
    }

    @Test func `a missing pack is a finding and the rest can be read`() async throws {
        let test = try await filled()
        let packs = try test.files().keys.filter { $0.hasPrefix("packs/") }.sorted()
        #expect(packs.count >= 2)
        try FileManager.default.removeItem(atPath: "\(test.path)/\(packs[0])")
        let report = ArchiveCheck.run(test.archive)
        #expect(report.findings.contains { $0.kind == .missing })
        #expect(report.findings.contains { $0.kind == .broken || $0.path.contains("packs/") })
    }

    @Test func `nothing of the mail stands in any file`() async throws {
        let test = try await filled()
        for (name, octets) in try test.files() {
            for marker in ["SECRET", "quick brown fox", "example.org", "Subject", "attachment"] {
                let isThere = Data(octets).range(of: Data(marker.utf8)) != nil
                #expect(!isThere, "\(marker) in \(name)")
            }
        }
    }

    @Test func `a second writer is refused and the lock goes with its holder`() async throws {
        let test = try TestArchive()
        let first = try test.writer()
        do {
            _ = try test.writer()
            Issue.record("two writers")
        } catch { #expect((error as? ArchiveError)?.kind == .locked) }
        try await first.close()
        try await test.writer().close()
    }

    @Test func `slots are added and removed, and the last one stays`() async throws {
        let test = try TestArchive(.passphrase([1, 2, 3]))
        let writer = try test.writer()
        let old = try test.archive.slots()[0].id
        await #expect(throws: ArchiveError.self) { try await writer.removeSlot(old) }
        let file = [UInt8](repeating: 9, count: 64)
        _ = try await writer.addSlot(.keyFile(file), label: "key file", cost: TestArchive.cost)
        try await writer.removeSlot(old)
        try await writer.close()
        #expect(try Archive.open(at: test.path, unlocking: [.keyFile(file)]).id == test.archive.id)
        do {
            _ = try Archive.open(at: test.path, unlocking: [.passphrase([1, 2, 3])])
            Issue.record("the removed slot opens")
        } catch { #expect(error.kind == .wrongKey) }
        #expect(ArchiveCheck.run(test.archive).isSound)
        do {
            _ = try Archive.open(at: "/nonexistent/archive", unlocking: [])
            Issue.record("opened nothing")
        } catch { #expect(error.kind == .notAnArchive) }
    }

    @Test func `many keys fill several shards and all can be read`() async throws {
        let test = try TestArchive()
        let writer = try test.writer()
        let lane = writer.makeLane()
        var keys: [RandomID] = []
        for number in 0..<9_000 {
            keys.append(try await lane.ingest(Mail.small(number)).keyID)
            if number % 3_000 == 2_999 { test.directory.apply(try await writer.commit()) }
        }
        test.directory.apply(try await writer.commit())
        lane.finish()
        try await writer.close()
        #expect(try Set(test.files().keys.filter { $0.hasPrefix("vault/shard.") }).count >= 2)
        for number in stride(from: 0, to: 9_000, by: 997) { #expect(try test.read(keys[number]) == Mail.small(number)) }
        let reopened = try TestArchive(opening: try test.copy())
        #expect(reopened.directory.count == 9_000)
        try await reopened.writer().close()
    }
}
