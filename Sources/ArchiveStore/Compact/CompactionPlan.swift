/// Which packs are worth to be written anew.
public struct CompactionOptions: Sendable {
    /// A pack is rewritten when more than this share of its octets, 0 to 1, is dead.
    public var minimumDeadShare = 0.05
    /// What new packs hold at most, unless one old pack's blobs are more.
    public var packTarget: UInt64 = WriterOptions().packTarget
    /// Told how many of how many packs are replaced, and how many octets were copied for it.
    public var progress: (@Sendable (_ done: Int, _ total: Int, _ octetCount: UInt64) -> Void)?

    public init() {}
}

/// Decides what a compaction does; reads nothing, changes nothing.
///
/// A pack is taken when it holds a blob without a key (always: after a compaction no octet of anything erased is left),
/// when more than the wanted share of it is dead, or when it is sealed and smaller than a quarter of the target and finds
/// company. What lives of the taken packs is shared out, first fit, over new packs of at most the target each; so of two
/// new packs at most one is smaller than a quarter of it, and a second compaction finds nothing to do.
public struct CompactionPlan: Sendable, Hashable {
    /// Why a pack is replaced.
    public enum Reason: String, Sendable, Hashable, Codable, CaseIterable {
        /// It holds blobs whose keys are gone.
        case erased
        /// Too much of it is dead.
        case dead
        /// It is small, and so are others.
        case small
    }

    public struct Candidate: Sendable, Hashable {
        public var pack: PackSummary
        public var reason: Reason
    }

    /// LIMIT: a quarter of the target; merging larger ones would copy much to save a few files.
    static let smallShare: UInt64 = 4

    /// The packs to be replaced, in the order of ``ArchiveContents/packs``.
    public let candidates: [Candidate]
    /// What goes into one new pack each, or is only removed: indices of ``candidates``.
    let groups: [[Int]]

    public init(_ packs: [PackSummary], _ options: CompactionOptions) {
        let smallLength = options.packTarget / Self.smallShare
        var found: [Candidate] = []
        for pack in packs {
            if pack.erasedBlobCount > 0 {
                found.append(Candidate(pack: pack, reason: .erased))
            } else if Double(pack.deadOctetCount) > options.minimumDeadShare * Double(pack.octetCount) {
                found.append(Candidate(pack: pack, reason: .dead))
            } else if case .sealed = pack.place, pack.octetCount < smallLength {
                found.append(Candidate(pack: pack, reason: .small))
            }
        }
        var groups = Self.share(found, target: options.packTarget)
        groups.removeAll { $0.count == 1 && found[$0[0]].reason == .small }
        let taken = groups.joined().sorted()
        let numbers = Dictionary(uniqueKeysWithValues: zip(taken, 0...))
        candidates = taken.map { found[$0] }
        self.groups = groups.map { $0.compactMap { numbers[$0] } }
    }

    /// First fit in the given order; packs of which nothing lives are a group of their own.
    private static func share(_ found: [Candidate], target: UInt64) -> [[Int]] {
        var groups: [(members: [Int], live: UInt64)] = []
        var empty: [Int] = []
        for (index, candidate) in found.enumerated() {
            let live = candidate.pack.liveOctetCount
            if live == 0 {
                empty.append(index)
            } else if let fit = groups.firstIndex(where: { $0.live + live <= target }) {
                groups[fit].members.append(index)
                groups[fit].live += live
            } else {
                groups.append(([index], live))
            }
        }
        return (empty.isEmpty ? [] : [empty]) + groups.map(\.members)
    }

    /// Octets of the packs' files now.
    public var octetCount: UInt64 { candidates.reduce(0) { $0 + $1.pack.octetCount } }
    /// What is copied into new packs.
    public var liveOctetCount: UInt64 { candidates.reduce(0) { $0 + $1.pack.liveOctetCount } }
    /// What is not.
    public var deadOctetCount: UInt64 { candidates.reduce(0) { $0 + $1.pack.deadOctetCount } }
    public var erasedOctetCount: UInt64 { candidates.reduce(0) { $0 + $1.pack.erasedOctetCount } }
    /// What each new pack will hold, without its header and footer.
    package var newPackSizes: [UInt64] {
        groups.map { $0.reduce(0) { $0 + candidates[$1].pack.liveOctetCount } }.filter { $0 > 0 }
    }
    public var newPackCount: Int { newPackSizes.count }

    /// Open packs among them: sealed before they are replaced.
    var openCandidates: [Candidate] {
        candidates.filter { if case .open = $0.pack.place { true } else { false } }
    }
}
