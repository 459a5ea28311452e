import ArgumentParser
import MailarcKit

/// `mailarc restore`
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put mail back into an IMAP account: mailboxes, flags, dates, octets.",
        discussion: """
            What the account has already is found by its content and not sent again; nothing there is changed or \
            removed. Interrupted, run it again: no doubles, nothing missing. A message the server refuses is reported \
            with a reason and the rest goes on (exit code 3). An empty query ('') takes everything. \
            What cannot be the same afterwards: Documentation/Restore.md.

            EXAMPLES:
              mailarc restore -a ~/mail.archive '' --to new --dry-run
              mailarc restore -a ~/mail.archive 'account:work' --to new --verify
              mailarc restore -a ~/mail.archive 'from:anna' --to work --mailbox-prefix Restored --at 2024-05-01
              mailarc restore -a ~/mail.archive '' --to new --map 'Gesendet=Sent Items' --map Archiv=Old
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Which messages (Documentation/Search.md).") var query: String = ""
    @Option(help: "The account to restore to.") var to: String
    @Option(help: "As it was at the end of this day or moment (UTC).") var at: String?
    @Option(help: "Put everything below this mailbox.") var mailboxPrefix: String = ""
    @Option(
        help: ArgumentHelp(
            "Restore a mailbox, and those below it, under another name; may be repeated.", valueName: "from=to"))
    var map: [String] = []
    @Flag(help: "Do not match mailboxes by use (Sent, Drafts, Trash, Junk, Archive).") var noSpecialUse = false
    @Flag(help: "Restore without flags and keywords.") var noFlags = false
    @Flag(help: "Do not subscribe to mailboxes that are made.") var noSubscribe = false
    @Flag(help: "Send only what is missing (always so).") var onlyMissing = false
    @Flag(help: "Read everything back and compare octets, flags and dates.") var verify = false
    @Flag(name: [.customShort("n"), .long], help: "Say what would be done; change nothing.") var dryRun = false

    func validate() throws {
        if let at, Format.seconds(at) == nil { throw ValidationError("--at takes a date such as 2024-05-01") }
        for rule in map where Self.rule(rule) == nil { throw ValidationError("--map takes FROM=TO, not \(rule)") }
    }

    func run() async throws {
        let account = try configuration.account(to)
        var options = RestoreOptions(query: query)
        options.moment = at.flatMap(Format.seconds).map { $0.upperBound - 1 }
        (options.prefix, options.map) = (mailboxPrefix, map.compactMap(Self.rule))
        (options.usesSpecialUse, options.restoresFlags) = (!noSpecialUse, !noFlags)
        (options.subscribes, options.verifies, options.isDryRun) = (!noSubscribe, verify, dryRun)
        let progress = output.progressView
        let settings = options
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.restore(settings, to: account.configuration, progress: progress.handler)
        }
        progress.finish()
        try output.output.render(report, command: "restore") { RestoreText.lines($0, isDryRun: dryRun) }
        if !report.isComplete { throw Outcome(status: .incomplete) }
    }

    /// `FROM=TO`, at the first `=` that leaves neither empty.
    private static func rule(_ text: String) -> (from: String, to: String)? {
        guard let place = text.firstIndex(of: "="), place != text.startIndex else { return nil }
        let to = text[text.index(after: place)...]
        return to.isEmpty ? nil : (String(text[..<place]), String(to))
    }
}

/// A restore as text.
enum RestoreText {
    static func lines(_ report: RestoreReport, isDryRun: Bool) -> [String] {
        if isDryRun {
            return ["\(report.account): \(Format.plural(report.plan.count, "action")) planned, nothing done"]
                + report.plan.map { "  " + $0 } + report.refused.map { line("REFUSED", $0) }
        }
        var lines = table(report)
        lines += report.flagsNotKept.map {
            "FLAG NOT KEPT \($0.mailbox): \($0.flag) of \(Format.plural($0.messages, "message"))"
        }
        lines += report.refused.map { line("REFUSED", $0) }
        lines += report.differences.map { line("DIFFERENT", $0) }
        var total =
            "\(report.account): wanted \(Format.count(report.wanted)) = there \(Format.count(report.present)) + "
            + "restored \(Format.count(report.restored)) + refused \(Format.count(report.refused.count)); "
            + "\(Format.octets(report.octetsSent)) sent"
        if report.converted > 0 { total += ", \(Format.count(report.converted)) restored with CRLF line ends" }
        if report.isVerified {
            total += "; \(Format.count(report.verified)) read back and equal"
        }
        return lines + [total]
    }

    private static func line(_ word: String, _ finding: RestoreFinding) -> String {
        "\(word) \(finding.mailbox) \(finding.id.prefix(12)): \(finding.reason)"
            + (finding.detail.isEmpty ? "" : " (\(finding.detail))")
    }

    private static func table(_ report: RestoreReport) -> [String] {
        let head = [["mailbox", "wanted", "there", "restored", "refused", ""]]
        let rows = report.mailboxes.map { row in
            [
                Format.clipped(row.mailbox, to: 48), Format.count(row.wanted), Format.count(row.present),
                Format.count(row.restored), Format.count(row.refused),
                (row.isCreated ? "new" : "") + (row.isBalanced ? "" : " UNBALANCED"),
            ]
        }
        return Format.table(head + rows, right: [1, 2, 3, 4])
    }
}
