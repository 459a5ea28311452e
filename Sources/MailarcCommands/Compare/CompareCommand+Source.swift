import ArgumentParser
import MailarcComparison
import MailarcKit

extension CompareCommand {
    /// `--source ACCOUNT --read-only`: an account of the user's own, looked at and not touched.
    func assess(_ account: String) async throws {
        let configuration = try configuration.account(account).configuration
        let progress = output.progressView
        let assessment = try await StopSignals.cancelling { () throws(KitError) in
            try await SourceAssessment.make(configuration, progress: progress.handler)
        }
        progress.finish()
        try output.output.render(assessment, command: "compare", text: SourceText.lines)
    }

    /// What has no meaning with one account alone.
    func checkSource() throws {
        guard source != nil || readOnly else { return }
        guard source != nil else { throw ValidationError("--read-only says how --source ACCOUNT is looked at") }
        guard readOnly else {
            throw ValidationError(
                "--source names a real account, and events are made up on private servers only: give --read-only, by "
                    + "which nothing is written there")
        }
        let isLab = !only.isEmpty || !contender.isEmpty || !scenario.isEmpty || list || keepLab
        guard !isLab, resume == nil, from == nil, weights == nil, html == nil, markdown == nil else {
            throw ValidationError("--source takes none of the lab's options; --json prints all that was found")
        }
    }
}

/// An assessment on a terminal.
enum SourceText {
    static func lines(_ assessment: SourceAssessment) -> [String] {
        let survey = assessment.survey
        var lines = [
            "\(survey.account): \(Format.plural(survey.messages, "message")) in "
                + "\(Format.plural(survey.mailboxes, "mailbox")), \(Format.octets(survey.octets))"
                + (survey.server.map { " (\($0))" } ?? ""),
            "round trip \(milliseconds(survey.roundTripSeconds)); logged in by \(survey.mechanism)",
            "", "Measured, with EXAMINE and nothing that writes",
        ]
        lines += Format.table(
            [["step", "s", "round trips", "received"]]
                + survey.steps.map {
                    [words($0.kind, survey), seconds($0.seconds), "\($0.roundTrips)", Format.octets($0.octets)]
                }, right: [1, 2, 3])
        lines += ["", "Dry runs into an empty Maildir"]
        lines += Format.table(
            [["strategy", "s", "would copy", "would make", ""]]
                + assessment.dryRuns.map { run in
                    [
                        run.strategy.rawValue, seconds(run.seconds), Format.plural(run.messages, "message"),
                        Format.plural(run.mailboxes, "mailbox"), run.problem ?? run.notes.joined(separator: "; "),
                    ]
                }, right: [1, 2, 3])
        lines += ["", "Estimated"] + estimates(assessment.estimate) + ["", "Strategies"]
        for entry in assessment.advice.entries {
            lines.append("\(entry.strategy.rawValue): \(entry.verdict.rawValue)")
            lines += entry.reasons.map { "  \($0)" }
        }
        return lines + ["", "To know"] + assessment.advice.remarks.map { "  \($0)" } + next(assessment)
    }

    private static func next(_ assessment: SourceAssessment) -> [String] {
        let words = "mailarc sync \(assessment.survey.account) DESTINATION"
        return ["", "next: \(words) --strategy \(assessment.advice.recommended.rawValue) --dry-run"]
    }

    private static func estimates(_ estimate: SourceAssessment.Estimate) -> [String] {
        let first = estimate.firstCopySeconds.map { "about \(Format.duration(Int($0.rounded(.up))))" } ?? "unknown"
        return [
            "  the first copy: \(first), if the destination keeps up",
            "  a run in which nothing changed: \(seconds(estimate.nothingChangedSeconds)) s, "
                + "\(Format.plural(estimate.nothingChangedRoundTrips, "round trip")), "
                + "\(Format.octets(estimate.nothingChangedOctets)), by any strategy",
        ]
    }

    private static func words(_ kind: AccountSurvey.Step.Kind, _ survey: AccountSurvey) -> String {
        switch kind {
        case .login: "login"
        case .listing: "all mailboxes and their counters"
        case .metadata: "UID, flags, date and size of every message"
        case .again: "the same again, knowing the result"
        case .messageIDs: "\(Format.count(survey.messageIDs.looked)) Message-IDs"
        case .sample: "\(Format.plural(survey.sampleMessages, "whole message"))"
        }
    }

    private static func seconds(_ value: Double) -> String { hundredths(value) }
    private static func milliseconds(_ value: Double) -> String { "\(hundredths(value * 1_000)) ms" }

    private static func hundredths(_ value: Double) -> String {
        let scaled = Int((value * 100).rounded())
        return "\(scaled / 100).\(scaled % 100 < 10 ? "0" : "")\(scaled % 100)"
    }
}
