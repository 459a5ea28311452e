import ArgumentParser
import MailarcKit

/// `mailarc repair`
struct RepairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair", abstract: "Make damaged files whole again, from copies of the archive and from itself.",
        discussion: """
            Checks the archive, then mends what it can: footers and indexes from each other, the catalog from the packs, \
            and with --from whatever a copy (mailarc backup) has whole. Nothing is guessed: a file is put in place when its \
            SHA-256 or signature proves it, or when the archive passes the check with it and is not older than before. \
            What was erased does not come back. The ledger tells what was mended.
            With --accept-loss the ledger also tells what is gone for good, blob by blob, and later checks take it for \
            what it is: a loss, exit code 16, no damage. Try every copy first.

            --add-parity puts every sealed pack into a stripe of XOR parity (a sixteenth of the space): one damaged or lost \
            pack of each stripe can then be mended without any copy.

            EXAMPLES:
              mailarc repair -a ~/mail.archive --dry-run
              mailarc repair -a ~/mail.archive --from /mnt/disk/mail.archive
              mailarc repair -a ~/mail.archive --accept-loss
              mailarc repair -a ~/mail.archive --add-parity
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(
        help: ArgumentHelp("A folder with a copy of this archive; may be given several times.", valueName: "folder"))
    var from: [String] = []
    @Flag(help: "Tell in the ledger what cannot be had back, and go on without it.") var acceptLoss = false
    @Flag(help: "Then put all sealed packs into stripes of parity.") var addParity = false
    @Flag(help: "Say what could be mended; change nothing.") var dryRun = false

    func validate() throws {
        if dryRun && acceptLoss {
            throw ValidationError("--dry-run changes nothing, --accept-loss does: give one of them")
        }
    }

    func run() async throws {
        var request = RepairRequest()
        (request.replicas, request.acceptsLoss, request.isDryRun) = (from, acceptLoss, dryRun)
        let progress = output.progressView
        var report = try await Workspace.repair(
            at: archive.path(), unlocking: archive.unlocking.unlocking(), request, progress: progress.handler)
        if addParity, report.isSound {
            report.parity = try await archive.with { workspace throws(KitError) in
                try await workspace.addParity(isDryRun: dryRun, progress: progress.handler)
            }
        }
        progress.finish()
        try output.output.render(report, command: "repair", text: Self.lines)
        if !report.isSound || report.parity?.damaged.isEmpty == false { throw Outcome(status: .damaged) }
        if !report.lost.isEmpty { throw Outcome(status: .lost) }
    }

    private static func line(_ report: ParityReport, isDryRun: Bool) -> String {
        let packs = "\(Format.plural(report.packs, "pack")) in parity"
        guard report.newStripes > 0 else { return packs }
        return "\(packs), \(isDryRun ? "would write " : "")\(Format.plural(report.newStripes, "new stripe")) "
            + "(\(Format.octets(report.newOctets)))"
    }

    static func lines(_ report: RepairReport) -> [String] {
        var lines = report.mended.map { "\(report.isDryRun ? "WOULD MEND" : "MENDED") \($0.path): \($0.source)" }
        lines += report.lost.map { "LOST \($0.kind) \($0.id)" }
        lines += report.left.map { finding in
            "LEFT \(finding.path)" + (finding.offset.map { " at \($0)" } ?? "") + ": \(finding.problem)"
        }
        let parity = report.parity.map { [line($0, isDryRun: report.isDryRun)] } ?? []
        if report.found == 0, report.mended.isEmpty { return lines + ["Nothing to mend"] + parity }
        var summary = "\(Format.plural(report.mended.count, "file")) \(report.isDryRun ? "can be" : "") mended"
        if !report.lost.isEmpty {
            summary += ", \(Format.plural(report.lost.count, "blob")) lost, as the ledger tells now"
        }
        if !report.left.isEmpty { summary += ", \(Format.plural(report.left.count, "finding")) left" }
        return lines + [summary.replacing("  ", with: " ")] + parity
    }
}
