import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore
import Synchronization
import Testing

/// Level 0: what a custodian finds who has no key.
@Suite struct NoKeyCheckTests {
    private static let passphrase = ArchiveSecret.passphrase(Array("custodians do not know this".utf8))

    private func filled() async throws -> TestArchive {
        let test = try TestArchive(Self.passphrase)
        var options = WriterOptions()
        options.packTarget = 30_000
        let writer = try test.writer(options)
        let lane = writer.makeLane()
        var seeded = Seeded(17)
        for number in 0..<8 {
            _ = try await lane.ingest(Mail.withAttachment(seeded.octets(25_000), number: number))
            test.directory.apply(
                try await writer.commit(events: [.mailboxDeleted(account: "a", mailbox: MailboxName("m"))]))
        }
        lane.finish()
        try await writer.close()
        return test
    }

    private func check(_ test: TestArchive) throws -> [String] {
        try ArchiveCheck.runWithoutKeys(at: test.path).findings.map(\.path)
    }

    @Test func `a sound archive is sound without keys and by the same counts as with them`() async throws {
        let test = try await filled()
        let steps = Mutex(0)
        let report = try ArchiveCheck.runWithoutKeys(at: test.path) { _, _, _ in steps.withLock { $0 += 1 } }
        #expect(report.isSound, "\(report.findings)")
        #expect(report.packCount >= 2 && report.leafCount > 16)
        #expect(steps.withLock { $0 } == report.packCount)
        let withKeys = ArchiveCheck.run(test.archive, CheckOptions(level: .custodian))
        #expect(withKeys.isSound && withKeys.packCount == report.packCount && withKeys.leafCount == report.leafCount)
    }

    @Test func `any octet of what is named or signed, and of every header, is found without keys`() async throws {
        let test = try await filled()
        var kinds: Set<String> = []
        for (name, octets) in try test.files() {
            let folder = String(name.prefix { $0 != "/" })
            let room: Int
            switch folder {
            case "packs", "dict", "log": room = name.hasPrefix("log/entries") ? 0 : octets.count
            case "keys": room = name.hasSuffix(".slot") ? octets.count : 0
            case "vault": room = name.hasPrefix("vault/root") || name == "vault/CURRENT" ? octets.count : 64
            case "open": room = name.hasSuffix(".pk") ? 128 : 64
            default: room = 0
            }
            guard room > 0 else { continue }
            kinds.insert(folder)
            for offset in stride(from: 0, to: room, by: max(1, room / 40)) {
                var other = octets
                other[offset] ^= 1
                try Data(other).write(to: URL(fileURLWithPath: "\(test.path)/\(name)"))
                #expect(try !check(test).isEmpty, "\(name) at \(offset)")
            }
            try Data(octets).write(to: URL(fileURLWithPath: "\(test.path)/\(name)"))
        }
        #expect(kinds == ["packs", "dict", "log", "keys", "vault", "open"])
        #expect(try check(test).isEmpty)
    }

    @Test func `a pack or a vault file under another name, or none, is found without keys`() async throws {
        let test = try await filled()
        let manager = FileManager.default
        let pack = try #require(try test.files().keys.filter { $0.hasPrefix("packs/") }.sorted().first)
        func moved(_ name: String, _ target: String) throws -> [String] {
            try manager.moveItem(atPath: "\(test.path)/\(name)", toPath: "\(test.path)/\(target)")
            defer { try? manager.moveItem(atPath: "\(test.path)/\(target)", toPath: "\(test.path)/\(name)") }
            return try check(test)
        }
        try manager.createDirectory(atPath: "\(test.path)/packs/zz", withIntermediateDirectories: true)
        #expect(try moved(pack, "packs/zz/\(pack.suffix(64))") == ["packs/zz/\(pack.suffix(64))"])
        let packs = try test.files().keys.filter { $0.hasPrefix("packs/") }
        let noticed = try packs.filter { try !moved($0, "elsewhere").isEmpty }
        #expect(noticed.count == packs.count - 1, "all but the youngest, which only the ledger's leaves tell of")
        #expect(try moved("vault/open.0.0", "vault/open.7.0") == ["vault/open.7.0"])
        #expect(try moved("vault/root.0.0", "vault/root.0.1").sorted() == ["vault/root.0.0", "vault/root.0.1"])
        #expect(try moved("open/journal", "open/j") == ["open/journal"])
        #expect(try check(test).isEmpty)
    }

    @Test func `only where there is no archive does it fail`() throws {
        do {
            _ = try ArchiveCheck.runWithoutKeys(at: "/nonexistent/archive")
            Issue.record("checked nothing")
        } catch { #expect(error.kind == .notAnArchive) }
    }
}
