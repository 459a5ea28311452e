/// What is to be compared.
public struct ComparisonRequest: Sendable {
    /// Parts of a comparison.
    public enum Part: String, Sendable, CaseIterable {
        case behaviour, performance, rating
    }

    public var parts: Set<Part> = Set(Part.allCases)
    /// Those that are to be run.
    public var contenders: [any Contender]
    public var scenarios: [Scenario] = Scenario.all
    /// Of the case study's repository: 1 is 15,474 messages.
    public var scale = 0.02
    /// Interleaved runs whose median counts.
    public var repeats = 3
    /// What lies before the servers while speed is measured.
    public var line = LineMeasure()
    /// Cells at the same time: while one waits for the disk, two cores have the others.
    public var width = 3
    /// What an earlier comparison has; its cells are not run again.
    public var earlier: ComparisonReport?
    /// How much each criterion counts; 1 where nothing is said.
    public var weights: [Criterion: Double] = [:]
    /// Leaves the lab's folder for whoever wants to look.
    public var keepsLab = false

    public init(contenders: [any Contender]) { self.contenders = contenders }
}
