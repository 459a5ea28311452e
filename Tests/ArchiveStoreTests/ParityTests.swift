import ArchiveCrypto
import ArchiveStore
import Foundation
import MailCore
import Testing

/// Stripes over sealed packs: made, kept up, checked; and they give back what is lost.
@Suite struct ParityTests {
    /// Ten messages in several packs with their stripes.
    private func withParity(
        attachment: Int = 20_000, _ body: (TestArchive) async throws -> Void
    ) async throws {
        let filled = try await CompactTests.filled(attachment: attachment)
        try await renew(filled.test)
        try await body(filled.test)
    }

    @discardableResult
    private func renew(_ test: TestArchive, _ options: WriterOptions = WriterOptions()) async throws -> ParitySummary {
        let writer = try test.writer(options)
        let summary = try await writer.renewParity { _, _ in }
        try await writer.close()
        return summary
    }

    private func names(_ test: TestArchive, _ folder: String) throws -> [String] {
        try test.files().keys.filter { $0.hasPrefix("\(folder)/") }.sorted()
    }

    private func findings(_ test: TestArchive, _ level: CheckLevel = .derived) throws -> [CheckFinding] {
        ArchiveCheck.run(try Archive.open(at: test.path, unlocking: [.plain]), CheckOptions(level: level)).findings
    }

    /// The pack `name` (packs/aa/digest) as its stripe and the others give it.
    private func rebuilt(_ test: TestArchive, _ name: String) throws -> [UInt8]? {
        let digest = try #require([UInt8](hex: String(name.split(separator: "/")[2])))
        var octets: [UInt8] = []
        return try ParityAccess.rebuild(digest, test.archive) { octets += $0 } ? octets : nil
    }

    @Test("every sealed pack is in one stripe; a second run changes nothing; the sums are right")
    func making() async throws {
        try await withParity { test in
            let packs = try names(test, "packs")
            let before = try names(test, "parity")
            #expect(packs.count > 2 && before.count == 1)
            let again = try await renew(test)
            #expect(again.newStripeCount == 0 && again.packCount == packs.count)
            #expect(try names(test, "parity") == before)
            #expect(try findings(test).isEmpty)
        }
    }

    @Test("a pack that is lost, cut off or damaged comes back octet for octet")
    func rebuilding() async throws {
        try await withParity { test in
            for name in try names(test, "packs") {
                let url = URL(fileURLWithPath: "\(test.path)/\(name)")
                let whole = try Data(contentsOf: url)
                var flipped = whole
                flipped[whole.count / 2] ^= 1
                for damaged in [flipped, whole.dropLast(5_000), Data(), whole + [0]] {
                    try damaged.write(to: url)
                    #expect(try rebuilt(test, name) == [UInt8](whole))
                }
                try FileManager.default.removeItem(at: url)
                #expect(try rebuilt(test, name) == [UInt8](whole))
                try whole.write(to: url)
            }
        }
    }

    @Test("two packs damaged in different rows come back; in the same row nothing is guessed")
    func twoDamaged() async throws {
        try await withParity(attachment: 40_000) { test in
            let packs = try names(test, "packs")
            try #require(packs.count >= 2)
            let urls = packs.prefix(2).map { URL(fileURLWithPath: "\(test.path)/\($0)") }
            let whole = try urls.map { try Data(contentsOf: $0) }
            func damage(_ index: Int, at offset: Int) throws {
                var octets = whole[index]
                octets[offset] ^= 0x40
                try octets.write(to: urls[index])
            }
            try damage(0, at: 100)
            try damage(1, at: 65_540)
            for index in 0..<2 { #expect(try rebuilt(test, packs[index]) == [UInt8](whole[index])) }
            try damage(1, at: 200)
            for index in 0..<2 { #expect(try rebuilt(test, packs[index]) == nil) }
        }
    }

    @Test("a damaged pack comes into no stripe, and stripes that can bring one back stay")
    func damagedMember() async throws {
        let filled = try await CompactTests.filled()
        let packs = try names(filled.test, "packs")
        let first = URL(fileURLWithPath: "\(filled.test.path)/\(packs[0])")
        let whole = try Data(contentsOf: first)
        var damaged = whole
        damaged[500] ^= 1
        try damaged.write(to: first)
        let summary = try await renew(filled.test)
        #expect(summary.damaged == [packs[0]] && summary.packCount == packs.count - 1)
        try whole.write(to: first)
        #expect(try await renew(filled.test).packCount == packs.count)
        let second = URL(fileURLWithPath: "\(filled.test.path)/\(packs[1])")
        let other = try Data(contentsOf: second)
        try FileManager.default.moveItem(at: second, to: URL(fileURLWithPath: filled.test.path + "/away"))
        // Opening does not need it; making stripes anew must not give up the one that holds it.
        try await renew(filled.test)
        #expect(try rebuilt(filled.test, packs[1]) == [UInt8](other))
    }

    @Test("a stripe that was changed is named, and a forged one by reckoning it again")
    func changed() async throws {
        try await withParity { test in
            let name = try #require(try names(test, "parity").first)
            let url = URL(fileURLWithPath: "\(test.path)/\(name)")
            let whole = try Data(contentsOf: url)
            for offset in [3, 66, 90, whole.count / 2, whole.count - 2] {
                var octets = [UInt8](whole)
                octets[offset] ^= 1
                try Data(octets).write(to: url)
                let found = try findings(test, .custodian)
                #expect(found.map(\.path) == [name] && found[0].gravity == .cache)
                // Under the name that its octets have.
                let forged = URL(fileURLWithPath: "\(test.path)/parity/\(SHA256.hash(octets).hex)")
                try FileManager.default.moveItem(at: url, to: forged)
                #expect(try !findings(test).isEmpty, "at \(offset)")
                try FileManager.default.removeItem(at: forged)
            }
            try await renew(test)
            #expect(try findings(test).isEmpty)
        }
    }

    @Test("compact leaves no stripe with octets of what it replaced, and makes new ones")
    func compacting() async throws {
        try await withParity { test in
            let before = try names(test, "parity")
            try await CompactTests.compact(test, CompactTests.options(target: 1_000_000))
            #expect(Set(before).isDisjoint(with: try names(test, "parity")))
            #expect(try findings(test).isEmpty)
            for name in try names(test, "packs") where !name.hasSuffix(".gone") {
                let octets = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(test.path)/\(name)")))
                try FileManager.default.removeItem(atPath: "\(test.path)/\(name)")
                #expect(try rebuilt(test, name) == octets)
                try Data(octets).write(to: URL(fileURLWithPath: "\(test.path)/\(name)"))
            }
        }
    }
}
