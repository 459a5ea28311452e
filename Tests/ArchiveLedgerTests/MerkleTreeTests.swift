import ArchiveLedger
import MailCore
import Testing

@Suite("The Merkle tree")
struct MerkleTreeTests {
    /// The inputs and roots of the Certificate Transparency reference implementation.
    static let inputs = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ]
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    static func hash(_ hex: String) throws -> MerkleHash {
        try #require([UInt8](hex: hex).flatMap { MerkleHash(octets: $0) })
    }

    static func vectorLeaves() throws -> [MerkleHash] {
        try inputs.map { .leaf(try #require([UInt8](hex: $0))) }
    }

    @Test("the root of each published tree comes out", arguments: 0...8)
    func publishedRoots(size: Int) throws {
        var frontier = MerkleFrontier()
        for leaf in try Self.vectorLeaves()[..<size] { frontier.append(leaf) }
        #expect(frontier.root.description == Self.roots[size])
        #expect(frontier.size == UInt64(size))
    }

    @Test("published inclusion proofs verify")
    func publishedInclusion() throws {
        let leaves = try Self.vectorLeaves()
        let path = try [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", Self.roots[4],
        ].map(Self.hash)
        let root = try Self.hash(Self.roots[8])
        #expect(MerkleProof.verifyInclusion(of: leaves[5], at: 5, in: 8, root: root, path: path))
        #expect(!MerkleProof.verifyInclusion(of: leaves[5], at: 4, in: 8, root: root, path: path))
        #expect(!MerkleProof.verifyInclusion(of: leaves[4], at: 5, in: 8, root: root, path: path))
        let short = [try Self.hash(Self.roots[2])]
        #expect(
            MerkleProof.verifyInclusion(of: leaves[2], at: 2, in: 3, root: try Self.hash(Self.roots[3]), path: short))
    }

    @Test("published consistency proofs verify")
    func publishedConsistency() throws {
        let path = try [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0", Self.roots[4],
        ].map(Self.hash)
        let (old, new) = (try Self.hash(Self.roots[6]), try Self.hash(Self.roots[8]))
        #expect(MerkleProof.verifyConsistency(from: 6, oldRoot: old, to: 8, newRoot: new, path: path))
        #expect(!MerkleProof.verifyConsistency(from: 5, oldRoot: old, to: 8, newRoot: new, path: path))
        #expect(!MerkleProof.verifyConsistency(from: 6, oldRoot: new, to: 8, newRoot: new, path: path))
        #expect(!MerkleProof.verifyConsistency(from: 6, oldRoot: old, to: 8, newRoot: new, path: []))
    }

    @Test("the frontier equals the recursive definition up to 600 leaves and completes tiles")
    func frontierEqualsDefinition() {
        let leaves = (0..<600).map { MerkleHash.leaf([UInt8($0 & 255), UInt8($0 >> 8)]) }
        var frontier = MerkleFrontier()
        var completed: [MerkleHash] = []
        for (index, leaf) in leaves.enumerated() {
            frontier.append(leaf) { level, root in
                #expect(level == 1)
                completed.append(root)
            }
            if index % 37 == 0 || index > 590 {
                #expect(frontier.root == ReferenceTree.root(leaves[...index]))
            }
        }
        #expect(completed == [ReferenceTree.root(leaves[..<256]), ReferenceTree.root(leaves[256..<512])])
    }

    @Test("a frontier needs one peak for each bit of its size")
    func frontierPeaks() throws {
        let leaves = try Self.vectorLeaves()
        let peaks = [ReferenceTree.root(leaves[..<4]), ReferenceTree.root(leaves[4..<6]), leaves[6]]
        #expect(MerkleFrontier(size: 7, peaks: peaks)?.root.description == Self.roots[7])
        #expect(MerkleFrontier(size: 6, peaks: peaks) == nil)
    }
}

@Suite("Proofs from tiles")
struct ProofTests {
    @Test("every pair of sizes up to 70 is consistent, and every changed proof is refused")
    func allConsistencyPairs() throws {
        let test = try TestLedger()
        let ledger = try test.make(size: 70, group: 7)
        let leaves = TestLedger.leaves(0..<70).map { MerkleHash.leaf($0) }
        for new in 1...70 {
            let newRoot = ReferenceTree.root(leaves[..<new])
            #expect(try ledger.root(at: UInt64(new)) == newRoot)
            for old in 0...new {
                let oldRoot = ReferenceTree.root(leaves[..<old])
                let path = try ledger.consistencyProof(from: UInt64(old), to: UInt64(new))
                if old > 0 { #expect(path == ReferenceTree.consistency(old, leaves[..<new]), "\(old), \(new)") }
                func verify(_ path: [MerkleHash], _ oldRoot: MerkleHash, _ newRoot: MerkleHash) -> Bool {
                    MerkleProof.verifyConsistency(
                        from: UInt64(old), oldRoot: oldRoot, to: UInt64(new), newRoot: newRoot, path: path)
                }
                #expect(verify(path, oldRoot, newRoot), "\(old), \(new)")
                guard old > 0 else { continue }
                #expect(!verify(path + [newRoot], oldRoot, newRoot))
                #expect(!verify(path, oldRoot, leaves[0]) || new == 1)
                #expect(!verify(path, .empty, newRoot))
                for index in path.indices {
                    var other = path
                    other[index] = .empty
                    #expect(!verify(other, oldRoot, newRoot), "\(old), \(new), \(index)")
                    other = path
                    other.remove(at: index)
                    #expect(!verify(other, oldRoot, newRoot), "\(old), \(new), \(index)")
                }
            }
        }
    }

    @Test("every leaf of every tree up to 40 is included, and nothing else", arguments: 1...40)
    func allInclusions(size: Int) throws {
        let test = try TestLedger()
        let ledger = try test.make(size: UInt64(size))
        let leaves = TestLedger.leaves(0..<UInt64(size)).map { MerkleHash.leaf($0) }
        for index in 0..<size {
            let path = try ledger.inclusionProof(of: UInt64(index))
            #expect(path == ReferenceTree.inclusion(index, leaves[...]))
            func verify(_ leaf: MerkleHash, _ index: Int, _ path: [MerkleHash]) -> Bool {
                MerkleProof.verifyInclusion(
                    of: leaf, at: UInt64(index), in: UInt64(size), root: ledger.root, path: path)
            }
            #expect(verify(leaves[index], index, path))
            #expect(!verify(.empty, index, path))
            #expect(!verify(leaves[index], index + 1, path))
            #expect(!verify(leaves[index], index, path + [.empty]))
            if !path.isEmpty { #expect(!verify(leaves[index], index, Array(path.dropLast()))) }
        }
    }

    @Test("proofs over several levels of tiles verify, without the bundle key")
    func highTrees() throws {
        let test = try TestLedger()
        let size: UInt64 = 66_000
        _ = try test.make(size: size, group: 9_000)
        let ledger = try test.open(withKey: false)
        #expect(ledger.size == size)
        for index in [0, 255, 256, 40_000, 65_535, 65_536, size - 1] as [UInt64] {
            let path = try ledger.inclusionProof(of: index)
            let leaf = MerkleHash.leaf(TestLedger.leaf(index).text)
            #expect(try ledger.leafHash(at: index) == leaf)
            #expect(MerkleProof.verifyInclusion(of: leaf, at: index, in: size, root: ledger.root, path: path))
        }
        for old in [1, 256, 300, 65_536, 65_999] as [UInt64] {
            let path = try ledger.consistencyProof(from: old)
            let oldRoot = try ledger.root(at: old)
            #expect(
                MerkleProof.verifyConsistency(
                    from: old, oldRoot: oldRoot, to: size, newRoot: ledger.root, path: path))
        }
        #expect(try test.check().isSound)
        #expect(try test.check().bundleCount == 258)
    }

    @Test("a proof beyond the tree is refused")
    func outOfRange() throws {
        let test = try TestLedger()
        let ledger = try test.make(size: 3)
        #expect { try ledger.inclusionProof(of: 3) } throws: { ($0 as? LedgerError)?.kind == .outOfRange }
        #expect { try ledger.consistencyProof(from: 2, to: 4) } throws: { ($0 as? LedgerError)?.kind == .outOfRange }
        #expect { try ledger.consistencyProof(from: 3, to: 2) } throws: { ($0 as? LedgerError)?.kind == .outOfRange }
    }
}
