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

            EXAMPLES:
              mailarc check -a ~/mail.archive
              mailarc check -a /mnt/copy --level 0
              mailarc check -a ~/mail.archive --sample 0.05 --json
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "0, 1, 2 or 3.") var level = 3
    @Option(help: "The share of blobs that level 3 reads, over 0 and at most 1.") var sample = 1.0

    func validate() throws {
        guard (0...3).contains(level) else { throw ValidationError("--level takes 0, 1, 2 or 3") }
        guard sample > 0 && sample <= 1 else {
            throw ValidationError("--sample takes a share over 0 and at most 1")
        }
    }

    func run() async throws {
        let progress = output.progressView
        let report =
            level == 0
            ? try await Workspace.checkWithoutKeys(at: archive.path(), progress: progress.handler)
            : try await archive.with { workspace throws(KitError) in
                for warning in try workspace.anchorWarnings() { output.output.note("WARNING: \(warning)") }
                return try await workspace.check(level: level, sample: sample, progress: progress.handler)
            }
        progress.finish()
        try output.output.render(report, command: "check", text: Self.lines)
        if !report.isClean { throw Outcome(status: .damaged) }
    }

    static func lines(_ report: CheckReport) -> [String] {
        let extent =
            "level \(report.level): \(Format.plural(report.packs, "pack")), \(Format.plural(report.blobs, "blob")), "
            + "\(Format.plural(report.messages, "message")), \(Format.octets(report.octets)), "
            + "\(Format.count(Int(report.leaves))) ledger leaves"
        let findings = report.findings.map { finding in
            "DAMAGED \(finding.path)" + (finding.offset.map { " at \($0)" } ?? "")
                + ": \(finding.problem)"
        }
        return findings + [report.isClean ? "clean, \(extent)" : "\(findings.count) FOUND, \(extent)"]
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
