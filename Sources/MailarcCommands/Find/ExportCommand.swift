import ArgumentParser
import MailarcKit

/// `mailarc export`
struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Give mail back as Maildir, mbox or .eml files, octet for octet.",
        discussion: """
            The mailbox tree, flags and internal dates are kept. Exported files are NOT encrypted. The target must be \
            new or empty. An empty query ('') takes everything.

            EXAMPLES:
              mailarc export -a ~/mail.archive '' --to maildir:/tmp/everything
              mailarc export -a ~/mail.archive 'account:work mailbox:INBOX' --to mbox:/tmp/inbox
              mailarc export -a ~/mail.archive 'from:anna' --to eml:/tmp/anna --dry-run
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Which messages (Documentation/Search.md).") var query: String = ""
    @Option(help: "maildir:PATH, mbox:PATH or eml:PATH.") var to: FilePlace
    @Option(help: "As it was at the end of this day or moment (UTC).") var at: String?
    @Flag(name: [.customShort("n"), .long], help: "Count only; write nothing.") var dryRun = false

    func validate() throws {
        if let at, Format.seconds(at) == nil {
            throw ValidationError("--at takes a date such as 2024-05-01")
        }
    }

    func run() async throws {
        let moment = at.flatMap(Format.seconds).map { $0.upperBound - 1 }
        let progress = output.progressView
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.export(
                query, to: to.target, at: moment, dryRun: dryRun, progress: progress.handler)
        }
        progress.finish()
        try output.output.render(report, command: "export") { report in
            report.problems.map { "PROBLEM \($0)" } + [
                (dryRun ? "Would export " : "Exported ") + Format.plural(report.occurrences, "message")
                    + " ("
                    + "\(Format.count(report.messages)) distinct, \(Format.octets(report.octets))) from "
                    + "\(Format.plural(report.mailboxes, "mailbox")) to \(report.target)"
            ]
        }
        if !report.problems.isEmpty { throw Outcome(status: .incomplete) }
    }
}
