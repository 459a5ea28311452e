import ArchiveCrypto
import MailCore
import Testing

/// What a later or a damaged file could hold is refused, never passed over (invariant I8).
@Suite struct StrictnessTests {
    private func record(isErased: Bool = false) throws -> VaultRecord {
        VaultRecord(
            keyID: try #require(RandomID(octets: counting(0xB0, 16))),
            dek: isErased ? repeating(0, 32) : counting(0x20, 32), kind: isErased ? 0 : 2, isErased: isErased,
            day: isErased ? 0 : 20_780, ledgerIndex: isErased ? 0 : 617)
    }

    @Test("a vault record with an unknown flag or a reserved octet is refused")
    func recordFields() throws {
        let octets = try record().octets
        #expect(VaultRecord.parse(octets) == [try record()])
        for flags in UInt8(1)...255 {
            var other = octets
            other[49] = flags
            #expect(VaultRecord.parse(other) == nil, "flags \(flags)")
        }
        for index in [50, 51] {
            var other = octets
            other[index] = 1
            #expect(VaultRecord.parse(octets + other) == nil, "octet \(index)")
        }
        #expect(VaultRecord.parse(Array(octets.dropLast())) == nil)
    }

    @Test("an erased record holds its key id, flag 1 and zeros, and nothing else")
    func erased() throws {
        let octets = try record(isErased: true).octets
        #expect(octets == counting(0xB0, 16) + repeating(0, 33) + [1] + repeating(0, 14))
        #expect(VaultRecord.parse(octets) == [try record(isErased: true)])
        for index in 16..<64 {
            var other = octets
            other[index] ^= 2
            #expect(VaultRecord.parse(other) == nil, "octet \(index)")
        }
        var left = try record()
        left.isErased = true
        #expect(left.octets == octets, "erasing a record leaves nothing of it")
    }

    private func root() -> VaultRoot {
        VaultRoot(
            epoch: 0, revision: 1,
            shards: [
                .init(
                    number: 0, generation: 0, key: counting(1, 32), recordCount: 4_096, isSealed: true,
                    fileDigest: counting(9, 32)),
                .init(
                    number: 1, generation: 0, key: counting(2, 32), recordCount: 0, isSealed: false,
                    fileDigest: repeating(0, 32)),
            ], secrets: ["dict": counting(3, 32), "seed": counting(4, 32)])
    }

    @Test("a vault root with a reserved octet or an unknown state is refused")
    func rootFields() throws {
        let octets = root().octets
        #expect(try VaultRoot(parsing: octets).octets == octets)
        let shard = 32 + 96
        let reserved =
            [1, 2, 3] + Array(20..<32) + [shard + 45, shard + 46, shard + 47] + Array(shard + 48..<shard + 96)
        for index in reserved {
            var other = octets
            other[index] = 1
            #expect(throws: CryptoError.self, "octet \(index)") { try VaultRoot(parsing: other) }
        }
        for state in UInt8(2)...255 {
            var other = octets
            other[shard + 44] = state
            #expect(throws: CryptoError.self, "state \(state)") { try VaultRoot(parsing: other) }
        }
    }

    @Test("shards out of order, an open one before the last, or one over capacity are refused")
    func shards() {
        let changes: [(String, (inout VaultRoot) -> Void)] = [
            ("same number", { $0.shards[1].number = 0 }),
            ("two open", { ($0.shards[0].isSealed, $0.shards[0].fileDigest) = (false, repeating(0, 32)) }),
            ("too many", { $0.shards[0].recordCount = 4_097 }),
            ("open with a digest", { $0.shards[1].fileDigest = counting(1, 32) }),
        ]
        for (name, change) in changes {
            var other = root()
            change(&other)
            #expect(throws: CryptoError.self, "\(name)") { try VaultRoot(parsing: other.octets) }
        }
    }

    @Test("a secret given twice, without a name or with a name that is no text is refused")
    func secrets() {
        let octets = root().octets
        let names = 32 + 2 * 96
        var twice = octets
        twice.replaceSubrange(names + 38 + 1..<names + 38 + 5, with: Array("dict".utf8))
        #expect(throws: CryptoError.self) { try VaultRoot(parsing: twice) }
        var invalid = octets
        invalid[names + 1] = 0xFF
        #expect(throws: CryptoError.self) { try VaultRoot(parsing: invalid) }
        var more = octets
        more[16] = 3
        #expect(throws: CryptoError.self) { try VaultRoot(parsing: more + [0, 0]) }
    }

    private static let pointer = ["mailarc-vault/1", "epoch 7", "rev 9", "root " + SHA256.hash([]).hex]

    private func parse(_ lines: [String]) throws {
        _ = try VaultPointer(parsing: Array((lines.joined(separator: "\n") + "\n").utf8))
    }

    @Test("a text file with a line more, less, doubled, moved or misspelt is refused")
    func lines() throws {
        let good = Self.pointer
        try parse(good)
        for index in good.indices {
            var less = good
            less.remove(at: index)
            #expect(throws: CryptoError.self, "without \(good[index])") { try parse(less) }
            for line in ["later thing", "", " ", good[index]] {
                var more = good
                more.insert(line, at: index + 1)
                #expect(throws: CryptoError.self, "\(line) after \(good[index])") { try parse(more) }
            }
        }
        for other in ["epoch", "epoch ", "epoch +7", "epoch 07", "epoch -7", "epoch  7", "epoch 4294967296", "Epoch 7"]
        {
            #expect(throws: CryptoError.self, "\(other)") { try parse([good[0], other, good[2], good[3]]) }
        }
        #expect(throws: CryptoError.self) { try parse([good[0], good[2], good[1], good[3]]) }
        #expect(throws: CryptoError.self) { try parse(Array(good[..<3]) + [good[3].uppercased()]) }
        let unfinished = Array(good.joined(separator: "\n").utf8)
        #expect(throws: CryptoError.self) { try VaultPointer(parsing: unfinished) }
    }

    @Test("an empty value keeps its space")
    func emptyValue() throws {
        let archive = try #require(RandomID(octets: counting(0xA0, 16)))
        let keys = KeyHierarchy(rootKey: counting(0, 32), archiveID: archive)
        let slot = try KeySlot(wrapping: keys, kind: .plain, secret: [], label: "", created: "2026-11-23T02:31:17Z")
        let text = String(decoding: slot.octets, as: UTF8.self)
        #expect(text.contains("\nlabel \n"))
        #expect(try KeySlot(parsing: slot.octets).label.isEmpty)
        let without = Array(text.replacing("\nlabel \n", with: "\nlabel\n").utf8)
        #expect(throws: CryptoError.self) { try KeySlot(parsing: without) }
    }
}
