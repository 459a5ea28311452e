import Glibc
import MailCore
public import MailarcKit

/// Runs what a request asks for; the only place where servers and programs are started.
public enum Comparison {
    /// Compares, and tells of every cell that is done.
    ///
    /// - Parameters:
    ///   - progress: told of each cell.
    ///   - saved: given the report so far after each cell, so that a later comparison can go on from it.
    /// - Throws: `.notFound` without Dovecot; `.cancelled`; `.ioFailed`.
    public static func run(
        _ request: ComparisonRequest, progress: @escaping ProgressHandler = { _ in },
        saved: (ComparisonReport) throws(KitError) -> Void = { _ in }
    ) async throws(KitError) -> ComparisonReport {
        let stop = StopFlag()
        do {
            return try await withTaskCancellationHandler {
                try await compare(request, stop, progress, saved)
            } onCancel: {
                stop.stop()
            }
        } catch let error as KitError {
            throw error
        } catch {
            throw KitError(.cancelled, "interrupted", cause: error)
        }
    }

    private static func compare(
        _ request: ComparisonRequest, _ stop: StopFlag, _ progress: @escaping ProgressHandler,
        _ saved: (ComparisonReport) throws(KitError) -> Void
    ) async throws(KitError) -> ComparisonReport {
        let lab = try await unblocked { () throws(KitError) -> Lab in try Lab(stop) }
        var report = request.earlier ?? ComparisonReport(date: now(), machine: .current)
        do throws(KitError) {
            let entries = try await unblocked { () throws(KitError) -> [ComparisonReport.ContenderEntry] in
                try takingPart(request, lab)
            }
            report.take(entries, request.scenarios)
            if request.parts.contains(.behaviour) {
                try await behaviour(request, lab, progress, &report, saved)
            }
            if request.parts.contains(.performance) {
                report.performance = try await PerformanceBench(request: request, lab: lab).run(progress)
                try saved(report)
            }
        } catch {
            await Blocking.run { lab.stop(keepsFolder: request.keepsLab) }
            throw error
        }
        await Blocking.run { lab.stop(keepsFolder: request.keepsLab) }
        if request.keepsLab { progress(KitProgress(phase: "kept", subject: "the lab is in \(lab.folder.path)")) }
        if request.parts.contains(.rating) {
            report.rating = Rating.make(report, facts(request), weights: request.weights)
            try saved(report)
        }
        return report
    }

    /// What a rating needs besides the report.
    static func facts(_ request: ComparisonRequest) -> [String: ContenderFacts] {
        Dictionary(request.contenders.map { ($0.id, $0.facts) }, uniquingKeysWith: { first, _ in first })
    }

    /// Blocking work off the tasks' threads, with its error.
    static func unblocked<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KitError) -> Value
    ) async throws(KitError) -> Value {
        let result = await Blocking.run { () -> Result<Value, KitError> in
            do throws(KitError) { return .success(try body()) } catch { return .failure(error) }
        }
        return try result.get()
    }

    // MARK: Who takes part

    private static func takingPart(
        _ request: ComparisonRequest, _ lab: Lab
    ) throws(KitError) -> [ComparisonReport.ContenderEntry] {
        var entries: [ComparisonReport.ContenderEntry] = []
        let pair = try lab.pair("settings", "settings")
        for contender in request.contenders {
            let files = contender.files(pair).values.joined(separator: "\n").split(separator: "\n")
            let words = contender.invocation(pair).arguments
            let options = words.count { $0.hasPrefix("-") }
            entries.append(
                .init(
                    id: contender.id, name: contender.name,
                    version: contender.isInstalled ? try version(contender.versionCommand, lab) : nil,
                    strategy: contender.promise.kind.rawValue, promise: contender.promise.text,
                    promiseOrigin: contender.promise.origin, studyColumn: contender.column?.rawValue,
                    note: contender.isInstalled ? contender.obstacle : nil,
                    takes: contender.promise.takes == .all ? nil : contender.promise.takes.rawValue,
                    keepsDates: contender.promise.keepsDates ? nil : false,
                    settings: contender.serverSettings + options + files.count { !$0.allSatisfy(\.isWhitespace) }))
        }
        for tool in Contenders.listed {
            let isInstalled = Invocation.find(tool.version.program) != nil
            entries.append(
                .init(
                    id: tool.name.lowercased(), name: tool.name,
                    version: isInstalled ? try version(tool.version, lab) : nil, note: tool.note))
        }
        return entries
    }

    private static func version(_ command: Invocation, _ lab: Lab) throws(KitError) -> String {
        let said = try command.run(log: lab.folder.file("version"), lab.stopFlag).output
        // Some warn first.
        let line = said.split(separator: "\n").first { $0.contains(where: \.isNumber) }
        return line.map { String($0.prefix(60)) } ?? "unknown"
    }

    private static func now() -> String { CivilTime(secondsSinceEpoch: Int64(time(nil))).rfc3339 }

    // MARK: Behaviour

    private static func behaviour(
        _ request: ComparisonRequest, _ lab: Lab, _ progress: @escaping ProgressHandler,
        _ report: inout ComparisonReport, _ saved: (ComparisonReport) throws(KitError) -> Void
    ) async throws(KitError) {
        var templates: [AccountModel: String] = [:]
        for scenario in request.scenarios where templates[scenario.start] == nil {
            let name = "template\(templates.count)"
            templates[scenario.start] = name
            try await unblocked { () throws(KitError) -> Void in try lab.fill(name, with: scenario.start) }
        }
        if request.scenarios.contains(where: \.refusesLarge) {
            try await unblocked { () throws(KitError) -> Void in try lab.startStrict() }
        }
        if request.contenders.contains(where: { $0.isChannel && $0.isRunnable }) {
            try await unblocked { () throws(KitError) -> Void in try lab.startPostfix() }
        }
        // Scenario by scenario, so that an interrupted comparison has whole rows.
        var cells: [BehaviourCell] = []
        for scenario in request.scenarios {
            for contender in request.contenders
            where contender.isRunnable && contender.parts.contains(.behaviour)
                && contender.takesPart(in: scenario) && contender.promise.knows(scenario)
            {
                guard report.outcome(contender.id, scenario.id) == nil, let template = templates[scenario.start] else {
                    continue
                }
                cells.append(
                    BehaviourCell(
                        contender: contender, scenario: scenario, lab: lab, template: template,
                        user: "u\(cells.count)"))
            }
        }
        try await run(cells, width: request.width) { (outcome, done) throws(KitError) in
            report.outcomes.append(outcome)
            progress(
                KitProgress(
                    phase: "comparing", subject: "\(outcome.contender), \(outcome.scenario): \(outcome.summary)",
                    done: done, total: cells.count))
            try saved(report)
        }
        report.sort(request)
    }

    /// Runs `cells`, some at the same time, and hands over each that is done.
    private static func run(
        _ cells: [BehaviourCell], width: Int, _ each: (Outcome, Int) throws(KitError) -> Void
    ) async throws(KitError) {
        do {
            try await withThrowingTaskGroup(of: Outcome.self) { group in
                var rest = cells.makeIterator()
                func next() {
                    guard let cell = rest.next() else { return }
                    group.addTask { try await unblocked { () throws(KitError) -> Outcome in try cell.run() } }
                }
                for _ in 0..<max(1, width) { next() }
                var done = 0
                while let outcome = try await group.next() {
                    done += 1
                    try each(outcome, done)
                    next()
                }
            }
        } catch let error as KitError {
            throw error
        } catch {
            throw KitError(.cancelled, "interrupted", cause: error)
        }
    }
}

extension ComparisonReport {
    /// Takes over who takes part and what happens, keeping what an earlier comparison had.
    fileprivate mutating func take(_ entries: [ContenderEntry], _ scenarios: [Scenario]) {
        for entry in entries {
            if let place = contenders.firstIndex(where: { $0.id == entry.id }) {
                contenders[place] = entry
            } else {
                contenders.append(entry)
            }
        }
        for scenario in scenarios where !self.scenarios.contains(where: { $0.id == scenario.id }) {
            self.scenarios.append(.init(id: scenario.id, title: scenario.title, events: scenario.events))
        }
    }

    /// In the order of the tables, whatever was done first.
    fileprivate mutating func sort(_ request: ComparisonRequest) {
        let places = Dictionary(
            contenders.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        let rows = Dictionary(
            scenarios.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        outcomes.sort {
            (rows[$0.scenario] ?? 0, places[$0.contender] ?? 0) < (rows[$1.scenario] ?? 0, places[$1.contender] ?? 0)
        }
    }
}
