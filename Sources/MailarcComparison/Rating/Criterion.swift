/// The case study's eight criteria, each with the rule that grades are computed by.
public enum Criterion: String, Sendable, Codable, CaseIterable {
    case installation, documentation, configuration, feasibility, archive, log, performance, legal

    /// The study's words.
    public var title: String {
        switch self {
        case .installation: "Installation"
        case .documentation: "Documentation"
        case .configuration: "Configuration"
        case .feasibility: "Feasibility/Integration"
        case .archive: "Useful for archive"
        case .log: "Log file"
        case .performance: "Performance"
        case .legal: "Legal perspective"
        }
    }

    /// How the grade comes about; printed beside it.
    public var rule: String {
        switch self {
        case .installation:
            "in Debian 12: ++ with one package, + with more; not in it: o with at most 2 prerequisites, - with at most "
                + "10, -- with more (declared)"
        case .documentation:
            "of a reference, examples, every exit code, and what becomes of each kind of change: 4 ++, 3 +, 2 o, 1 -, "
                + "0 -- (declared)"
        case .configuration:
            "options and lines of configuration the harness had to write: ≤ 6 ++, ≤ 12 +, ≤ 20 o, ≤ 30 -, more --"
        case .feasibility:
            "scenarios in which every exit code was right and the runs after the second changed nothing: all ++, "
                + "≥ 95 % +, ≥ 85 % o, ≥ 70 % -, less --"
        case .archive:
            "++, one less each where a message expunged in the source leaves the archive, where mailboxes are not kept, "
                + "and where only some of the mail is taken (unread, arriving); one less where mail is lost, "
                + "duplicated or altered in at most 5 % of the scenarios, two in at most 15 %, three in more"
        case .log:
            "what a run that copies one message says: names the message 2 points, the mailbox 1; every run after which "
                + "mail was missing ended with an error 1; 4 ++, 3 +, 2 o, 1 -, 0 --"
        case .performance:
            "time against the fastest contender, geometric mean of the phases: ≤ 1.5 ++, ≤ 3 +, ≤ 6 o, ≤ 12 -, more "
                + "--; an incomplete copy --"
        case .legal:
            "a point each: octets kept in every scenario; internal dates kept; what leaves the source stays; changes "
                + "of the archive show; erasure with a record; encrypted at rest (the last three declared): 5-6 ++, "
                + "4 +, 3 o, 2 -, less --"
        }
    }

    /// Whether part of the rule is a judgement and not a measurement.
    public var isDeclared: Bool { [.installation, .documentation, .legal].contains(self) }
}

/// The study's five grades.
public enum Grade: String, Sendable, Codable, CaseIterable {
    case veryGood = "++"
    case good = "+"
    case ok = "o"
    case notSoGood = "-"
    case bad = "--"

    /// 2 to -2.
    var points: Int { [.veryGood: 2, .good: 1, .ok: 0, .notSoGood: -1, .bad: -2][self] ?? 0 }

    /// The grade of `points`; beyond the ends, the ends.
    init(points: Int) {
        self = [.bad, .notSoGood, .ok, .good, .veryGood][max(-2, min(2, points)) + 2]
    }

    /// The best grade whose limit `value` is within; `limits` ascend, for ++ to -.
    init(_ value: Double, within limits: [Double]) {
        self.init(points: 2 - (limits.firstIndex { value <= $0 } ?? limits.count))
    }
}

/// The grades of the case study (2018), as its last table has them.
enum StudyGrades {
    /// `nil`: the study has no column of the contender, or the cell cannot be read in our copy of it.
    static func grade(_ column: StudyColumn, _ criterion: Criterion) -> String? {
        switch (criterion, column) {
        case (.installation, .imapsync): "+"
        case (.installation, _): "++"
        case (.documentation, .postfixBCC), (.documentation, .imapsync): "++"
        case (.documentation, _): "o"
        case (.configuration, .postfixBCC): "+"
        case (.configuration, .imapsync): "++"
        case (.configuration, _): "o"
        case (.feasibility, .postfixBCC): "++/o"
        case (.feasibility, .doveadmBackup), (.feasibility, .imapsync): "+"
        case (.feasibility, _): "-"
        case (.archive, .doveadmTwoWay): "o"
        case (.archive, _): "+"
        case (.log, .postfixBCC): "o"
        case (.log, .imapsync): "++"
        case (.log, _): "-"
        case (.performance, .doveadmBackup): "+"
        case (.performance, .imapsync): nil
        case (.performance, _): "++"
        case (.legal, .postfixBCC): "++"
        case (.legal, .imapsync): "+"
        case (.legal, _): "o"
        }
    }
}
