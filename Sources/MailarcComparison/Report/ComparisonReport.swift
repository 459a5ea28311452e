/// Everything that a comparison found; all other forms of it are made from this value alone.
///
/// Its JSON form is documented in Documentation/Comparison.md.
public struct ComparisonReport: Sendable, Codable {
    /// Grows when a field changes its meaning or goes.
    public static let currentSchema = 2

    public var schema = Self.currentSchema
    /// When it began, RFC 3339.
    public var date: String
    public var machine: Machine
    public var contenders: [ContenderEntry]
    public var scenarios: [ScenarioEntry]
    /// Behaviour: one for each contender and scenario that was run.
    public var outcomes: [Outcome] = []
    public var performance: PerformanceReport?
    public var rating: Rating?

    /// What it ran on.
    public struct Machine: Sendable, Codable {
        public var system: String
        public var processor: String
        public var cores: Int
        public var memoryOctets: Int
        /// Average of one minute when it began.
        public var load: Double
    }

    /// A contender, run or not.
    public struct ContenderEntry: Sendable, Codable {
        public var id: String
        public var name: String
        /// `nil`: not installed.
        public var version: String?
        /// What it promises: `mirror`, `two-way`, `one-way`, `copy`, `fill`.
        public var strategy: String?
        public var promise: String?
        public var promiseOrigin: String?
        /// The column of the study it is.
        public var studyColumn: String?
        /// Why it is only told of.
        public var note: String?
        /// Of `collect`, where it is not everything: `unseen`, `arriving`.
        public var takes: String?
        /// `false`: internal dates are no part of what it promises.
        public var keepsDates: Bool?
        /// Options and lines of configuration it was run with.
        public var settings: Int?
    }

    /// A scenario.
    public struct ScenarioEntry: Sendable, Codable {
        public var id: String
        public var title: String
        public var events: [String]
    }

    public init(
        date: String, machine: Machine, contenders: [ContenderEntry] = [], scenarios: [ScenarioEntry] = []
    ) {
        (self.date, self.machine) = (date, machine)
        (self.contenders, self.scenarios) = (contenders, scenarios)
    }
}

extension ComparisonReport {
    /// The outcome of a cell, if it was run.
    public func outcome(_ contender: String, _ scenario: String) -> Outcome? {
        outcomes.first { $0.contender == contender && $0.scenario == scenario }
    }

    /// Those that ran in a scenario, in the order of the tables.
    public var runContenders: [ContenderEntry] {
        let ids = Set(outcomes.map(\.contender))
        return contenders.filter { ids.contains($0.id) }
    }
}
