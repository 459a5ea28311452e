import MailarcComparison
import MailarcKit
import Synchronization

/// A comparison on a terminal.
enum CompareText {
    static func lines(_ report: ComparisonReport) -> [String] {
        let tables = ReportTables(report)
        var lines = [tables.preface]
        func add(_ table: ReportTables.Table?, right: Set<Int> = []) {
            guard let table, table.rows.count > 1 else { return }
            lines += ["", table.title] + Format.table(table.rows, right: right)
        }
        if !report.outcomes.isEmpty {
            add(tables.totals, right: [1, 2, 3, 4, 5])
            lines += ["", "What differs from the promise"] + differences(report)
            add(tables.claims)
        }
        for table in tables.performance { add(table, right: Set(1...8)) }
        add(tables.studyTimes, right: [2, 3, 4])
        add(tables.sizes, right: [1, 2])
        add(tables.rating)
        let missing = report.contenders.filter { $0.version == nil }.map(\.name)
        if !missing.isEmpty { lines += ["", "not installed: " + missing.joined(separator: ", ")] }
        for entry in report.contenders where entry.version != nil && entry.promise != nil {
            if let note = entry.note { lines += ["", "not run: \(entry.name): \(note)"] }
        }
        return lines
    }

    /// A matrix of all cells is wider than a terminal: those that differ, one a line.
    private static func differences(_ report: ComparisonReport) -> [String] {
        let rows = report.outcomes.filter { $0.summary != "ok" }.map { [$0.scenario, $0.contender, $0.summary] }
        return rows.isEmpty ? ["nothing"] : Format.table(rows)
    }
}

/// A line for each cell that is done, with the time that is left.
struct CompareProgress: Sendable {
    private let style: ProgressStyle
    private let view: ProgressView
    private let output: Output
    private let clock = PhaseClock()

    init(_ output: Output, _ style: ProgressStyle) {
        (self.output, self.style) = (output, output.isQuiet && style == .auto ? .none : style)
        view = ProgressView(style, output: output)
    }

    /// Told of each cell.
    func show(_ progress: KitProgress) {
        switch style {
        case .json, .bar: view.handler(progress)
        case .none: break
        case .auto, .plain:
            let elapsed = clock.seconds(progress)
            guard progress.total > 0 else { return output.note(progress.subject) }
            // Few and far between, so each is a line, and on a terminal they may be read afterwards.
            let left = progress.done > 0 ? elapsed * (progress.total - progress.done) / progress.done : 0
            output.note("\(progress.done)/\(progress.total), \(Format.duration(left)) left: \(progress.subject)")
        }
    }
}

/// Since when the steps of a phase are done that its time left is told by: what came before took another time.
private final class PhaseClock: Sendable {
    private struct State {
        var phase = ""
        var began = ContinuousClock.now
        var last = ContinuousClock.now
    }

    private let state = Mutex(State())

    /// Seconds since the phase of `progress` began, or since it was made ready.
    func seconds(_ progress: KitProgress) -> Int {
        state.withLock { state in
            let now = ContinuousClock.now
            if progress.phase != state.phase { state.began = state.last }
            if progress.total == 0 { state.began = now }
            (state.phase, state.last) = (progress.phase, now)
            return Int(state.began.duration(to: now).components.seconds)
        }
    }
}
