import ArchiveStore
import Foundation
import MailCore
import Synchronization
import Testing

/// Copies of an archive's folder, made in the middle of a commit.
private final class Snapshots: Sendable {
    let copies = Mutex<[(step: FaultStep, path: String)]>([])

    func take(_ path: String, _ step: FaultStep) {
        let target = TestArchive.folder()
        do {
            try FileManager.default.copyItem(atPath: path, toPath: target)
            copies.withLock { $0.append((step, target)) }
        } catch { Issue.record("\(error)") }
    }
}

@Suite struct CrashTests {
    private func messages() -> [[UInt8]] {
        var seeded = Seeded(7)
        let shared = seeded.octets(9_000)
        return [
            Mail.small(1), Mail.withAttachment(shared, number: 1), Mail.withAttachment(seeded.octets(1_100_000)),
            Mail.withAttachment(shared, number: 2), Mail.small(2),
            Mail.withAttachment(seeded.octets(40_000), number: 5),
        ]
    }

    private func event(_ keyID: RandomID, _ uid: UInt32) -> OccurrenceEvent {
        .placed(
            message: keyID,
            at: OccurrenceAddress(
                account: "a", mailbox: MailboxName("INBOX"), uidValidity: UIDValidity(1), uid: UID(uid) ?? .min),
            flags: [], internalDate: nil, modSeq: nil, channel: .imap, fidelity: .exact)
    }

    @Test func `an interruption at any step loses nothing that was committed`() async throws {
        let test = try TestArchive()
        let snapshots = Snapshots()
        var options = WriterOptions()
        options.packTarget = 200_000
        options.journalLimit = 1
        let path = test.path
        options.fault = { snapshots.take(path, $0) }
        var committed: [(keyID: RandomID, message: [UInt8], snapshot: Int)] = []
        var eventCounts: [(count: Int, snapshot: Int)] = []
        let writer = try test.writer(options)
        let lane = writer.makeLane()
        for (number, message) in messages().enumerated() {
            let taken = try await lane.ingest(message)
            let group = try await writer.commit(events: [event(taken.keyID, UInt32(number + 1))])
            test.directory.apply(group)
            let count = snapshots.copies.withLock { $0.count }
            committed.append((taken.keyID, message, count))
            eventCounts.append((number + 1, count))
        }
        lane.finish()
        try await writer.close()
        let copies = snapshots.copies.withLock { $0 }
        let steps = Set(copies.map(\.step))
        #expect(
            steps.isSuperset(of: [
                .packAppend, .packSync, .vaultSync, .journalSync, .ledgerAppend, .checkpoint, .packSeal,
                .journalRewrite,
            ]))
        for (index, copy) in copies.enumerated() {
            let before = committed.filter { $0.snapshot <= index }
            try await resume(copy.path, copy.step, before.map { ($0.keyID, $0.message) })
        }
    }

    private func resume(
        _ path: String, _ step: FaultStep, _ committed: [(keyID: RandomID, message: [UInt8])]
    ) async throws {
        let test = try TestArchive(opening: path)
        let before = test.directory
        for (keyID, message) in committed {
            #expect(before.location(keyID: keyID) != nil, "\(step): a committed message is gone")
            if before.location(keyID: keyID) != nil { #expect(try test.read(keyID) == message) }
        }
        let writer = try test.writer()
        let lane = writer.makeLane()
        var keys: [(RandomID, [UInt8])] = []
        for message in messages() {
            let taken = try await lane.ingest(message)
            keys.append((taken.keyID, message))
        }
        for (keyID, message) in committed { #expect(keys.contains { $0.0 == keyID && $0.1 == message }, "\(step)") }
        test.directory.apply(try await writer.commit(events: [event(keys[0].0, 99)]))
        for (keyID, message) in keys { #expect(try test.read(keyID) == message) }
        lane.finish()
        try await writer.close()
        let report = ArchiveCheck.run(try Archive.open(at: path, unlocking: []))
        #expect(report.isSound, "\(step): \(report.findings)")
        #expect(report.messageCount == messages().count)
    }

    @Test func `a message that breaks off leaves nothing behind`() async throws {
        let test = try TestArchive()
        let first = try test.writer()
        let lane = first.makeLane()
        let kept = try await lane.ingest(Mail.small(1))
        test.directory.apply(try await first.commit())
        lane.finish()
        try await first.close()
        var seeded = Seeded(3)
        let large = Mail.withAttachment(seeded.octets(2_000_000))
        let writer = try test.writer()
        let second = writer.makeLane()
        let open = try FileManager.default.contentsOfDirectory(atPath: test.path + "/open").filter {
            $0.hasSuffix(".pk")
        }
        #expect(open.count == 1)
        _ = try await second.ingest(Mail.small(2))
        struct SourceBroke: Error {}
        await #expect(throws: ArchiveError.self) {
            try await second.ingest { throw SourceBroke() }
        }
        var rest = large[...]
        await #expect(throws: ArchiveError.self) {
            try await second.ingest {
                if rest.count < 1_000_000 { throw SourceBroke() }
                defer { rest = rest.dropFirst(65_536) }
                return Array(rest.prefix(65_536))
            }
        }
        let taken = try await second.ingest(large)
        test.directory.apply(try await writer.commit())
        second.finish()
        try await writer.close()
        #expect(try test.read(kept.keyID) == Mail.small(1))
        #expect(try test.read(taken.keyID) == large)
        let report = ArchiveCheck.run(test.archive)
        #expect(report.isSound, "\(report.findings)")
        #expect(try ArchiveStatistics(of: test.archive).deadOctetCount == 0)
    }
}
