/// A set of UIDs as sorted, disjoint, non-adjacent closed ranges.
///
/// Size is proportional to the number of runs, not of members.
/// - SeeAlso: RFC 9051 §9 `uid-set`
public struct UIDSet: Hashable, Sendable, Codable {
    /// Ascending, disjoint, never adjacent (raw UID values; never 0).
    public private(set) var ranges: [ClosedRange<UInt32>] = []

    public init() {}

    /// The set of `uids`, in any order, with or without repetitions.
    public init(_ uids: some Sequence<UID>) {
        let sorted = uids.map(\.value).sorted()
        for value in sorted { append(value...value) }
    }

    /// The set of `ranges`, in any order, overlapping or not. A bound of 0 is raised to 1.
    public init(ranges: some Sequence<ClosedRange<UInt32>>) {
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        for range in sorted where range.upperBound > 0 {
            append(Swift.max(1, range.lowerBound)...range.upperBound)
        }
    }

    public var isEmpty: Bool { ranges.isEmpty }

    /// The number of members.
    public var count: Int { ranges.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) + 1 } }

    public var max: UID? { ranges.last.flatMap { UID($0.upperBound) } }
    public var min: UID? { ranges.first.flatMap { UID($0.lowerBound) } }

    /// O(log runs).
    public func contains(_ uid: UID) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < uid.value { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].lowerBound <= uid.value
    }

    /// Adds `uid`; amortised O(1) in ascending order, otherwise O(runs).
    public mutating func insert(_ uid: UID) {
        if let last = ranges.last, uid.value < last.lowerBound || last.contains(uid.value) {
            guard !contains(uid) else { return }
            self = union(UIDSet(ranges: [uid.value...uid.value]))
        } else {
            append(uid.value...uid.value)
        }
    }

    public func union(_ other: UIDSet) -> UIDSet { UIDSet(ranges: ranges + other.ranges) }

    public func subtracting(_ other: UIDSet) -> UIDSet {
        var result = UIDSet()
        var index = 0
        for range in ranges {
            var low = UInt64(range.lowerBound)
            let high = UInt64(range.upperBound)
            while index < other.ranges.count, UInt64(other.ranges[index].upperBound) < low { index += 1 }
            var cut = index
            while cut < other.ranges.count, UInt64(other.ranges[cut].lowerBound) <= high, low <= high {
                let hole = other.ranges[cut]
                if UInt64(hole.lowerBound) > low { result.append(UInt32(low)...(hole.lowerBound - 1)) }
                low = Swift.max(low, UInt64(hole.upperBound) + 1)
                cut += 1
            }
            if low <= high { result.append(UInt32(low)...UInt32(high)) }
        }
        return result
    }

    public func intersection(_ other: UIDSet) -> UIDSet { subtracting(subtracting(other)) }

    /// The set in pieces whose wire forms have at most `octetCount` octets each (or one run).
    public func pieces(octetCount: Int) -> [UIDSet] {
        var pieces: [UIDSet] = []
        var piece = UIDSet()
        var length = 0
        for range in ranges {
            let more = "\(range.lowerBound):\(range.upperBound),".utf8.count
            if length + more > octetCount, !piece.isEmpty {
                pieces.append(piece)
                (piece, length) = (UIDSet(), 0)
            }
            piece.append(range)
            length += more
        }
        return piece.isEmpty ? pieces : pieces + [piece]
    }

    /// The set in pieces of at most `count` members each, ascending.
    public func parts(count: Int) -> [UIDSet] {
        let count = UInt64(Swift.max(1, count))
        var parts: [UIDSet] = []
        var part = UIDSet()
        var room = count
        for range in ranges {
            var low = UInt64(range.lowerBound)
            let high = UInt64(range.upperBound)
            while low <= high {
                let last = Swift.min(high, low + room - 1)
                part.append(UInt32(low)...UInt32(last))
                room -= last - low + 1
                low = last + 1
                guard room == 0 else { continue }
                parts.append(part)
                (part, room) = (UIDSet(), count)
            }
        }
        return part.isEmpty ? parts : parts + [part]
    }

    /// Every member, ascending.
    public var uids: some Sequence<UID> {
        ranges.lazy.flatMap { $0 }.lazy.compactMap { UID($0) }
    }

    /// Appends a run whose lower bound is not below that of the last run.
    private mutating func append(_ range: ClosedRange<UInt32>) {
        if let last = ranges.last, UInt64(range.lowerBound) <= UInt64(last.upperBound) + 1 {
            ranges[ranges.count - 1] = last.lowerBound...Swift.max(last.upperBound, range.upperBound)
        } else {
            ranges.append(range)
        }
    }
}

extension UIDSet: CustomStringConvertible {
    /// The wire form, `1:4,7`; empty for the empty set (which has no wire form).
    public var description: String {
        ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound):\($0.upperBound)" }.joined(separator: ",")
    }
}
