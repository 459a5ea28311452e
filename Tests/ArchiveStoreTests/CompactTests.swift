import ArchiveCrypto
import ArchiveLedger
import ArchiveStore
import Foundation
import MailCore
import Synchronization
import Testing

/// Dead and erased octets leave, everything else stays readable; at any instant.
@Suite struct CompactTests {
    static let target: UInt64 = 60_000

    /// Ten messages over several sealed packs and an open one.
    struct Filled {
        let test: TestArchive
        let messages: [(keyID: RandomID, octets: [UInt8])]

        /// Of the archive as it is on disk now.
        func reopened(_ secret: ArchiveSecret = .plain) throws -> TestArchive {
            let again = try TestArchive(opening: test.path, secret)
            again.isBorrowed = true
            return again
        }
    }

    static func filled(
        _ secret: ArchiveSecret = .plain, messages count: Int = 10, attachment: Int = 20_000
    ) async throws -> Filled {
        let test = try TestArchive(secret)
        var options = WriterOptions()
        options.packTarget = 50_000
        let writer = try test.writer(options)
        let lane = writer.makeLane()
        var seeded = Seeded(23)
        var messages: [(RandomID, [UInt8])] = []
        for number in 0..<count {
            let message = Mail.withAttachment(seeded.octets(attachment), number: number)
            let taken = try await lane.ingest(message)
            test.directory.apply(try await writer.commit(events: [event(taken.keyID, UInt32(number + 1))]))
            messages.append((taken.keyID, message))
        }
        lane.finish()
        try await writer.close()
        return Filled(test: test, messages: messages)
    }

    static func event(_ keyID: RandomID, _ uid: UInt32) -> OccurrenceEvent {
        .placed(
            message: keyID,
            at: OccurrenceAddress(
                account: "a", mailbox: MailboxName("INBOX"), uidValidity: UIDValidity(1), uid: UID(uid) ?? .min),
            flags: [], internalDate: nil, modSeq: nil, channel: .imap, fidelity: .exact)
    }

    static func options(_ minimum: Double = 0.05, target: UInt64 = target) -> CompactionOptions {
        var options = CompactionOptions()
        (options.minimumDeadShare, options.packTarget) = (minimum, target)
        return options
    }

    @discardableResult
    static func compact(
        _ test: TestArchive, _ options: CompactionOptions = options(), _ writing: WriterOptions = WriterOptions()
    ) async throws -> CompactionSummary {
        let writer = try test.writer(writing)
        let directory = test.directory
        let summary = try await writer.compact(options) { directory.apply($0) }
        try await writer.close()
        return summary
    }

    /// Erases keys for good, with the leaf that says so.
    static func erase(
        _ messages: [RandomID], parts: Set<RandomID> = [], in test: TestArchive
    ) async throws {
        let writer = try test.writer()
        let change = try await writer.changeVault(VaultChange(erasing: parts.union(messages)))
        let targets =
            messages.map { ErasureRecord.Target(.message, $0) } + parts.map { ErasureRecord.Target(.part, $0) }
        let root = try #require(MerkleHash(octets: change.rootDigest))
        let nonce = try #require(RandomID(octets: [UInt8](repeating: 7, count: 16)))
        try await writer.appendLeaf(
            .erased(
                ErasureRecord(
                    intent: 0, epoch: change.epoch, root: root, targets: targets, anchors: change.attestations,
                    nonce: nonce)))
        try await writer.close()
    }

    private func expectReadable(
        _ messages: some Sequence<(keyID: RandomID, octets: [UInt8])>, _ test: TestArchive, _ label: String = ""
    ) {
        for (keyID, octets) in messages {
            do { #expect(try test.read(keyID) == octets, "\(label)") } catch { Issue.record("\(label): \(error)") }
        }
    }

    @Test func `small packs become one, for readers of before and after, and with nothing left to do`() async throws {
        let filled = try await Self.filled()
        defer { withExtendedLifetime(filled.test) {} }
        let (test, messages) = (filled.test, filled.messages)
        // A directory of before, and a reader that has opened nothing yet.
        let before = try filled.reopened()
        let count = before.directory.count
        let sealed = try test.files().keys.count { $0.hasPrefix("packs/") }
        #expect(sealed >= 3)
        let summary = try await Self.compact(test, Self.options(target: 1 << 20))
        #expect(summary.plan.candidates.allSatisfy { $0.reason == .small } && summary.newPackCount == 1)
        expectReadable(messages, test, "the writer's directory")
        expectReadable(messages, before, "a directory of before")
        let after = try filled.reopened()
        #expect(after.directory.count == count)
        expectReadable(messages, after, "a directory of after")
        #expect(Set(after.directory.locations) == Set(test.directory.locations))
        for level in CheckLevel.allCases {
            let report = ArchiveCheck.run(after.archive, CheckOptions(level: level))
            #expect(report.isSound, "\(level): \(report.findings)")
        }
        #expect(try ArchiveCheck.runWithoutKeys(at: test.path).isSound)
        let names = try test.files().keys.filter { $0.hasPrefix("packs/") }
        #expect(names.count { !$0.hasSuffix(".gone") } == 1)
        #expect(names.count { $0.hasSuffix(".gone") } == sealed)
        let files = try test.files()
        let again = try await Self.compact(test, Self.options(target: 1 << 20))
        #expect(again.plan.candidates.isEmpty)
        #expect(try test.files().filter { $0.key.hasPrefix("packs/") } == files.filter { $0.key.hasPrefix("packs/") })
        // What comes next follows the chain.
        let writer = try test.writer()
        let lane = writer.makeLane()
        let known = try await lane.ingest(messages[3].octets)
        #expect(!known.isNew && known.keyID == messages[3].keyID)
        _ = try await lane.ingest(Mail.small(77))
        test.directory.apply(try await writer.commit())
        lane.finish()
        try await writer.close()
        #expect(ArchiveCheck.run(test.archive).isSound)
    }

    @Test func `what was erased is gone from the folder, sealed or not, and from no one else's message`() async throws {
        let filled = try await Self.filled()
        defer { withExtendedLifetime(filled.test) {} }
        // One in the first sealed pack, one in the open one.
        let gone = [filled.messages[1], filled.messages[9]]
        var octets: [[UInt8]] = []
        var keys: Set<RandomID> = []
        let locations = try filled.reopened().directory.locations
        for (keyID, _) in gone {
            let location = try #require(locations.first { $0.keyID == keyID })
            // The recipe and the part before it, which no other message has.
            for blob in locations where blob.ledgerIndex == location.ledgerIndex && blob.kind != .events {
                let path = "\(filled.test.path)/\(blob.pack.relativePath)"
                let pack = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
                octets.append(Array(pack[Int(blob.offset)..<Int(blob.offset + blob.storedLength)]))
                keys.insert(blob.keyID)
            }
        }
        #expect(keys.count == 4)
        try await Self.erase(gone.map(\.keyID), parts: keys.subtracting(gone.map(\.keyID)), in: filled.test)
        let test = try filled.reopened()
        #expect(ArchiveCheck.run(test.archive).isSound)
        let dead = try ArchiveStatistics(of: test.archive)
        #expect(dead.erasedOctetCount == octets.reduce(0) { $0 + UInt64($1.count) })
        #expect(dead.deadOctetCount == dead.erasedOctetCount)
        let stale = try filled.reopened()
        try await Self.compact(test, Self.options(1))
        let files = try test.files()
        for (name, file) in files {
            for blob in octets { #expect(!contains(file, blob), "\(name) still holds an erased blob") }
        }
        let after = try filled.reopened()
        #expect(try ArchiveStatistics(of: after.archive).deadOctetCount == 0)
        let kept = filled.messages.filter { message in !gone.contains { $0.keyID == message.keyID } }
        expectReadable(kept, after)
        expectReadable(kept, stale, "a directory of before that knows an open pack")
        #expect(after.directory.count == test.directory.count)
        for (keyID, _) in gone { #expect(throws: ArchiveError.self) { try after.read(keyID) } }
        #expect(try ArchiveCheck.runWithoutKeys(at: test.path).isSound)
        let report = ArchiveCheck.run(after.archive)
        #expect(report.isSound, "\(report.findings)")
    }

    private func contains(_ file: [UInt8], _ blob: [UInt8]) -> Bool {
        Data(file).range(of: Data(blob.prefix(64))) != nil
    }

    @Test func `a damaged blob stops it and nothing changes`() async throws {
        let filled = try await Self.filled()
        defer { withExtendedLifetime(filled.test) {} }
        let location = try #require(filled.test.directory.location(keyID: filled.messages[2].keyID))
        let path = "\(filled.test.path)/\(location.pack.relativePath)"
        var octets = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        octets[Int(location.offset) + 5] ^= 1
        try Data(octets).write(to: URL(fileURLWithPath: path))
        let test = try filled.reopened()
        let before = try test.files()
        do {
            try await Self.compact(test, Self.options(target: 1 << 20))
            Issue.record("it copied a damaged blob")
        } catch let error as ArchiveError {
            #expect(error.kind == .damaged && error.path == path && error.offset == location.offset, "\(error)")
        }
        let after = try test.files()
        #expect(Set(after.keys) == Set(before.keys))
        for (name, octets) in before where name.hasPrefix("packs/") { #expect(after[name] == octets) }
    }

    @Test func `a tampered blob with a matching checksum is not signed anew`() async throws {
        let filled = try await Self.filled()
        defer { withExtendedLifetime(filled.test) {} }
        let location = try #require(try filled.reopened().directory.location(keyID: filled.messages[2].keyID))
        let path = "\(filled.test.path)/\(location.pack.relativePath)"
        let octets = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        // CRC-32C is linear: any change is made good by the four octets behind it.
        var other = octets
        let start = Int(location.offset)
        other[start] ^= 0x55
        try #require(restore(CRC32C.checksum(Array(octets[start..<start + 64])), &other, start..<start + 64))
        #expect(other != octets)
        try Data(other).write(to: URL(fileURLWithPath: path))
        let test = try filled.reopened()
        do {
            try await Self.compact(test, Self.options(target: 1 << 20))
            Issue.record("it signed a tampered blob")
        } catch let error as ArchiveError { #expect(error.kind == .damaged && error.path == path, "\(error)") }
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == other)
    }

    /// Chooses the last four octets of `range` so that its checksum becomes `checksum`: one bit after the other, by
    /// Gauss's elimination.
    private func restore(_ checksum: UInt32, _ octets: inout [UInt8], _ range: Range<Int>) -> Bool {
        let tail = range.upperBound - 4
        let base = CRC32C.checksum(Array(octets[range]))
        var rows: [(effect: UInt32, bits: UInt32)] = []
        for bit in 0..<32 {
            octets[tail + bit / 8] ^= 1 << UInt8(bit % 8)
            rows.append((CRC32C.checksum(Array(octets[range])) ^ base, 1 << UInt32(bit)))
            octets[tail + bit / 8] ^= 1 << UInt8(bit % 8)
        }
        var (wanted, chosen) = (base ^ checksum, UInt32(0))
        for column in 0..<32 {
            let mask = UInt32(1) << UInt32(column)
            guard let pivot = rows.indices.first(where: { rows[$0].effect & mask != 0 }) else { continue }
            let row = rows.remove(at: pivot)
            for index in rows.indices where rows[index].effect & mask != 0 {
                rows[index].effect ^= row.effect
                rows[index].bits ^= row.bits
            }
            if wanted & mask != 0 {
                wanted ^= row.effect
                chosen ^= row.bits
            }
        }
        for bit in 0..<32 where chosen & 1 << UInt32(bit) != 0 { octets[tail + bit / 8] ^= 1 << UInt8(bit % 8) }
        return CRC32C.checksum(Array(octets[range])) == checksum
    }

    @Test func `a key the vault does not know, and no leaf, is damage and not erasure`() async throws {
        let filled = try await Self.filled()
        defer { withExtendedLifetime(filled.test) {} }
        let location = try #require(filled.test.directory.location(keyID: filled.messages[1].keyID))
        try Vault.hide(location.keyID, in: filled.test.archive)
        let test = try filled.reopened()
        await #expect(throws: ArchiveError.self) { try await Self.compact(test) }
        let path = "\(test.path)/\(location.pack.relativePath)"
        #expect(FileManager.default.fileExists(atPath: path))
    }
}

/// Makes a key unknown behind the archive's back.
enum Vault {
    /// Gives the record another key id, as if it had never been.
    static func hide(_ keyID: RandomID, in archive: Archive) throws {
        let other = try #require(RandomID(octets: [UInt8](repeating: 9, count: 16)))
        let layout = archive.layout
        let pointer = try VaultPointer(parsing: octets(layout.current))
        let erasure = try ErasureSecret(parsing: octets(layout.erasure))
        let path = layout.vaultRoot(epoch: pointer.epoch, revision: pointer.revision)
        let rootKey = archive.keys.vaultRootKey(erasureSecret: erasure.secret, epoch: pointer.epoch)
        let root = try VaultRoot(parsing: SealedBody.open(octets(path), key: rootKey))
        for shard in root.shards where !shard.isSealed {
            let file = layout.openShard(shard.number, generation: shard.generation)
            let header = ShortHeader.encode(.openShard, archive: archive.id, shard.number, shard.generation)
            var rest = try octets(file)[header.count...]
            var result = header
            var number: UInt64 = 0
            while let frame = SealedBody.openFrame(rest, number: number, header: header, key: shard.key) {
                let records = frame.records.map { record in
                    var record = record
                    if record.keyID == keyID { record.keyID = other }
                    return record
                }
                result += try SealedBody.sealFrame(
                    records, number: number, header: header, key: shard.key, random: .system)
                rest = rest.dropFirst(frame.octetCount)
                number += 1
            }
            try Data(result).write(to: URL(fileURLWithPath: file))
        }
    }

    private static func octets(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
