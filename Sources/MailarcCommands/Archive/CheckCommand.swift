import ArgumentParser
import MailarcKit

/// `mailarc check`
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Verify the archive; name whatever is damaged.",
        discussion: """
            Level 0 needs no key: names, checksums, signatures, the ledger's tree.
            Level 1 compares footers, journal and ledger entries. Level 2 compares keys and ledger.
            Level 3 (default) decrypts everything, rebuilds each message and compares it with the ledger; --sample 0.05 \
            takes one in twenty.
            Level 4 also makes anew what is derived, catalog and parity, and compares it field by field.

            An older state of the whole folder is genuine in all its parts: keep the checkpoint of a clean check \
            elsewhere (--write-checkpoint) and give it to the next one (--trusted-checkpoint).

            EXIT CODES for monitoring: 0 clean, 4 damaged, 14 only caches, 15 tampered with, 16 whole but for what the \
            ledger calls lost; others: it could not be opened (mailarc help).

            EXAMPLES:
              mailarc check -a ~/mail.archive
              mailarc check -a /mnt/copy --level 0
              mailarc check -a ~/mail.archive --sample 0.05 --json
              mailarc check -a ~/mail.archive --trusted-checkpoint ~/seen --write-checkpoint ~/seen
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "0, 1, 2, 3 or 4.") var level = 3
    @Option(help: "The share of blobs that level 3 reads, over 0 and at most 1.") var sample = 1.0
    @Option(
        help: ArgumentHelp("A checkpoint kept elsewhere: what it signed must still be there.", valueName: "file"),
        completion: .file())
    var trustedCheckpoint: String?
    @Option(
        help: ArgumentHelp("Where to keep the archive's checkpoint if the check is clean.", valueName: "file"),
        completion: .file())
    var writeCheckpoint: String?

    func validate() throws {
        guard (0...4).contains(level) else { throw ValidationError("--level takes 0, 1, 2, 3 or 4") }
        guard sample > 0 && sample <= 1 else {
            throw ValidationError("--sample takes a share over 0 and at most 1")
        }
    }

    func run() async throws {
        let progress = output.progressView
        let trusted = try trustedCheckpoint.map { path throws(KitError) in
            try TrustedCheckpoint(try Secrets.file(path, what: "checkpoint"), from: path)
        }
        let report =
            level == 0
            ? try await Workspace.checkWithoutKeys(
                at: archive.path(), trusting: trusted, progress: progress.handler)
            : try await archive.with { workspace throws(KitError) in
                for warning in try workspace.anchorWarnings() { output.output.note("WARNING: \(warning)") }
                return try await workspace.check(
                    level: level, sample: sample, trusting: trusted, progress: progress.handler)
            }
        progress.finish()
        try output.output.render(report, command: "check", text: Self.lines)
        if let writeCheckpoint {
            if report.verdict < .damaged {
                try Workspace.writeCheckpoint(of: archive.path(), to: writeCheckpoint)
            } else {
                output.output.note("WARNING: \(writeCheckpoint) is left as it was: the archive is not whole")
            }
        }
        guard report.verdict == .clean else { throw Outcome(status: ExitStatus(report.verdict)) }
    }

    static func lines(_ report: CheckReport) -> [String] {
        let extent =
            "level \(report.level): \(Format.plural(report.packs, "pack")), \(Format.plural(report.blobs, "blob")), "
            + "\(Format.plural(report.messages, "message")), \(Format.octets(report.octets)), "
            + "\(Format.count(Int(report.leaves))) ledger leaves"
        let findings = report.findings.map { finding in
            "\(finding.verdict.rawValue.uppercased()) \(finding.path)"
                + (finding.offset.map { " at \($0)" } ?? "") + ": \(finding.problem)"
        }
        var notes = report.notes.map { "NOTE \($0)" }
        if report.lostBlobs > 0 {
            notes.append(
                "LOST \(Format.plural(report.lostMessages, "message")) not to be rebuilt, "
                    + "\(Format.plural(report.lostBlobs, "blob")), as the ledger says")
        }
        guard !report.isClean else { return notes + ["\(report.verdict.rawValue), \(extent)"] }
        var mends: [String] = []
        for finding in report.findings where !mends.contains(finding.mend) { mends.append(finding.mend) }
        return findings + notes + ["\(findings.count) FOUND, \(report.verdict.rawValue), \(extent)"]
            + mends.map { "  → \($0)" }
    }
}

/// `mailarc rebuild-catalog`
struct RebuildCatalogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild-catalog", abstract: "Make the catalog anew from the packs.",
        discussion:
            "The catalog is a cache; nothing is lost with it.\n\nEXAMPLE:\n  mailarc rebuild-catalog -a ~/mail.archive"
    )
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let progress = output.progressView
        let report = try await Workspace.rebuildCatalog(
            at: archive.path(), unlocking: archive.unlocking.unlocking(), progress: progress.handler)
        progress.finish()
        try output.output.render(report, command: "rebuild-catalog") { report in
            [
                "Rebuilt: \(Format.plural(report.messages, "message")), \(Format.plural(report.events, "event")), "
                    + Format.octets(report.octets)
            ]
        }
    }
}
