import ArchiveStore
import MailCore
import Testing

/// What a compaction takes, and how it shares it out.
@Suite struct CompactionPlanTests {
    /// A pack of `octets`, of which `dead` are dead and `erased` of those are of `blobs` erased blobs.
    struct Pack: Sendable {
        var octets: UInt64
        var dead: UInt64 = 0
        var erased: UInt64 = 0
        var blobs = 0
        var isOpen = false
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var packs: [Pack]
        var minimum = 0.05
        /// Numbers of the packs taken, and why.
        var taken: [(Int, CompactionPlan.Reason)] = []
        var newPacks = 0
    }

    static let cases = [
        Case(testDescription: "nothing of nothing", packs: []),
        Case(testDescription: "a full pack without a hole stays", packs: [Pack(octets: 1_000)]),
        Case(
            testDescription: "a hole up to the threshold stays, one over it goes",
            packs: [Pack(octets: 1_000, dead: 50), Pack(octets: 1_000, dead: 51)], taken: [(1, .dead)], newPacks: 1),
        Case(
            testDescription: "anything erased goes, however little",
            packs: [Pack(octets: 1_000, dead: 1, erased: 1, blobs: 1)], minimum: 1, taken: [(0, .erased)],
            newPacks: 1),
        Case(testDescription: "a small pack stays alone", packs: [Pack(octets: 100), Pack(octets: 1_000)]),
        Case(
            testDescription: "small packs go together",
            packs: [Pack(octets: 100), Pack(octets: 1_000), Pack(octets: 90)],
            taken: [(0, .small), (2, .small)], newPacks: 1),
        Case(
            testDescription: "a small pack fills up what another leaves",
            packs: [Pack(octets: 1_000, dead: 500), Pack(octets: 100)], taken: [(0, .dead), (1, .small)], newPacks: 1),
        Case(
            testDescription: "where nothing lives nothing is written",
            packs: [Pack(octets: 1_000, dead: 1_000, erased: 900, blobs: 3), Pack(octets: 1_000, dead: 1_000)],
            taken: [(0, .erased), (1, .dead)], newPacks: 0),
        Case(
            testDescription: "an open pack goes for what is dead, never for being small",
            packs: [
                Pack(octets: 100, isOpen: true), Pack(octets: 100, isOpen: true),
                Pack(octets: 100, dead: 10, isOpen: true),
            ], taken: [(2, .dead)], newPacks: 1),
        Case(
            testDescription: "a pack over the target is written anew by itself",
            packs: [Pack(octets: 9_000, dead: 900), Pack(octets: 200), Pack(octets: 300, dead: 200)],
            taken: [(0, .dead), (1, .small), (2, .dead)], newPacks: 2),
    ]

    private func plan(_ packs: [Pack], minimum: Double) -> CompactionPlan {
        var options = CompactionOptions()
        (options.minimumDeadShare, options.packTarget) = (minimum, 1_000)
        return CompactionPlan(packs.enumerated().map { summary($1, $0) }, options)
    }

    private func summary(_ pack: Pack, _ number: Int) -> PackSummary {
        let id = RandomID(octets: [UInt8](repeating: UInt8(number), count: 16))
        let name = [UInt8](repeating: UInt8(number), count: 32)
        guard let id else { preconditionFailure("16 octets make an id") }
        return PackSummary(
            place: pack.isOpen ? .open(id) : .sealed(id, digest: name), sequence: UInt64(number + 1),
            octetCount: pack.octets, blobCount: 10, liveOctetCount: pack.octets - pack.dead, deadOctetCount: pack.dead,
            erasedBlobCount: pack.blobs, erasedOctetCount: pack.erased)
    }

    @Test(arguments: cases) func `a plan takes what it must`(_ example: Case) {
        let plan = plan(example.packs, minimum: example.minimum)
        #expect(plan.candidates.map { Int($0.pack.sequence) - 1 } == example.taken.map(\.0))
        #expect(plan.candidates.map(\.reason) == example.taken.map(\.1))
        #expect(plan.newPackCount == example.newPacks)
    }

    @Test func `a plan made of what a plan leaves is empty`() {
        var seeded = Seeded(5)
        for _ in 0..<200 {
            let packs = (0..<Int.random(in: 1...40, using: &seeded)).map { _ in
                let octets = UInt64.random(in: 1...1_200, using: &seeded)
                let dead = Bool.random(using: &seeded) ? 0 : UInt64.random(in: 0...octets, using: &seeded)
                return Pack(octets: octets, dead: dead, erased: dead / 2, blobs: Int(dead % 3))
            }
            let first = plan(packs, minimum: 0.05)
            var left = packs.enumerated().filter { number, _ in
                !first.candidates.contains { Int($0.pack.sequence) == number + 1 }
            }.map(\.element)
            left += first.newPackSizes.map { Pack(octets: $0) }
            #expect(plan(left, minimum: 0.05).candidates.isEmpty, "\(packs)")
        }
    }
}
