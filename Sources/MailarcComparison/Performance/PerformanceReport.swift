/// What was measured on the made-up repository.
public struct PerformanceReport: Sendable, Codable {
    /// 1: the case study's.
    public var scale: Double
    public var messages: Int
    public var mailboxes: Int
    /// Of all files of its Maildir.
    public var octets: Int
    /// What lay before the servers while the clock ran; `nil`: nothing.
    public var line: LineMeasure?
    /// Version of the Cyrus that was a source, too; `nil`: it is not installed.
    public var cyrus: String?
    public var rows: [Row]
    public var sizes: [Size]

    /// One contender in one phase, all its runs in order.
    public struct Row: Sendable, Codable {
        /// Id, or of a floor: `floor-cp`, `floor-fetch`.
        public var contender: String
        public var name: String
        /// `first`, `nothing`, `few`, `restore`, `cyrus`
        public var phase: String
        public var seconds: [Double] = []
        public var processorSeconds: [Double] = []
        /// Of the mail servers meanwhile.
        public var serverSeconds: [Double] = []
        public var peakOctets: [Int] = []
        public var exitCodes: [Int32] = []
        /// The copy had every message after each run.
        public var isComplete = true
        /// Of a run of its own, whose time does not count, unless a line lay before all of them.
        public var wire: Wire?

        /// Median of the wall clock.
        public var median: Double { Self.median(seconds) }
        public var processorMedian: Double { Self.median(processorSeconds) }
        public var serverMedian: Double { Self.median(serverSeconds) }
        /// The slowest through the fastest.
        public var spread: Double { (seconds.max() ?? 0) / max(seconds.min() ?? 0, 0.000_1) }

        static func median(_ values: [Double]) -> Double {
            let sorted = values.sorted()
            guard !sorted.isEmpty else { return 0 }
            let middle = sorted.count / 2
            return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        }
    }

    /// What went over the lines to both servers.
    public struct Wire: Sendable, Codable {
        public var connections: Int
        public var octets: Int
        /// How often something was sent after something had come, over all connections.
        public var roundTrips: Int
    }

    /// A copy at rest.
    public struct Size: Sendable, Codable {
        public var name: String
        public var octets: Int
    }

    /// Phases in their order, with what they are called.
    public static let phases = [
        ("first", "copy of all"), ("nothing", "nothing changed"), ("few", "ten new messages"),
        ("restore", "put back into an empty account"), ("cyrus", "copy of all from Cyrus"),
    ]

    /// The rows of `phase`, fastest first.
    public func rows(_ phase: String) -> [Row] {
        rows.filter { $0.phase == phase }.sorted { $0.median < $1.median }
    }

    /// The row of a contender.
    public func row(_ contender: String, _ phase: String) -> Row? {
        rows.first { $0.contender == contender && $0.phase == phase }
    }

    /// The fastest of a phase that copied everything and is no floor.
    public func best(_ phase: String) -> Double? {
        rows(phase).first { $0.isComplete && !$0.contender.hasPrefix("floor-") }?.median
    }
}
