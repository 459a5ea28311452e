import ArgumentParser
import MailarcKit

/// `mailarc stats`
struct StatsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show what the archive holds and what it costs.",
        discussion: "EXAMPLE:\n  mailarc stats -a ~/mail.archive")
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let report = try await archive.with { workspace throws(KitError) in
            for warning in try workspace.anchorWarnings() { output.output.note("WARNING: \(warning)") }
            return try await workspace.statistics()
        }
        try output.output.render(report, command: "stats", text: Self.lines)
    }

    /// `1.2 MiB dead (3.4 %), 1.0 MiB of it erased`
    private static func dead(_ report: StatisticsReport) -> String {
        let erased = report.erasedOctets > 0 ? ", \(Format.octets(report.erasedOctets)) of it erased" : ""
        return "\(Format.octets(report.deadOctets)) dead (\(Format.tenths(report.deadShare * 100)) %)" + erased
    }

    static func lines(_ report: StatisticsReport) -> [String] {
        let ratio =
            report.totalOctets > 0 ? Double(report.occurrenceOctets) / Double(report.totalOctets) : 0
        var rows = [
            ["archive", report.archive + (report.isPlain ? "  (PLAIN: not protected)" : "")],
            [
                "messages",
                Format.count(report.messages) + " in " + Format.plural(report.occurrences, "occurrence"),
            ],
            ["mailboxes", "\(Format.count(report.mailboxes)) of \(Format.plural(report.accounts, "account"))"],
            ["quarantined", Format.count(report.quarantined)],
        ]
        if !report.skipped.isEmpty {
            rows.append(["skipped", report.skipped.map { "\($0.count) \($0.reason)" }.joined(separator: ", ")])
        }
        if report.expiring > 0 {
            rows.append([
                "not for good",
                "\(Format.count(report.expiring)), \(Format.count(report.expired)) of them due: mailarc expire",
            ])
        }
        rows += [
            ["as copies", Format.octets(report.occurrenceOctets)], ["distinct", Format.octets(report.messageOctets)],
            [
                "on disk",
                "\(Format.octets(report.totalOctets))  (copies : archive = \(Format.tenths(ratio)) : 1)",
            ],
            ["  packs", "\(Format.octets(report.packOctets)) in \(report.packs), \(Self.dead(report))"],
            ["  catalog", Format.octets(report.catalogOctets)], ["  keys", Format.octets(report.vaultOctets)],
            [
                "  ledger",
                "\(Format.octets(report.ledgerOctets)), \(Format.plural(Int(report.ledgerSize), "leaf")), root \(report.ledgerRoot.prefix(16))…",
            ],
            ["  state", Format.octets(report.stateOctets)],
        ]
        if report.parityOctets > 0 { rows.append(["  parity", Format.octets(report.parityOctets)]) }
        return Format.table(rows)
    }
}

/// `mailarc version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Show the version of program and format.",
        discussion: "EXAMPLE:\n  mailarc version --json")
    @OptionGroup var output: OutputOptions

    func run() throws {
        try output.output.render(
            ["version": Version.number, "format": Version.format], command: "version"
        ) { _ in
            [Version.text]
        }
    }
}
