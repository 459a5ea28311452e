import ArchiveLedger
import Foundation
import MailCore
import Testing

@Suite("Checking a ledger")
struct LedgerCheckTests {
    /// Whether `finding` names the file, or one that only agrees with it.
    private func names(_ report: LedgerReport, _ path: String) -> Bool { report.findings.contains { $0.path == path } }

    @Test("every changed octet of every file is found, and named with its offset where the key tells")
    func flips() throws {
        let test = try TestLedger()
        _ = try test.make(size: 300, group: 150, keeping: true)
        for path in try test.paths() {
            let octets = try test.read(path)
            let step = path.hasPrefix("entries") ? max(1, octets.count / 60) : path.hasPrefix("tile/0") ? 29 : 1
            for offset in stride(from: 0, to: octets.count, by: step) {
                var other = octets
                other[offset] ^= 1 << UInt8(offset % 8)
                try test.write(other, to: path)
                let report = try test.check()
                #expect(names(report, path), "\(path) \(offset)")
                if path.hasPrefix("tile") {
                    #expect(report.findings.map(\.offset) == [offset / 32 * 32], "\(path) \(offset)")
                }
                if !path.hasPrefix("entries") { #expect(try !test.check(withKey: false).isSound, "\(path) \(offset)") }
            }
            try test.write(octets, to: path)
        }
        #expect(try test.check().isSound)
    }

    @Test("every file that is missing, cut off or too long is found")
    func missingFiles() throws {
        let test = try TestLedger()
        _ = try test.make(size: 700, group: 350)
        for path in try test.paths() {
            let octets = try test.read(path)
            try test.remove(path)
            #expect(names(try test.check(), path), "\(path)")
            for other in [[], Array(octets.dropLast()), octets + [0], octets + octets] {
                try test.write(other, to: path)
                #expect(names(try test.check(), path), "\(path), \(other.count)")
            }
            try test.write(octets, to: path)
        }
        #expect(try test.check().isSound)
    }

    @Test("without the key the signed root tells which of two tiles is wrong")
    func blame() throws {
        let test = try TestLedger()
        _ = try test.make(size: 700)
        for (path, offset) in [("tile/0/001", 320), ("tile/1/000.p/2", 32), ("tile/0/002.p/188", 0)] {
            let octets = try test.read(path)
            var other = octets
            other[offset] ^= 1
            try test.write(other, to: path)
            let report = try test.check(withKey: false)
            #expect(report.findings.map(\.path) == [path])
            try test.write(octets, to: path)
        }
    }

    @Test("a wider tile stands in for the one of the checkpoint's width, a torn one does not")
    func widerTile() throws {
        let test = try TestLedger()
        _ = try test.make(size: 700)
        let octets = try test.read("tile/0/002.p/188")
        try test.remove("tile/0/002.p/188")
        try test.write(octets + [UInt8](repeating: 1, count: 32), to: "tile/0/002.p/189")
        #expect(try test.check(withKey: false).isSound)
        try test.write(octets, to: "tile/0/002.p/189")
        #expect(try test.check(withKey: false).findings.map(\.kind) == [.wrongLength])
    }

    @Test("bundles of another place, key or archive do not open")
    func swappedBundles() throws {
        let test = try TestLedger()
        _ = try test.make(size: 600)
        let (first, second) = (try test.read("entries/000"), try test.read("entries/001"))
        try test.write(second, to: "entries/000")
        try test.write(first, to: "entries/001")
        #expect(try test.check().findings.map(\.kind) == [.doesNotOpen, .doesNotOpen])
        #expect(try test.check(withKey: false).isSound)
        for key in [
            BundleKey(key: [UInt8](repeating: 8, count: 32), archive: test.archive, codec: nil),
            BundleKey(
                key: [UInt8](repeating: 7, count: 32), archive: try #require(RandomID(hex: LeafTests.hex32)), codec: nil
            ),
        ] {
            let report = try Ledger.check(
                directory: test.log, origin: test.origin, publicKey: test.publicKey, bundleKey: key)
            #expect(report.findings.filter { $0.kind == .doesNotOpen }.count == 3)
        }
    }

    @Test("swapped tiles are found")
    func swappedTiles() throws {
        let test = try TestLedger()
        _ = try test.make(size: 600)
        let (first, second) = (try test.read("tile/0/000"), try test.read("tile/0/001"))
        try test.write(second, to: "tile/0/000")
        try test.write(first, to: "tile/0/001")
        #expect(try test.check(withKey: false).findings.map(\.path) == ["tile/0/000", "tile/0/001"])
        #expect(try test.check().findingCount == 512)
    }

    @Test("a kept note of a tree that is gone is named: rolled back, or of another history")
    func keptNotes() throws {
        let test = try TestLedger()
        _ = try test.make(size: 300, group: 50, keeping: true)
        let other = try TestLedger()
        var ledger = try other.open()
        try ledger.append((0..<100).map { TestLedger.leaf($0, salt: 1).text })
        try ledger.publish(signingSeed: other.seed, keeping: true)
        try test.write(try other.read("checkpoints/100"), to: "checkpoints/100")
        #expect(
            try test.check(withKey: false).findings.map(\.description) == [
                "checkpoints/100: does not lead to the signed root"
            ])
        try test.write(try test.read("checkpoints/50"), to: "checkpoint")
        let report = try test.check(withKey: false)
        #expect(
            report.findings.filter { $0.kind == .rolledBack }.map(\.path)
                == ["checkpoint"]
                + [300, 250, 200, 150, 100].map {
                    "checkpoints/\($0)"
                })
        try test.write(try test.read("checkpoints/50"), to: "checkpoints/60")
        #expect(try test.check().findings.contains { $0.path == "checkpoints/60" && $0.kind == .notACheckpoint })
    }

    @Test("the key of another log, or another origin, has signed nothing here")
    func otherLog() throws {
        let test = try TestLedger()
        _ = try test.make(size: 10)
        let otherKey = try Ledger.check(
            directory: test.log, origin: test.origin, publicKey: [UInt8](repeating: 3, count: 32))
        #expect(otherKey.findings.map(\.kind) == [.badSignature])
        let otherOrigin = try Ledger.check(directory: test.log, origin: "mailarc/0", publicKey: test.publicKey)
        #expect(otherOrigin.findings.map(\.kind) == [.notACheckpoint])
        try test.remove("checkpoint")
        #expect(try test.check().findings.map(\.description) == ["checkpoint: is missing"])
    }
}
