import ArchiveLedger
import MailCore
import Testing

@Suite("A ledger after a crash")
struct LedgerRecoveryTests {
    /// Synced at 300; then two groups published to 650 and not synced.
    private func unsynced(_ test: TestLedger) throws -> MerkleHash {
        var ledger = try test.make(size: 300)
        for range in [300..<500, 500..<650] as [Range<UInt64>] {
            try ledger.append(TestLedger.leaves(range))
            try ledger.publish(signingSeed: test.seed)
        }
        return ledger.root
    }

    private func expectWhole(_ test: TestLedger, root: MerkleHash) throws {
        var ledger = try test.open()
        try ledger.append(TestLedger.leaves(300..<650))
        #expect(ledger.size == 650)
        #expect(ledger.root == root)
        try ledger.publish(signingSeed: test.seed)
        try ledger.sync()
        #expect(ledger.defects.isEmpty)
        #expect(try test.check().findings == [])
        #expect(
            try test.paths() == [
                "checkpoint", "entries/000", "entries/001", "entries/002.p/138", "tile/0/000", "tile/0/001",
                "tile/0/002.p/138", "tile/1/000.p/2",
            ])
    }

    enum Damage: String, CaseIterable, Sendable { case gone, empty, cut, zeros }

    @Test(
        "each file that was not synced may be torn in any way, and the journal's leaves make it whole",
        arguments: Damage.allCases)
    func eachFileTorn(_ damage: Damage) throws {
        let names = [
            "checkpoint", "entries/001", "entries/002.p/138", "tile/0/001", "tile/0/002.p/138", "tile/1/000.p/2",
        ]
        for set in names.map({ [$0] }) + [names, Array(names[1...]), Array(names[1...3])] {
            let test = try TestLedger()
            let root = try unsynced(test)
            for path in set {
                let octets = try test.read(path)
                switch damage {
                case .gone: try test.remove(path)
                case .empty: try test.write([], to: path)
                case .cut: try test.write(Array(octets[..<(octets.count / 2)]), to: path)
                case .zeros: try test.write([UInt8](repeating: 0, count: octets.count), to: path)
                }
            }
            try expectWhole(test, root: root)
        }
    }

    @Test("temporary files and an older checkpoint do no harm")
    func olderCheckpoint() throws {
        let test = try TestLedger()
        _ = try test.make(size: 300)
        let old = try test.read("checkpoint")
        var ledger = try test.open()
        try ledger.append(TestLedger.leaves(300..<650))
        try ledger.publish(signingSeed: test.seed)
        let root = ledger.root
        try test.write(old, to: "checkpoint")
        try test.write([1], to: "tile/0/002.p/138.tmp")
        #expect(try test.open().size == 650)
        try test.remove("tile/0/002.p/138.tmp")
        try expectWhole(test, root: root)
    }

    @Test("the size after truncation is that of the whole files, and no publishing happens before they are back")
    func truncation() throws {
        let test = try TestLedger()
        let root = try unsynced(test)
        try test.write(Array(try test.read("tile/0/002.p/138")[..<320]), to: "tile/0/002.p/138")
        var ledger = try test.open()
        #expect(ledger.size == 512)
        #expect(ledger.defects.count == 1)
        #expect { try ledger.publish(signingSeed: test.seed) } throws: { ($0 as? LedgerError)?.kind == .diverged }
        try ledger.append(TestLedger.leaves(512..<600))
        #expect { try ledger.publish(signingSeed: test.seed) } throws: { ($0 as? LedgerError)?.kind == .diverged }
        try expectWhole(test, root: root)
    }

    @Test("other leaves than the signed ones are refused even where the files are torn")
    func divergence() throws {
        let test = try TestLedger()
        _ = try unsynced(test)
        for path in ["entries/002.p/138", "tile/0/002.p/138"] { try test.remove(path) }
        var ledger = try test.open()
        let forged = (512..<650).map { TestLedger.leaf($0, salt: 1).text }
        #expect { try ledger.append(forged) } throws: { ($0 as? LedgerError)?.kind == .diverged }
        #expect(ledger.size == 512)
        #expect(try test.paths().contains("tile/0/002.p/138") == false)
    }

    @Test("a wrong hash in a tile above is noticed on opening")
    func wrongUpperTile() throws {
        let test = try TestLedger()
        _ = try test.make(size: 650)
        var octets = try test.read("tile/1/000.p/2")
        octets[40] ^= 1
        try test.write(octets, to: "tile/1/000.p/2")
        var ledger = try test.open()
        #expect(ledger.defects.map(\.kind) == [.diverged])
        #expect { try ledger.append(TestLedger.leaves(650..<651)) } throws: { ($0 as? LedgerError)?.kind == .diverged }
        #expect { try ledger.publish(signingSeed: test.seed) } throws: { ($0 as? LedgerError)?.kind == .diverged }
        // Its leaves are whole: appending them all again puts the tile right.
        try ledger.append(TestLedger.leaves(0..<650), durable: true)
        #expect(try test.check().isSound)
    }

    @Test("a missing tile above is made again from those below")
    func missingUpperTile() throws {
        let test = try TestLedger()
        _ = try test.make(size: 650)
        try test.remove("tile/1/000.p/2")
        var ledger = try test.open()
        #expect(ledger.defects.isEmpty && ledger.size == 650)
        try ledger.append(TestLedger.leaves(650..<651))
        try ledger.publish(signingSeed: test.seed)
        try ledger.sync()
        #expect(try test.check().isSound)
    }
}
