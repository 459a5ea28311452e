import Glibc

/// One contender's evidence and the grades that follow from it.
struct ContenderRating {
    let report: ComparisonReport
    let entry: ComparisonReport.ContenderEntry
    let facts: ContenderFacts

    private var outcomes: [Outcome] { report.outcomes.filter { $0.contender == entry.id } }

    /// The grade, `nil` without evidence, and the evidence in words.
    func grade(_ criterion: Criterion) -> (Grade?, String) {
        switch criterion {
        case .installation: installation
        case .documentation: documentation
        case .configuration: configuration
        case .feasibility: feasibility
        case .archive: archive
        case .log: log
        case .performance: performance
        case .legal: legal
        }
    }

    private static let noRuns = "not asked for events in this report"

    private var installation: (Grade?, String) {
        let count = facts.packages.count
        let grade: Grade =
            facts.isPackaged
            ? (count <= 1 ? .veryGood : .good) : count <= 2 ? .ok : count <= 10 ? .notSoGood : .bad
        let what = facts.packages.isEmpty ? "nothing else" : facts.packages.joined(separator: ", ")
        return (grade, "\(facts.isPackaged ? "packaged" : "not packaged"); \(what) (\(facts.origin))")
    }

    private var documentation: (Grade?, String) {
        let told = ContenderFacts.Documented.allCases.filter(facts.documented.contains).map(\.rawValue)
        return (Grade(points: told.count - 2), "\(told.joined(separator: "; ")) (\(facts.origin))")
    }

    private var configuration: (Grade?, String) {
        guard let settings = entry.settings else { return (nil, "not run") }
        return (Grade(Double(settings), within: [6, 12, 20, 30]), "\(settings) options and lines")
    }

    private var feasibility: (Grade?, String) {
        guard !outcomes.isEmpty else { return (nil, Self.noRuns) }
        let good = outcomes.count { $0.endsWell && $0.settles }
        let missing = Double(outcomes.count - good) / Double(outcomes.count)
        return (Grade(missing, within: [0, 0.05, 0.15, 0.30]), "\(good) of \(outcomes.count) scenarios")
    }

    private var archive: (Grade?, String) {
        guard !outcomes.isEmpty else { return (nil, Self.noRuns) }
        let failed = outcomes.count { !$0.keepsMail }
        let share = Double(failed) / Double(outcomes.count)
        let deduction = failed == 0 ? 0 : share <= 0.05 ? 1 : share <= 0.15 ? 2 : 3
        let drops = keepsWhatLeaves == false
        var words = ["mail lost, duplicated or altered in \(failed) of \(outcomes.count) scenarios"]
        if let keeps = keepsWhatLeaves {
            words.append("an expunged message \(keeps ? "stays" : "leaves the archive")")
        }
        let gaps = [drops, entry.strategy == Promise.Kind.collect.rawValue, entry.takes != nil].count { $0 }
        if entry.strategy == Promise.Kind.collect.rawValue { words.append("mailboxes are not kept") }
        if let takes = entry.takes { words.append("takes \(takes) messages alone") }
        return (Grade(points: 2 - deduction - gaps), words.joined(separator: "; "))
    }

    /// Whether a message that was expunged in the source is still in the archive; `nil`: not asked.
    private var keepsWhatLeaves: Bool? {
        guard let outcome = report.outcome(entry.id, "expunge-in-source"), !outcome.later.isEmpty else { return nil }
        return !outcome.later.contains { run in
            run.archiveChanges.contains { $0.hasPrefix("-INBOX/B") }
                && !run.archiveChanges.contains { $0.hasPrefix("+INBOX/B") }
        }
    }

    private var log: (Grade?, String) {
        guard let run = report.outcome(entry.id, "new-in-source")?.later.first else { return (nil, Self.noRuns) }
        let (namesMessage, namesMailbox) = (run.log.namesMessage, run.log.namesMailbox)
        let silent = outcomes.count { outcome in
            outcome.runs.contains { $0.exitCode == 0 && $0.source.lost + $0.archive.lost > 0 }
        }
        let points = (namesMessage ? 2 : 0) + (namesMailbox ? 1 : 0) + (silent == 0 ? 1 : 0)
        let words = [
            namesMessage ? "names the message" : "does not name the message",
            namesMailbox ? "names the mailbox" : "does not name the mailbox",
            silent == 0 ? "no loss with exit code 0" : "exit code 0 with mail missing in \(silent) scenarios",
        ]
        return (Grade(points: points - 2), words.joined(separator: "; "))
    }

    private var performance: (Grade?, String) {
        guard let measured = report.performance else { return (nil, "not measured in this report") }
        let rows = PerformanceReport.phases.compactMap { measured.row(entry.id, $0.0) }
        guard !rows.isEmpty else { return (nil, "not measured in this report") }
        guard rows.allSatisfy(\.isComplete) else { return (.bad, "the copy lacked messages") }
        let ratios = rows.compactMap { row in measured.best(row.phase).map { row.median / max($0, 0.000_1) } }
        let mean = exp(ratios.reduce(0) { $0 + Glibc.log($1) } / Double(max(1, ratios.count)))
        let told = zip(rows, ratios).map { "\($0.phase) \($1.text(2))×" }.joined(separator: ", ")
        return (Grade(mean, within: [1.5, 3, 6, 12]), "mean \(mean.text(2))× the fastest: \(told)")
    }

    private var legal: (Grade?, String) {
        // One that is not asked for events is taken by what it declares alone.
        let isProven = facts.evidence.contains(.tamperEvidence)
        guard !outcomes.isEmpty || isProven else { return (nil, Self.noRuns) }
        let archives = outcomes.flatMap(\.runs).map(\.archive)
        let points: [(String, Bool)] = [
            ("octets kept", archives.allSatisfy { $0.altered == 0 }),
            ("internal dates kept", entry.keepsDates != false && archives.allSatisfy { $0.dates == 0 }),
            ("what leaves stays", facts.evidence.contains(.history) || keepsWhatLeaves == true),
            ("changes show", isProven), ("erasure with a record", facts.evidence.contains(.erasure)),
            ("encrypted at rest", facts.evidence.contains(.encryption)),
        ]
        let count = points.count { $0.1 }
        let told = points.map { ($0.1 ? "" : "not: ") + $0.0 }.joined(separator: "; ")
        return (Grade(points: min(count, 5) - 3), told + (outcomes.isEmpty ? " (all declared: \(facts.origin))" : ""))
    }
}

extension Double {
    /// With `digits` decimals, never in another notation.
    func text(_ digits: Int) -> String {
        var scale = 1
        for _ in 0..<digits { scale *= 10 }
        let scaled = Int((magnitude * Double(scale)).rounded())
        let rest = String(scaled % scale)
        let sign = self < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        return "\(sign)\(scaled / scale)." + String(repeating: "0", count: digits - rest.count) + rest
    }
}
