import ArchiveStore
import Foundation
import MailCore
import Synchronization
import Testing

/// A compaction that breaks off at any step: nothing lost, nothing counted twice, and the next writer ends it.
@Suite struct CompactCrashTests {
    /// Copies of an archive's folder, made in the middle of a compaction.
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

    @Test func `an interruption at any step of a compaction loses nothing and doubles nothing`() async throws {
        let filled = try await CompactTests.filled()
        defer { withExtendedLifetime(filled.test) {} }
        let gone = [filled.messages[4].keyID, filled.messages[9].keyID]
        try await CompactTests.erase(gone, in: filled.test)
        let test = try filled.reopened()
        let kept = filled.messages.filter { !gone.contains($0.keyID) }
        let (count, statistics) = (test.directory.count, try ArchiveStatistics(of: test.archive))
        let snapshots = Snapshots()
        var options = WriterOptions()
        let path = test.path
        options.fault = { snapshots.take(path, $0) }
        try await CompactTests.compact(test, CompactTests.options(), options)
        let copies = snapshots.copies.withLock { $0 }
        #expect(
            Set(copies.map(\.step)).isSuperset(of: [
                .compactCopy, .compactSeal, .journalSync, .packSeal, .ledgerAppend, .checkpoint, .goneFile, .packRemove,
                .journalRewrite,
            ]))
        for (index, copy) in copies.enumerated() {
            let label = "\(copy.step) \(index)"
            let owner = try TestArchive(opening: copy.path)
            let found = try CompactTests.Filled(test: owner, messages: []).reopened()
            #expect(found.directory.count == count, "\(label)")
            let now = try ArchiveStatistics(of: found.archive)
            #expect(now.recipes == statistics.recipes && now.parts == statistics.parts, "\(label)")
            #expect(now.events == statistics.events, "\(label)")
            for (keyID, octets) in kept { #expect(try found.read(keyID) == octets, "\(label)") }
            // The next writer makes it whole; what is left of the compaction is done by the next one.
            try await found.writer().close()
            #expect(try !found.archive.needsRecovery(), "\(label)")
            let whole = try CompactTests.Filled(test: owner, messages: []).reopened()
            try expectSound(whole, label)
            try await CompactTests.compact(whole)
            #expect(try ArchiveStatistics(of: whole.archive).deadOctetCount == 0, "\(label)")
            let end = try CompactTests.Filled(test: owner, messages: []).reopened()
            #expect(end.directory.count == count, "\(label)")
            for (keyID, octets) in kept { #expect(try end.read(keyID) == octets, "\(label)") }
            try expectSound(end, label)
            withExtendedLifetime(owner) {}
        }
    }

    private func expectSound(_ test: TestArchive, _ label: String) throws {
        #expect(try ArchiveCheck.runWithoutKeys(at: test.path).isSound, "\(label)")
        let report = ArchiveCheck.run(test.archive)
        #expect(report.isSound, "\(label): \(report.findings)")
    }
}

/// Records of replaced packs that were changed, taken away or replayed.
@Suite struct ReplacedPackTests {
    private static let passphrase = ArchiveSecret.passphrase(Array("custodians do not know this".utf8))

    /// A compacted archive, and the packs that were replaced by their names.
    private func compacted() async throws -> (test: TestArchive, old: [String: [UInt8]]) {
        let filled = try await CompactTests.filled(Self.passphrase)
        let before = try filled.test.files().filter { $0.key.hasPrefix("packs/") }
        try await CompactTests.compact(filled.test, CompactTests.options(target: 1 << 20))
        let after = try filled.test.files()
        return (filled.test, before.filter { after[$0.key] == nil })
    }

    private func write(_ octets: [UInt8]?, _ name: String, _ test: TestArchive) throws {
        let path = "\(test.path)/\(name)"
        guard let octets else { return try FileManager.default.removeItem(atPath: path) }
        try Data(octets).write(to: URL(fileURLWithPath: path))
    }

    private func findings(_ test: TestArchive) throws -> [CheckFinding] {
        try ArchiveCheck.runWithoutKeys(at: test.path).findings
    }

    @Test func `any changed octet of a record is found without keys`() async throws {
        let (test, old) = try await compacted()
        let name = try #require(old.keys.sorted().first) + ".gone"
        let octets = try #require(try test.files()[name])
        for offset in octets.indices {
            var other = octets
            other[offset] ^= 1
            try write(other, name, test)
            #expect(try findings(test).contains { $0.path == name }, "at \(offset)")
        }
        try write(octets, name, test)
        #expect(try findings(test).isEmpty)
    }

    @Test func `a record or a successor that is missing is found without keys`() async throws {
        let (test, old) = try await compacted()
        let files = try test.files()
        for name in old.keys.sorted() {
            let record = name + ".gone"
            try write(nil, record, test)
            #expect(try findings(test).contains { $0.kind == .broken }, "\(name)")
            let withKeys = ArchiveCheck.run(test.archive, CheckOptions(level: .structure))
            #expect(withKeys.findings.contains { $0.path == record && $0.kind == .missing }, "\(withKeys.findings)")
            try write(files[record], record, test)
        }
        let new = try #require(files.keys.first { $0.hasPrefix("packs/") && !$0.hasSuffix(".gone") })
        try write(nil, new, test)
        #expect(try findings(test).filter { $0.path == new && $0.kind == .missing }.count == old.count)
        try write(files[new], new, test)
        #expect(try findings(test).isEmpty)
    }

    @Test func `a replaced pack that comes back is found and counts for nothing`() async throws {
        let (test, old) = try await compacted()
        let statistics = try ArchiveStatistics(of: test.archive)
        let count = try InMemoryDirectory(of: test.archive).count
        for (name, octets) in old {
            try write(octets, name, test)
            #expect(try findings(test).map(\.path) == [name])
            for level in CheckLevel.allCases {
                let report = ArchiveCheck.run(test.archive, CheckOptions(level: level))
                #expect(report.findings.map(\.path) == [name], "\(level): \(report.findings)")
            }
            #expect(try ArchiveStatistics(of: test.archive) == statistics)
            #expect(try InMemoryDirectory(of: test.archive).count == count)
            // Without its record only the ledger knows that it was replaced.
            let record = name + ".gone"
            let text = try test.files()[record]
            try write(nil, record, test)
            let report = ArchiveCheck.run(test.archive, CheckOptions(level: .structure))
            #expect(report.findings.contains { $0.path == record && $0.kind == .missing })
            try write(text, record, test)
            try write(nil, name, test)
        }
        #expect(try findings(test).isEmpty)
    }

    @Test func `a record under another name, of another archive, or forged hides no pack`() async throws {
        let (test, old) = try await compacted()
        let files = try test.files()
        let record = try #require(old.keys.sorted().first) + ".gone"
        let new = try #require(files.keys.first { $0.hasPrefix("packs/") && !$0.hasSuffix(".gone") })
        let text = String(decoding: try #require(files[record]), as: UTF8.self)
        let count = try InMemoryDirectory(of: test.archive).count
        // The one living pack is called replaced by somebody who cannot sign.
        let forged = text.replacing(record.dropLast(5).suffix(64), with: new.suffix(64))
        try write(Array(forged.utf8), new + ".gone", test)
        #expect(try findings(test).map(\.path) == [new + ".gone"])
        #expect(try InMemoryDirectory(of: test.archive).count == count)
        try write(Array(text.utf8), new + ".gone", test)
        #expect(try findings(test).map(\.path) == [new + ".gone"])
        #expect(try InMemoryDirectory(of: test.archive).count == count)
        try write(nil, new + ".gone", test)
        // A genuine one nobody's ledger knows: its leaf index is another's.
        try FileManager.default.createDirectory(
            atPath: test.path + "/packs/zz", withIntermediateDirectories: true)
        try write(Array(text.utf8), "packs/zz/" + record.split(separator: "/")[2], test)
        #expect(try findings(test).map(\.kind) == [.wrongName])
    }
}
