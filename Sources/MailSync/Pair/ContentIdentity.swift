/// 16 octets of a keyed hash: equal for equal octets within one pair, and of no use without its key.
public struct ContentMark: Sendable, Hashable {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) { (self.high, self.low) = (high, low) }

    /// Of the first 16 octets of `digest`; missing ones count as zero.
    init(_ digest: [UInt8]) {
        func word(_ start: Int) -> UInt64 {
            (start..<(start + 8)).reduce(0) { $0 << 8 | UInt64($1 < digest.count ? digest[$1] : 0) }
        }
        self.init(high: word(0), low: word(8))
    }

    var octets: [UInt8] {
        [high, low].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * $0)) } }
    }
}

/// By what a message is known on both sides of a pair.
public struct ContentIdentity: Sendable, Hashable {
    /// Of the exact octets.
    public var raw: ContentMark
    /// Without what deliveries add and files keep: trace fields, state fields, line ends.
    public var canonical: ContentMark
    /// Of the body, From and Subject alone: equal with another ``canonical`` is a near-duplicate.
    public var body: ContentMark
    /// The `Received` fields, topmost first.
    public var trace: [UInt32]
    public var octetCount: Int

    public init(raw: ContentMark, canonical: ContentMark, body: ContentMark, trace: [UInt32] = [], octetCount: Int) {
        (self.raw, self.canonical, self.body) = (raw, canonical, body)
        (self.trace, self.octetCount) = (trace, octetCount)
    }

    /// Whether both are the same message.
    public func isSame(as other: ContentIdentity, _ adoption: PairPolicy.Adoption) -> Bool {
        if raw == other.raw { return true }
        guard canonical == other.canonical else { return false }
        if adoption == .loose { return true }
        let common = zip(trace.reversed(), other.trace.reversed()).prefix { $0 == $1 }.count
        let own = (trace.count - common, other.trace.count - common)
        // One went on from where the other ended, or both went one hop from where they were forked: their deliveries.
        return min(own.0, own.1) == 0 || (common > 0 && max(own.0, own.1) == 1)
    }
}

/// A hash function, handed in: the library brings no cryptography of its own.
public protocol ContentHashing: Sendable {
    /// A hash of nothing so far.
    func start() -> any RunningHash
}

/// A hash that octets are added to.
public protocol RunningHash: AnyObject {
    func update(_ octets: ArraySlice<UInt8>)
    /// The same state, to go on from by itself.
    func copy() -> any RunningHash
    /// At least 16 octets; nothing is added afterwards.
    func finish() -> [UInt8]
}
