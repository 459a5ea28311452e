public import ArgumentParser
public import MailarcKit

/// `mailarc backup`
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Copy the archive to another folder, or bring the copy up to date.",
        discussion: """
            The copy is an archive by itself, at every instant: interrupted, it stays what it was before. What was \
            copied is read back from the destination. Erasures reach the copy with the next backup, and keys removed \
            here are removed there. A folder that holds anything else, a newer copy, or one that was written to since \
            is refused and left as it is.

            EXAMPLES:
              mailarc backup /mnt/disk/mail.archive -a ~/mail.archive
              mailarc backup /mnt/disk/mail.archive --verify full --json
              mailarc check -a /mnt/disk/mail.archive --level 0
            """)
    @Argument(help: "The folder of the copy; made if it does not exist.") var destination: String
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "What to read back: new (what was copied), full (everything there; damage is mended), none.")
    var verify: BackupVerification = .new
    @Flag(help: "Say what would be copied and removed; change nothing.") var dryRun = false

    func run() async throws {
        let progress = output.progressView
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.backup(
                to: destination, verify: verify, dryRun: dryRun, progress: progress.handler)
        }
        progress.finish()
        try output.output.render(report, command: "backup", text: Self.lines)
        if report.problems.contains(where: { $0.contains("damaged") }) { throw Outcome(status: .damaged) }
        if !report.problems.isEmpty { throw Outcome(status: .incomplete) }
    }

    static func lines(_ report: BackupReport) -> [String] {
        let copied = "\(Format.plural(report.copiedFiles, "file")) (\(Format.octets(report.copiedOctets)))"
        if report.isDryRun {
            return ["Would copy \(copied) to \(report.destination) and remove \(report.removedFiles) there"]
        }
        var lines = report.mended.map { "MENDED \($0)" } + report.problems.map { "PROBLEM \($0)" }
        let isUnchanged = report.copiedFiles == 0 && report.removedFiles == 0
        let work = isUnchanged ? "Nothing to copy" : "Copied \(copied), removed \(report.removedFiles)"
        let verified =
            report.verifiedFiles > 0
            ? ", read back \(Format.plural(report.verifiedFiles, "file")) (\(Format.octets(report.verifiedOctets)))"
            : ""
        lines.append("\(work)\(verified): \(report.destination)")
        if report.erasures > 0 { lines.append("\(Format.plural(report.erasures, "erasure")) reached the copy") }
        if report.needsAnchor {
            lines.append("The copy needs the erasure secret of an anchor to open: keep it safe too")
        }
        return lines
    }
}

extension BackupVerification: ExpressibleByArgument {}
