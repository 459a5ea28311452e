import ArgumentParser
import MailarcKit

/// `mailarc compact`
struct CompactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact", abstract: "Write packs anew without what is dead or erased in them.",
        discussion: """
            An erased message cannot be read any more; its octets stay in their pack until this command writes the pack \
            anew. A pack that holds anything erased is always taken, others when more than --min-dead percent of them is \
            dead; sealed packs under 8 MiB are put together. Mail is copied as it is, sealed; nothing is decrypted.
            Needs free space for one new pack at a time (32 MiB, or the size of the largest message). It can be \
            interrupted at any instant; others may read meanwhile.

            EXAMPLES:
              mailarc compact -a ~/mail.archive --dry-run
              mailarc compact -a ~/mail.archive
              mailarc compact -a ~/mail.archive --min-dead 20
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: ArgumentHelp("Take packs of which more than this share is dead.", valueName: "percent"))
    var minDead = 5.0
    @Flag(help: "Only say what would be done.") var dryRun = false

    func validate() throws {
        guard (0...100).contains(minDead) else { throw ValidationError("--min-dead takes 0 to 100") }
    }

    func run() async throws {
        let progress = output.progressView
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.compact(
                minimumDeadShare: minDead / 100, isDryRun: dryRun, progress: progress.handler)
        }
        progress.finish()
        try output.output.render(report, command: "compact", text: Self.lines)
    }

    static func lines(_ report: CompactionReport) -> [String] {
        guard !report.packs.isEmpty else { return ["Nothing to compact"] }
        let packs = "\(Format.plural(report.packs.count, "pack")) by \(Format.count(report.newPacks))"
        var dead = ""
        if report.deadOctets > 0 { dead = ", \(Format.octets(report.deadOctets)) dead" }
        if report.erasedOctets > 0 { dead += ", \(Format.octets(report.erasedOctets)) of it erased" }
        if let freed = report.freedOctets { return ["Replaced \(packs)\(dead): \(Format.octets(freed)) freed"] }
        let rows = report.packs.map { row in
            [row.reason, Format.octets(row.octets), "\(Format.octets(row.deadOctets)) dead", row.pack]
        }
        return Format.table(rows, right: [1, 2]) + ["Would replace \(packs)\(dead)"]
    }
}
