import ArgumentParser
import Glibc
import MailarcKit

/// `mailarc expire`
struct ExpireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "expire", abstract: "Erase the messages that a capture rule keeps for a time, once it is over.",
        discussion: """
            A rule with 'keep' says how long ([[capture.rule]], Documentation/Capture.md). A message goes when that time is \
            over in every place where it is or was: what came to another mailbox without such a rule, or was pulled from a \
            server, stays. It is an erasure as by 'mailarc erase', with 'retention' in the ledger. For a timer: --yes; with \
            nothing due it does nothing.
            EXAMPLES:
              mailarc expire -a ~/mail.archive --dry-run
              mailarc expire -a ~/mail.archive --dry-run --by 2027-01-31
              mailarc expire -a ~/mail.archive --yes --quiet
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var consent: ErasureConsent
    @Option(
        help: ArgumentHelp(
            "With --dry-run: what will be due at the end of this day, month or year (UTC).", valueName: "date"))
    var by: String?

    func validate() throws {
        guard let by else { return }
        guard consent.dryRun else { throw ValidationError("--by goes with --dry-run: nothing goes before its time") }
        guard Format.seconds(by) != nil else { throw ValidationError("--by takes a date such as 2027-01-31") }
    }

    func run() async throws {
        let output = output.output
        let time = by.flatMap(Format.seconds)?.upperBound ?? Int64(time(nil))
        let report: ErasureReport? = try await archive.with { workspace throws(KitError) in
            let selection = try await workspace.planExpiry(at: time)
            guard selection.report.messages > 0 else {
                try output.show(selection.report, command: "expire") { _ in ["nothing is due"] }
                return nil
            }
            guard try consent.isGiven(for: selection.report, command: "expire", output) else { return nil }
            return try await workspace.erase(selection, basis: "retention", forgets: false)
        }
        guard let report else { return }
        try output.render(report, command: "expire", text: ErasureText.lines)
        if report.isPending { throw Outcome(status: .incomplete) }
    }
}

/// `mailarc retain`
struct RetainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retain", abstract: "Retain messages for good that a capture rule keeps for a time.",
        discussion: """
            For what a spam filter was wrong about: 'expire' leaves it alone from now on. It stays in its mailbox. \
            'mailarc show' says until when a message is kept.
            EXAMPLES:
              mailarc retain -a ~/mail.archive mailbox:Junk from:anna@example.org
              mailarc retain -a ~/mail.archive --id 5b1d0c
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Retain the message with this id or unique prefix; may be given several times.") var id: [String] = []
    @Argument(help: "The query, as for search; several arguments are one query.") var query: [String] = []

    func validate() throws {
        guard !query.isEmpty || !id.isEmpty else { throw ValidationError("name the messages: a query, or --id") }
    }

    func run() async throws {
        let (text, ids) = (query.isEmpty ? nil : query.joined(separator: " "), id)
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.retain(query: text, ids: ids)
        }
        try output.output.render(report, command: "retain") {
            [
                "retained for good: \(Format.plural($0.messages, "message")) in \(Format.plural($0.occurrences, "occurrence"))"
            ]
        }
    }
}
