import ArchiveLedger
import Foundation
import MailCore
import Testing

@Suite("Appending to a ledger")
struct LedgerAppendTests {
    static func kind(_ error: any Error) -> LedgerError.Kind? { (error as? LedgerError)?.kind }

    @Test("any grouping gives the same tree and the same clear files")
    func grouping() throws {
        var roots: Set<MerkleHash> = []
        var clear: Set<[String: [UInt8]]> = []
        for group in [1, 7, 100, 255, 256, 257, 700] as [UInt64] {
            let test = try TestLedger()
            let ledger = try test.make(size: 700, group: group)
            #expect(ledger.size == 700)
            roots.insert(ledger.root)
            var files: [String: [UInt8]] = [:]
            for path in try test.paths() where !path.hasPrefix("entries") { files[path] = try test.read(path) }
            clear.insert(files)
            #expect(
                try test.paths() == [
                    "checkpoint", "entries/000", "entries/001", "entries/002.p/188", "tile/0/000", "tile/0/001",
                    "tile/0/002.p/188", "tile/1/000.p/2",
                ])
            #expect(try test.check().findings == [])
        }
        #expect(roots.count == 1)
        #expect(clear.count == 1)
    }

    @Test("what was appended is read back, from any leaf on, by another process's eyes")
    func readBack() throws {
        let test = try TestLedger()
        _ = try test.make(size: 600, group: 99)
        let ledger = try test.open()
        #expect(ledger.defects.isEmpty)
        for start in [0, 1, 255, 256, 511, 599, 600] as [UInt64] {
            var reader = ledger.leaves(from: start)
            var index = start
            while let leaf = try reader.next() {
                #expect(leaf.index == index)
                #expect(leaf.text == TestLedger.leaf(index).text)
                index += 1
            }
            #expect(index == 600)
        }
        var blind = try test.open(withKey: false).leaves()
        #expect { try blind.next() } throws: { Self.kind($0) == .keyMissing }
    }

    @Test("appending the same leaves again changes nothing, whatever the range")
    func idempotent() throws {
        let test = try TestLedger()
        var ledger = try test.make(size: 600, group: 64)
        let root = ledger.root
        let before = try test.paths().map { try test.read($0) }
        for range in [0..<600, 0..<1, 599..<600, 200..<300, 256..<512, 512..<600] as [Range<UInt64>] {
            try ledger.append(TestLedger.leaves(range), durable: true)
            #expect(ledger.size == 600)
            #expect(ledger.root == root)
            try ledger.publish(signingSeed: test.seed)
        }
        #expect(try test.paths().map { try test.read($0) } == before)
        try ledger.append(TestLedger.leaves(590..<610))
        #expect(ledger.size == 610)
        try ledger.publish(signingSeed: test.seed)
        try ledger.sync()
        #expect(try test.check().isSound)
    }

    @Test("what does not fit is refused, and the ledger is as before")
    func refusals() throws {
        let test = try TestLedger()
        var ledger = try test.make(size: 300)
        let root = ledger.root
        let other = [TestLedger.leaf(299, salt: 1).text]
        #expect { try ledger.append(other) } throws: { Self.kind($0) == .conflict }
        #expect { try ledger.append(TestLedger.leaves(301..<302)) } throws: { Self.kind($0) == .gap }
        let twice = TestLedger.leaves(300..<301) + TestLedger.leaves(300..<301)
        #expect { try ledger.append(twice) } throws: { Self.kind($0) == .invalidLeaf }
        #expect { try ledger.append([[1, 2, 3]]) } throws: { Self.kind($0) == .invalidLeaf }
        #expect(ledger.size == 300)
        #expect(ledger.root == root)
        var blind = try test.open(withKey: false)
        #expect { try blind.append(TestLedger.leaves(300..<301)) } throws: { Self.kind($0) == .keyMissing }
    }

    @Test("a seed of another key signs nothing")
    func wrongSeed() throws {
        let test = try TestLedger()
        var ledger = try test.open()
        try ledger.append(TestLedger.leaves(0..<3))
        let seed = [UInt8](repeating: 1, count: 32)
        #expect { try ledger.publish(signingSeed: seed) } throws: { Self.kind($0) == .wrongSigningKey }
        #expect(try test.paths().contains("checkpoint") == false)
    }

    @Test("an empty tree can be published and opened")
    func emptyTree() throws {
        let test = try TestLedger()
        var ledger = try test.open()
        #expect(ledger.size == 0 && ledger.root == .empty)
        #expect(try test.check().isSound)
        try ledger.publish(signingSeed: test.seed, keeping: true)
        try ledger.sync()
        #expect(try test.check().isSound)
        #expect(try test.open().published?.checkpoint.root == .empty)
    }

    @Test("a partial file that was synced stays until the wider one is synced and signed")
    func partialFilesStay() throws {
        let test = try TestLedger()
        var ledger = try test.make(size: 300)
        for size in [310, 320] as [UInt64] {
            try ledger.append(TestLedger.leaves(ledger.size..<size))
            try ledger.publish(signingSeed: test.seed)
        }
        let partial = try test.paths().filter { $0.hasPrefix("tile/0/001.p") || $0.hasPrefix("entries/001.p") }
        #expect(partial == ["entries/001.p/44", "entries/001.p/64", "tile/0/001.p/44", "tile/0/001.p/64"])
        try ledger.sync()
        #expect(try test.paths().filter { $0.hasSuffix(".p/44") } == [])
        try ledger.append(TestLedger.leaves(320..<600))
        try ledger.publish(signingSeed: test.seed)
        #expect(try test.paths().contains("tile/0/001.p/64"))
        try ledger.sync()
        #expect(try test.paths().contains { $0.contains("001.p") } == false)
        #expect(FileManager.default.fileExists(atPath: test.log + "/tile/0/001.p") == false)
    }

    @Test("full bundles go through the codec and back; without it the method is named")
    func codec() throws {
        let test = try TestLedger()
        let (phrase, token) = (Array("mailarc-leaf/1\nseq ".utf8), Array([0xFF] as [UInt8]))
        // Shorter and with an inverse, which is all the ledger asks: no test leaf holds an octet FF.
        let codec = BundleCodec(
            deflate: { $0.replacing(phrase, with: token) },
            inflate: { octets, count in
                let inflated = octets.replacing(token, with: phrase)
                return inflated.count == count ? inflated : nil
            })
        let key = BundleKey(key: [UInt8](repeating: 7, count: 32), archive: test.archive, codec: codec)
        var ledger = try Ledger.open(
            directory: test.log, origin: test.origin, publicKey: test.publicKey, bundleKey: key)
        try ledger.append(TestLedger.leaves(0..<300))
        try ledger.publish(signingSeed: test.seed)
        let plain = try #require(EntryBundle(leaves: TestLedger.leaves(0..<256))).octets.count
        #expect(try test.read("entries/000").count == plain - 256 * (phrase.count - 1) + 24 + 5 + 16)
        var reader = ledger.leaves()
        while let leaf = try reader.next() { #expect(leaf.text == TestLedger.leaf(leaf.index).text) }
        let report = try Ledger.check(
            directory: test.log, origin: test.origin, publicKey: test.publicKey, bundleKey: key)
        #expect(report.isSound && report.bundleCount == 2)
        var poor = try test.open().leaves()
        #expect { try poor.next() } throws: { Self.kind($0) == .keyMissing }
    }
}
