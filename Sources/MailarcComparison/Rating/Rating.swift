/// The contenders graded by the study's criteria; computed from a report, never by hand.
public struct Rating: Sendable, Codable {
    public var criteria: [CriterionEntry]
    public var rows: [Row]

    /// A criterion and how much it counts.
    public struct CriterionEntry: Sendable, Codable {
        public var id: Criterion
        public var title: String
        public var rule: String
        public var isDeclared: Bool
        public var weight: Double
    }

    /// One contender's grades.
    public struct Row: Sendable, Codable {
        public var contender: String
        public var grades: [GradeEntry]
        /// Weighted mean of the grades there are, 2 to -2.
        public var score: Double?
    }

    /// One grade, and why.
    public struct GradeEntry: Sendable, Codable {
        public var criterion: Criterion
        /// `nil`: there is no evidence in this report.
        public var grade: Grade?
        public var evidence: String
        /// The study's own grade of its column.
        public var studyGrade: String?
    }
}

extension Rating {
    /// Grades everybody of `report` that is installed and was run.
    ///
    /// - Parameter facts: what is declared of each contender, by id.
    public static func make(
        _ report: ComparisonReport, _ facts: [String: ContenderFacts], weights: [Criterion: Double]
    ) -> Rating {
        let entries = report.contenders.filter { $0.version != nil && facts[$0.id] != nil }
        var rows: [Row] = []
        for entry in entries {
            guard let facts = facts[entry.id] else { continue }
            let judge = ContenderRating(report: report, entry: entry, facts: facts)
            let column = entry.studyColumn.flatMap { StudyColumn(rawValue: $0) }
            let grades = Criterion.allCases.map { criterion in
                let (grade, evidence) = judge.grade(criterion)
                return GradeEntry(
                    criterion: criterion, grade: grade, evidence: evidence,
                    studyGrade: column.flatMap { StudyGrades.grade($0, criterion) })
            }
            rows.append(Row(contender: entry.id, grades: grades, score: score(grades, weights)))
        }
        let criteria = Criterion.allCases.map {
            CriterionEntry(id: $0, title: $0.title, rule: $0.rule, isDeclared: $0.isDeclared, weight: weights[$0] ?? 1)
        }
        return Rating(criteria: criteria, rows: rows)
    }

    private static func score(_ grades: [GradeEntry], _ weights: [Criterion: Double]) -> Double? {
        var (sum, weight) = (0.0, 0.0)
        for entry in grades {
            guard let grade = entry.grade else { continue }
            let counts = weights[entry.criterion] ?? 1
            sum += Double(grade.points) * counts
            weight += counts
        }
        return weight > 0 ? sum / weight : nil
    }

    /// Rows by score, best first.
    public var ranked: [Row] { rows.sorted { ($0.score ?? -9) > ($1.score ?? -9) } }
}
