import ArgumentParser
import MailarcKit

/// `mailarc dictionary …`
struct DictionaryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dictionary", abstract: "Train the compression on the archive's own mail.",
        subcommands: [Train.self, List.self])

    /// `mailarc dictionary train`
    struct Train: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "train",
            abstract: "Make a dictionary of lines that many messages share, and keep it if it pays.",
            discussion: """
                Only lines that stand in at least five messages by at least three senders, and hold no address, get in: \
                a dictionary cannot be erased without the mail that uses it. Half of the newest 20,000 messages train, \
                the other half tells what is gained; below 5 % nothing changes. Mail that comes later uses the new \
                dictionary.

                EXAMPLES:
                  mailarc dictionary train -a ~/mail.archive --dry-run
                  mailarc dictionary train -a ~/mail.archive
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Flag(name: [.customShort("n"), .long], help: "Train and measure; change nothing.") var dryRun = false

        func run() async throws {
            let progress = output.progressView
            let report = try await archive.with { workspace throws(KitError) in
                try await workspace.trainDictionary(dryRun: dryRun, progress: progress.handler)
            }
            progress.finish()
            try output.output.render(report, command: "dictionary train", text: Self.lines)
        }

        static func lines(_ report: DictionaryReport) -> [String] {
            guard report.octets > 0 else {
                return ["\(Format.plural(report.messages, "message")): too little in common; nothing changed"]
            }
            let gain = report.before > 0 ? 100 - Double(report.after) / Double(report.before) * 100 : 0
            let measured =
                "\(Format.plural(report.lines, "line")), \(Format.octets(report.octets)): small parts shrink by "
                + "\(Format.tenths(gain)) % (\(Format.octets(report.before)) to \(Format.octets(report.after)))"
            return [measured, report.isKept ? "kept" : report.pays ? "would be kept" : "not worth it; nothing changed"]
        }
    }

    /// `mailarc dictionary list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the dictionaries; the last one is used.",
            discussion: "EXAMPLE:\n  mailarc dictionary list -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let rows = try await archive.with { workspace throws(KitError) in workspace.dictionaries() }
            try output.output.render(rows, command: "dictionary list") { rows in
                Format.table(rows.map { [String($0.id), $0.origin, Format.octets($0.octets)] })
            }
        }
    }
}
