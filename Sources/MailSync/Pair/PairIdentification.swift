internal import MailCore

/// Which messages must be read to know who is who: bodies are fetched only where two messages could be the same. Pure.
struct PairIdentification {
    /// A message whose octets are wanted.
    enum Wanted: Hashable {
        case fresh(Int)
        /// A message known on one side alone, as it was last seen.
        case link(Int)
    }

    /// A message known on one side alone.
    struct Single {
        var link: PairLink
        var side: PairSide
        var pair: Int
    }

    private(set) var wanted: [Wanted] = []

    /// - Parameter others: the fresh messages (positions) that may be the same as something else.
    init(_ situation: PairSituation, singles: [Single], others: Set<Int> = []) {
        let scope: (Int) -> Int = { situation.policy.adoptsAnywhere ? 0 : $0 }
        var sizes: [Place: Sizes] = [:]
        for message in situation.fresh {
            sizes[Place(.partners, message.side, scope(message.pair)), default: Sizes()].add(message.summary.octetCount)
        }
        for single in singles {
            let place = Place(.partners, single.side, scope(single.pair))
            sizes[place, default: Sizes()].add(single.link[single.side]?.octetCount ?? single.link.content?.octetCount)
        }
        Self.addPredecessors(situation, &sizes)
        for key in sizes.keys { sizes[key]?.sort() }
        func isWanted(_ size: Int?, _ side: PairSide, _ pair: Int, isFresh: Bool) -> Bool {
            if sizes[Place(.partners, side.other, scope(pair))]?.contains(size) ?? false { return true }
            guard isFresh else { return false }
            if side == .a, situation.policy.duplicates == .onlyFirst { return true }
            return sizes[Place(.predecessors, side, 0)]?.contains(size) ?? false
        }
        for (position, message) in situation.fresh.enumerated() where message.content == nil {
            if others.contains(position)
                || isWanted(message.summary.octetCount, message.side, message.pair, isFresh: true)
            {
                wanted.append(.fresh(position))
            }
        }
        for (position, single) in singles.enumerated() where single.link.content == nil {
            guard single.link[single.side]?.uid != nil else { continue }
            if isWanted(single.link[single.side]?.octetCount, single.side, single.pair, isFresh: false) {
                wanted.append(.link(position))
            }
        }
    }

    /// Messages that a fresh one of the same side may be under a new address.
    private static func addPredecessors(_ situation: PairSituation, _ sizes: inout [Place: Sizes]) {
        for touched in situation.links {
            let link = touched.link
            if let pending = link.pending {
                sizes[Place(.predecessors, pending.side, 0), default: Sizes()].add(link.content?.octetCount)
            }
            for side in PairSide.allCases {
                let isLost = touched.status[side] == .gone || touched.status[side] == .stale
                let isFreeTombstone = side == .a && link.state == .tombstone && link[side]?.uid == nil
                guard isLost || isFreeTombstone, link.content != nil else { continue }
                sizes[Place(.predecessors, side, 0), default: Sizes()].add(
                    link[side]?.octetCount ?? link.content?.octetCount)
            }
        }
    }

    private struct Place: Hashable {
        enum Kind { case partners, predecessors }
        var kind: Kind
        var side: PairSide
        var pair: Int

        init(_ kind: Kind, _ side: PairSide, _ pair: Int) { (self.kind, self.side, self.pair) = (kind, side, pair) }
    }

    private struct Sizes {
        private var values: [Int] = []
        private var hasUnknown = false

        mutating func add(_ size: Int?) {
            if let size { values.append(size) } else { hasUnknown = true }
        }
        mutating func sort() { values.sort() }

        func contains(_ size: Int?) -> Bool {
            guard let size, !hasUnknown else { return hasUnknown || !values.isEmpty }
            var low = 0
            var high = values.count
            while low < high {
                let middle = (low + high) / 2
                if values[middle] < size - traceAllowance { low = middle + 1 } else { high = middle }
            }
            return low < values.count && values[low] <= size + traceAllowance
        }
    }
}
