/// The tables of a report as rows of text: what Markdown, HTML and the terminal have in common.
public struct ReportTables {
    let report: ComparisonReport

    public init(_ report: ComparisonReport) { self.report = report }

    /// A table with its heading row first.
    public struct Table {
        public var title: String
        public var rows: [[String]]
    }

    private func name(_ id: String) -> String { report.contenders.first { $0.id == id }?.name ?? id }

    /// Who took part.
    public var contenders: Table {
        Table(
            title: "Contenders",
            rows: [["contender", "version", "promises", "in its own words"]]
                + report.contenders.map { entry in
                    let words = entry.promise.map { "\($0) (\(entry.promiseOrigin ?? ""))" }
                    let told = [words, entry.note.map { "not run: \($0)" }].compactMap { $0 }
                    return [
                        entry.name, entry.version ?? "not installed", entry.strategy ?? "–",
                        told.joined(separator: "; "),
                    ]
                })
    }

    /// Scenario × contender.
    public var behaviour: Table {
        let columns = report.runContenders
        return Table(
            title: "Behaviour",
            rows: [["scenario"] + columns.map(\.name)]
                + report.scenarios.map { scenario in
                    [scenario.title] + columns.map { report.outcome($0.id, scenario.id)?.summary ?? "not run" }
                })
    }

    /// How many scenarios each contender came through.
    public var totals: Table {
        Table(
            title: "In short",
            rows: [["contender", "scenarios", "as promised", "mail kept", "exit code right", "settled"]]
                + report.runContenders.map { entry in
                    let own = report.outcomes.filter { $0.contender == entry.id }
                    return [
                        entry.name, "\(own.count)", "\(own.count { $0.isAsPromised })",
                        "\(own.count { $0.keepsMail })", "\(own.count { $0.endsWell })",
                        "\(own.count { $0.settles })",
                    ]
                })
    }

    /// The case study's claims beside what was seen.
    public var claims: Table {
        Table(
            title: "The case study's results, repeated",
            rows: [["contender", "scenario", "the study (2018)", "observed"]]
                + report.outcomes.flatMap { outcome in
                    outcome.claims.map { claim in
                        let title = report.scenarios.first { $0.id == outcome.scenario }?.title ?? outcome.scenario
                        return [name(outcome.contender), title, claim.text, claim.agrees ? "agrees" : "differs"]
                    }
                })
    }

    /// One table for each phase.
    public var performance: [Table] {
        guard let measured = report.performance else { return [] }
        return PerformanceReport.phases.compactMap { phase, title in
            let rows = measured.rows(phase)
            guard !rows.isEmpty, let best = measured.best(phase) else { return nil }
            return Table(
                title: "Time: \(title)",
                rows: [
                    [
                        "contender", "wall s", "spread", "× fastest", "CPU s", "servers' CPU s", "peak MiB", "wire MiB",
                        "round trips", "complete",
                    ]
                ]
                    + rows.map { row in
                        [
                            row.name, row.median.text(2), "\(row.spread.text(1))×", (row.median / best).text(2),
                            row.processorMedian.text(2), row.serverMedian.text(2), Self.peak(row),
                            row.wire.map { (Double($0.octets) / 1_048_576).text(2) } ?? "–",
                            row.wire.map { "\($0.roundTrips)" } ?? "–", row.isComplete ? "yes" : "no",
                        ]
                    })
        }
    }

    private static func peak(_ row: PerformanceReport.Row) -> String {
        let peak = row.peakOctets.max() ?? 0
        return peak > 0 ? (Double(peak) / 1_048_576).text(0) : "–"
    }

    /// The case study's times beside ours, as ratios to one contender.
    public var studyTimes: Table? {
        guard let measured = report.performance else { return nil }
        let rows = StudyTimes.all.compactMap { entry -> [String]? in
            let phase = StudyTimes.referencePhase(entry.phase)
            let study = StudyTimes.all.first { $0.contender == StudyTimes.reference && $0.phase == phase }
            guard let row = measured.row(entry.contender, entry.phase), let study,
                let reference = measured.row(StudyTimes.reference, phase)
            else { return nil }
            let title = PerformanceReport.phases.first { $0.0 == entry.phase }?.1 ?? entry.phase
            return [
                row.name, title, "\(entry.seconds.text(0)) s", "\((entry.seconds / study.seconds).text(2))×",
                "\((row.median / max(reference.median, 0.000_1)).text(2))×",
            ]
        }
        return Table(
            title: "The case study's times",
            rows: [["contender", "phase", "study (2018)", "study, × doveadm backup", "observed, × doveadm backup"]]
                + rows)
    }

    /// What is on the disk afterwards.
    public var sizes: Table? {
        guard let measured = report.performance, !measured.sizes.isEmpty else { return nil }
        return Table(
            title: "At rest",
            rows: [["store", "MiB", "of the mail"]]
                + measured.sizes.sorted { $0.octets < $1.octets }.map { size in
                    let share = Double(size.octets) / Double(max(1, measured.octets)) * 100
                    return [size.name, (Double(size.octets) / 1_048_576).text(1), "\(share.text(1)) %"]
                })
    }

    /// Criterion × contender; the study's grade in brackets.
    public var rating: Table? {
        guard let rating = report.rating else { return nil }
        let rows = rating.ranked
        var table = [["criterion"] + rows.map { name($0.contender) }]
        for (place, criterion) in rating.criteria.enumerated() {
            table.append(
                [criterion.title + (criterion.isDeclared ? " *" : "")]
                    + rows.map { row in
                        let entry = row.grades[place]
                        let study = entry.studyGrade.map { " (\($0))" } ?? ""
                        return (entry.grade?.rawValue ?? "?") + study
                    })
        }
        table.append(["weighted mean"] + rows.map { $0.score?.text(2) ?? "?" })
        return Table(title: "Rating", rows: table)
    }

    /// Each criterion with its rule and weight.
    public var rules: Table? {
        guard let rating = report.rating else { return nil }
        return Table(
            title: "Rules",
            rows: [["criterion", "weight", "rule"]]
                + rating.criteria.map { [$0.title, $0.weight.text(1), $0.rule] })
    }

    /// Each grade with its evidence.
    public var evidence: Table? {
        guard let rating = report.rating else { return nil }
        return Table(
            title: "Evidence of the grades",
            rows: [["contender", "criterion", "grade", "evidence"]]
                + rating.ranked.flatMap { row in
                    row.grades.map { entry in
                        [name(row.contender), entry.criterion.title, entry.grade?.rawValue ?? "?", entry.evidence]
                    }
                })
    }

    /// One sentence on when and where.
    public var preface: String {
        let machine = report.machine
        var text =
            "\(report.date), \(machine.system), \(machine.cores) cores (\(machine.processor)), "
            + "\(machine.memoryOctets >> 30) GiB, load \(machine.load.text(1)) at the beginning."
        if let measured = report.performance {
            text +=
                " Repository: scale \(measured.scale.text(3)), \(measured.messages) messages in \(measured.mailboxes) "
                + "mailboxes, \((Double(measured.octets) / 1_048_576).text(0)) MiB; medians of "
                + "\(measured.rows.map(\.seconds.count).max() ?? 0) interleaved runs\(line(measured.line)). "
                + (measured.cyrus.map { "\($0) is a source, too." } ?? "Cyrus is not installed: it was no source.")
        }
        return text
    }

    private func line(_ measure: LineMeasure?) -> String {
        guard let measure else { return " on loopback" }
        let rate = measure.rate.map { ", \(($0 / 1_048_576).text(2)) MiB/s each way" } ?? ""
        return " over a line of \((measure.roundTrip * 1_000).text(0)) ms there and back\(rate)"
    }
}
