import MailCore
import Testing

@Suite("UID, UIDSet, ModSeq")
struct UIDTests {
    @Test("0 is no UID and no MODSEQ")
    func zeroIsRefused() {
        #expect(UID(0) == nil)
        #expect(UID(1)?.value == 1)
        #expect(UID.max.successor == nil)
        #expect(UID.min.predecessor == nil)
        #expect(ModSeq(0) == nil)
        #expect(ModSeq(UInt64(Int64.max) + 1) == nil)
        #expect(ModSeq(UInt64(Int64.max)) != nil)
    }

    struct SetCase: Sendable {
        var members: [UInt32]
        var text: String
    }

    @Test(
        "a set prints as sorted, merged ranges",
        arguments: [
            SetCase(members: [], text: ""), SetCase(members: [5], text: "5"), SetCase(members: [3, 1, 2], text: "1:3"),
            SetCase(members: [1, 3, 5, 4], text: "1,3:5"), SetCase(members: [7, 7, 7], text: "7"),
            SetCase(members: [.max, .max - 1], text: "4294967294:4294967295"),
        ])
    func printsRanges(_ row: SetCase) {
        let set = UIDSet(row.members.compactMap(UID.init))
        #expect(set.description == row.text)
        #expect(set.count == Set(row.members).count)
        #expect(Array(set.uids).map(\.value) == Set(row.members).sorted())
    }

    @Test("set algebra agrees with Set on random members", arguments: 0..<200)
    func algebraAgreesWithSet(seed: Int) {
        var generator = SplitMix(state: UInt64(seed))
        func random() -> [UInt32] {
            (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt32.random(in: 1...50, using: &generator) }
        }
        let (left, right) = (random(), random())
        let (a, b) = (UIDSet(left.compactMap(UID.init)), UIDSet(right.compactMap(UID.init)))
        func members(_ set: UIDSet) -> Set<UInt32> { Set(set.uids.map(\.value)) }
        #expect(members(a.union(b)) == Set(left).union(right))
        #expect(members(a.subtracting(b)) == Set(left).subtracting(right))
        #expect(members(a.intersection(b)) == Set(left).intersection(right))
        for value in UInt32(1)...50 {
            #expect(UID(value).map(a.contains) == left.contains(value))
        }
        var grown = UIDSet()
        for value in left { UID(value).map { grown.insert($0) } }
        #expect(grown == a)
    }

    @Test("a range with bound 0 is raised to 1, and the largest UID does not overflow")
    func boundsAreSafe() {
        #expect(UIDSet(ranges: [0...0]).isEmpty)
        #expect(UIDSet(ranges: [0...2]).description == "1:2")
        let all = UIDSet(ranges: [1...UInt32.max])
        #expect(all.union(UIDSet([UID.max])) == all)
        #expect(all.subtracting(UIDSet([UID.max])).description == "1:4294967294")
    }
}

/// A small seeded generator, so that a failure can be repeated.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
