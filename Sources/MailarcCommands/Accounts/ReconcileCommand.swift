import ArgumentParser
import MailarcKit

/// `mailarc reconcile`
struct ReconcileCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile", abstract: "Hold each mailbox of a server against what is archived of it.",
        discussion: """
            Asks the server for the UIDs of every mailbox and compares them with the occurrences the archive's history \
            names under the same UIDVALIDITY. Nothing is changed, neither on the server nor in the archive. Each \
            difference has a reason code (Documentation/Reconcile.md) and a standing:
              explained    accounted for: expunged on the server and kept here, erased here, left out by --mailbox …
              pending      has a reason, and the next pull has to settle it: new, quarantined … (exit code 3)
              unaccounted  on the server, and nothing says why it is not archived (exit code 19)
            With --deep the announced size of every message is compared too, and the octets of a sample; a message whose \
            size differs is always compared octet by octet.

            EXAMPLES:
              mailarc reconcile work -a ~/mail.archive
              mailarc reconcile -a ~/mail.archive --mailbox 'Lists/*' --json
              mailarc reconcile work -a ~/mail.archive --deep --sample all
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Account names (default: all).") var accounts: [String] = []
    @Option(help: "Only this mailbox ('*' matches anything); may be repeated.") var mailbox: [String] = []
    @Flag(help: "Compare the sizes of all messages and the octets of a sample.") var deep = false
    @Option(help: ArgumentHelp("With --deep: messages of each mailbox to compare, or all.", valueName: "n"))
    var sample = "20"

    func validate() throws {
        guard sample == "all" || Int(sample).map({ $0 >= 0 }) == true else {
            throw ValidationError("--sample takes a number or all")
        }
    }

    func run() async throws {
        let entries = try configuration.accounts(accounts)
        var request = ReconcileRequest()
        (request.mailboxes, request.isDeep, request.sample) = (mailbox, deep, Int(sample))
        let progress = output.progressView
        let reports = try await archive.with { [request] workspace throws(KitError) in
            var reports: [ReconcileReport] = []
            for entry in entries {
                reports.append(
                    try await workspace.reconcile(entry.configuration, request, progress: progress.handler))
            }
            return reports
        }
        progress.finish()
        try output.output.render(reports, command: "reconcile") { $0.flatMap(ReconcileText.lines) }
        if reports.contains(where: { $0.standing == .unaccounted }) { throw Outcome(status: .unaccounted) }
        if reports.contains(where: { $0.standing == .pending }) { throw Outcome(status: .incomplete) }
    }
}

/// A reconciliation as text: the summary, then each difference.
enum ReconcileText {
    static func lines(_ report: ReconcileReport) -> [String] {
        func total(_ count: (ReconciledMailbox) -> Int) -> Int { report.mailboxes.reduce(0) { $0 + count($1) } }
        let counts = [
            (total(\.explained), "explained"), (total(\.pending), "pending"), (total(\.unaccounted), "unaccounted"),
        ]
        let told = counts.filter { $0.0 > 0 }.map { " + \(Format.count($0.0)) \($0.1)" }
        var lines = [
            "\(report.account): server \(Format.count(total(\.server))) = archived \(Format.count(total(\.matched)))"
                + told.joined() + "; \(Format.count(total(\.archived))) occurrences here in "
                + Format.plural(report.mailboxes.count, "mailbox")
        ]
        let (sizes, contents) = (total(\.comparedSizes), total(\.comparedContents))
        if sizes + contents > 0 {
            lines.append(
                "\(report.account): \(Format.plural(sizes, "size")) and the octets of "
                    + "\(Format.plural(contents, "message")) compared")
        }
        lines.append("\(report.account): \(verdict(report))")
        lines += table(report)
        for standing in DifferenceStanding.allCases.reversed() {
            lines += report.differences.filter { $0.standing == standing }.map(line)
        }
        return lines
    }

    private static func verdict(_ report: ReconcileReport) -> String {
        switch report.standing {
        case nil: "equal"
        case .explained: "everything on the server is accounted for"
        case .pending: "messages wait: mailarc pull \(report.account), then reconcile again"
        case .unaccounted: "MESSAGES ON THE SERVER ARE UNACCOUNTED FOR"
        }
    }

    /// The mailboxes with a difference, up to what a person reads.
    private static func table(_ report: ReconcileReport) -> [String] {
        let rows = report.mailboxes.filter { $0.server != $0.matched || $0.archived != $0.matched }
        guard !rows.isEmpty else { return [] }
        let head = [["mailbox", "server", "archived", "both", "explained", "pending", "unaccounted"]]
        return Format.table(
            head
                + rows.map { row in
                    [
                        Format.clipped(row.mailbox, to: 48), Format.count(row.server), Format.count(row.archived),
                        Format.count(row.matched), Format.count(row.explained), Format.count(row.pending),
                        Format.count(row.unaccounted),
                    ]
                }, right: [1, 2, 3, 4, 5, 6])
    }

    private static func line(_ difference: Difference) -> String {
        let place = difference.uids.isEmpty ? "" : " UID \(Format.clipped(difference.uids, to: 60))"
        let count = difference.messages > 0 ? " (\(Format.plural(difference.messages, "message")))" : ""
        let more = [difference.cause, difference.detail].compactMap { $0 }.joined(separator: ": ")
        return "\(difference.standing.rawValue.uppercased()) \(difference.reason.rawValue) \(difference.mailbox)"
            + "\(place)\(count): \(difference.reason.explanation)" + (more.isEmpty ? "" : " [\(more)]")
    }
}
