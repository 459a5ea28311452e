import ArgumentParser
import MailarcKit

/// `mailarc pull`
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Take new mail and changes from IMAP and POP3 accounts into the archive.",
        discussion: """
            Nothing is changed on the server (but with --delete-source-after) and nothing is ever removed from the archive: expunges, moves, renames and \
            flag changes are recorded as history. Without names, every configured account is pulled.
            --delete-source-after deletes on the server what is archived, message by message: durable and in the ledger, \
            read back from the archive and read again on the server, equal octet for octet, unchanged since, journalled, \
            and then expunged alone. It lists each with its SHA-256 and ledger entry. Try --dry-run first \
            (Documentation/Sync.md).
            A POP3 account is one mailbox, INBOX: a message is known by its unique-id (UIDL) and fetched once; its age \
            counts from when it was first seen (Documentation/Capture.md).
            A message the server refuses or garbles is quarantined with a reason and the rest goes on (exit code 3).

            EXAMPLES:
              mailarc pull work -a ~/mail.archive
              mailarc pull -a ~/mail.archive --dry-run
              mailarc pull work -a ~/mail.archive --mailbox INBOX --mailbox 'Lists/*' --json
              mailarc pull work -a ~/mail.archive --delete-source-after 1y --dry-run
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Account names (default: all).") var accounts: [String] = []
    @Option(help: "Only this mailbox ('*' matches anything); may be repeated.") var mailbox: [String] = []
    @Option(
        help: ArgumentHelp(
            "Delete on the server what arrived so long ago (0 = all), once it was read back and found equal.",
            valueName: "age"))
    var deleteSourceAfter: String?
    @Flag(name: [.customShort("n"), .long], help: "Say what would be done; change nothing.")
    var dryRun = false
    @OptionGroup var compression: CompressionOptions

    func validate() throws {
        if let deleteSourceAfter, Quantity.seconds(deleteSourceAfter) == nil {
            throw ValidationError("not an age such as 30d, 12h, 4w or 1y: \(deleteSourceAfter)")
        }
    }

    func run() async throws {
        let entries = try configuration.accounts(accounts)
        let progress = output.progressView
        let reports = try await archive.with { workspace throws(KitError) in
            var reports: [PullReport] = []
            for entry in entries {
                reports.append(
                    try await workspace.pull(
                        entry.configuration, mailboxes: mailbox, dryRun: dryRun, compressionLevel: compression.level(),
                        deletionAge: deleteSourceAfter.flatMap(Quantity.seconds), progress: progress.handler))
            }
            return reports
        }
        progress.finish()
        try output.output.render(reports, command: "pull") {
            $0.flatMap { PullText.lines($0, isDryRun: dryRun) }
        }
        if reports.contains(where: { dryRun ? !$0.problems.isEmpty : !$0.isComplete }) {
            throw Outcome(status: .incomplete)
        }
        try PullText.check(reports)
    }
}

extension PullReport {
    /// True when every listed message is in the archive.
    var isComplete: Bool { isBalanced && quarantined.isEmpty && problems.isEmpty }
}

/// A pull or import as text.
enum PullText {
    /// Refuses a name that no account has a mailbox for; the others have been taken.
    static func check(_ reports: [PullReport]) throws(KitError) {
        let unmatched = reports.map { Set($0.unmatched) }
        guard let first = unmatched.first else { return }
        for name in unmatched.dropFirst().reduce(first, { $0.intersection($1) }).sorted() {
            throw .noMailbox(name, of: reports.map(\.account).joined(separator: ", "))
        }
    }

    static func lines(_ report: PullReport, isDryRun: Bool) -> [String] {
        if isDryRun {
            return [
                "\(report.account): \(Format.plural(report.plan.count, "action")) planned, nothing done"
            ]
                + report.plan.map { "  " + $0 }
        }
        if report.isUnchanged && report.quarantined.isEmpty && report.problems.isEmpty {
            let server = report.mailboxes.reduce(0) { $0 + $1.server }
            let erased = report.mailboxes.reduce(0) { $0 + $1.erased }
            return [
                "\(report.account): nothing changed; \(Format.plural(server, "message")) in "
                    + "\(Format.plural(report.mailboxes.count, "mailbox")), all archived"
                    + (erased > 0 ? " but \(Format.count(erased)) erased here" : "")
            ]
        }
        var lines = table(report)
        lines += report.quarantined.map {
            "QUARANTINED \($0.mailbox) UID \($0.uid): \($0.reason)"
                + ($0.detail.isEmpty ? "" : " (\($0.detail))")
        }
        lines += report.deleted.map {
            "deleted in the source: \($0.mailbox) UID \($0.uid), archived as \($0.id), ledger entry \($0.ledgerIndex), "
                + "sha256 \($0.sha256)"
        }
        lines += report.problems.map { "PROBLEM \($0)" }
        let total = report.mailboxes.reduce(into: (server: 0, archived: 0, quarantined: 0, erased: 0)) {
            $0.server += $1.server
            $0.archived += $1.archived
            $0.quarantined += $1.quarantined
            $0.erased += $1.erased
        }
        lines.append(
            "\(report.account): server \(Format.count(total.server)) = archived \(Format.count(total.archived)) + "
                + "quarantined \(Format.count(total.quarantined))"
                + (total.erased > 0 ? " + erased \(Format.count(total.erased))" : "")
                + (report.isBalanced ? "" : "  DOES NOT BALANCE")
                + "; \(Format.count(report.newMessages)) new, "
                + "\(Format.count(report.knownContents)) of them known content, \(Format.octets(report.octetsFetched)) fetched"
        )
        return lines
    }

    private static func table(_ report: PullReport) -> [String] {
        let head = [["mailbox", "server", "archived", "quarant.", "new", "flags", "gone", "moved", ""]]
        let rows = report.mailboxes.map { row in
            [
                Format.clipped(row.mailbox, to: 48), Format.count(row.server), Format.count(row.archived),
                Format.count(row.quarantined), Format.count(row.new), Format.count(row.flagChanges),
                Format.count(row.expunged), Format.count(row.moved),
                row.note + (row.isBalanced ? "" : " UNBALANCED"),
            ]
        }
        return Format.table(head + rows, right: [1, 2, 3, 4, 5, 6, 7])
    }
}
