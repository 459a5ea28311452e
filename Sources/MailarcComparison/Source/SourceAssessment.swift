public import MailarcKit

/// A user's own account, measured without changing it, and which strategy fits it.
///
/// Its JSON form is documented in Documentation/Comparison.md.
public struct SourceAssessment: Sendable, Codable {
    /// What a strategy would do, asked of it into an empty place.
    public struct DryRun: Sendable, Codable {
        public var strategy: SyncStrategy
        public var seconds: Double
        public var messages: Int
        public var mailboxes: Int
        /// What it said besides.
        public var notes: [String]
        /// Why it could not be asked.
        public var problem: String?
    }

    /// What runs would take, from what was measured.
    public struct Estimate: Sendable, Codable {
        /// Octets at the speed of the sample, and one login; `nil` without a sample.
        public var firstCopySeconds: Double?
        /// A login and what a run asks to see that nothing changed.
        public var nothingChangedSeconds: Double
        public var nothingChangedRoundTrips: Int
        public var nothingChangedOctets: Int
    }

    public var survey: AccountSurvey
    public var dryRuns: [DryRun]
    public var estimate: Estimate
    public var advice: StrategyAdvice

    public init(survey: AccountSurvey, dryRuns: [DryRun]) {
        (self.survey, self.dryRuns) = (survey, dryRuns)
        (estimate, advice) = (Estimate(survey), StrategyAdvice(survey))
    }
}

extension SourceAssessment.Estimate {
    init(_ survey: AccountSurvey) {
        // Counters that say nothing of flags are looked behind in every run.
        let looksAgain = survey.withoutModSeq.isEmpty ? [] : [AccountSurvey.Step.Kind.again]
        let steps = ([.login, .listing] + looksAgain).compactMap(survey.step)
        nothingChangedSeconds = steps.reduce(0) { $0 + $1.seconds }
        nothingChangedRoundTrips = steps.reduce(0) { $0 + $1.roundTrips }
        nothingChangedOctets = steps.reduce(0) { $0 + $1.octets }
        guard survey.sampleOctets > 0, let sample = survey.step(.sample), sample.seconds > 0 else { return }
        let reading = Double(survey.octets) * sample.seconds / Double(survey.sampleOctets)
        firstCopySeconds =
            reading + [.login, .listing, .metadata].compactMap(survey.step).reduce(0) { $0 + $1.seconds }
    }
}

extension SourceAssessment {
    /// Surveys `account` and asks every strategy what it would do; nothing is written but below `/tmp`, and that goes.
    ///
    /// - Throws: `.usage` for a POP3 account; `.connection`, `.authentication`, `.tls`; `.ioFailed`.
    public static func make(
        _ account: AccountConfiguration, progress: @escaping ProgressHandler = { _ in }
    ) async throws(KitError) -> SourceAssessment {
        let survey = try await Workspace.survey(account, progress: progress)
        let folder = try LabFolder()
        defer { folder.remove() }
        var reading = account
        reading.onlyReads = true
        var dryRuns: [DryRun] = []
        for (place, strategy) in SyncStrategy.allCases.enumerated() {
            progress(
                KitProgress(
                    phase: "asking", subject: strategy.rawValue, done: place, total: SyncStrategy.allCases.count))
            dryRuns.append(try await dryRun(strategy, reading, folder))
        }
        return SourceAssessment(survey: survey, dryRuns: dryRuns)
    }

    private static func dryRun(
        _ strategy: SyncStrategy, _ account: AccountConfiguration, _ folder: LabFolder
    ) async throws(KitError) -> DryRun {
        var request = SyncRequest(strategy: strategy)
        request.isDryRun = true
        // What would come by another channel does not.
        if strategy == .bcc { request.bends = ["no-grace"] }
        request.stateFolder = folder.file("state-\(strategy.rawValue)")
        var result = DryRun(strategy: strategy, seconds: 0, messages: 0, mailboxes: 0, notes: [])
        let began = ContinuousClock.now
        do throws(KitError) {
            let report = try await PairSync.run(
                from: .account(account), to: .maildir(folder.file(strategy.rawValue)), request, progress: { _ in })
            result.messages = report.plan.count { $0.hasPrefix("copy ") }
            result.mailboxes = report.plan.count { $0.hasPrefix("create ") }
            result.notes = report.notes + report.refusals
            result.problem = report.interruption
        } catch {
            guard error.kind != .cancelled else { throw error }
            result.problem = error.message
        }
        let elapsed = began.duration(to: .now).components
        result.seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
        return result
    }
}
