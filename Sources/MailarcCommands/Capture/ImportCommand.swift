import ArgumentParser
import MailarcKit

/// A place in the file system: `maildir:PATH`, `mbox:PATH`, `eml:PATH`.
struct FilePlace: ExpressibleByArgument {
    enum Kind: String, CaseIterable { case maildir, mbox, eml }
    var kind: Kind
    var path: String

    init?(argument: String) {
        let halves = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, let kind = Kind(rawValue: String(halves[0])), !halves[1].isEmpty else {
            return nil
        }
        (self.kind, path) = (kind, String(halves[1]))
    }

    var source: ImportSource {
        switch kind {
        case .maildir: .maildir(path: path)
        case .mbox: .mbox(path: path)
        case .eml: .eml(path: path)
        }
    }

    var target: ExportTarget {
        switch kind {
        case .maildir: .maildir(path: path)
        case .mbox: .mbox(path: path)
        case .eml: .eml(path: path)
        }
    }
}

/// `mailarc import`
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take mail from a Maildir, mbox or folder of .eml files into the archive.",
        discussion: """
            Messages are archived octet for octet, with flags and dates. Importing again adds only what is new.

            EXAMPLES:
              mailarc import maildir:/home/me/Maildir -a ~/mail.archive --account old-laptop
              mailarc import mbox:/var/mail/me -a ~/mail.archive
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "maildir:PATH, mbox:PATH (a file or a tree) or eml:PATH.") var source: FilePlace
    @Option(help: "The name under which it stands in the archive (default: import).") var account =
        "import"
    @Flag(name: [.customShort("n"), .long], help: "Say what would be done; change nothing.")
    var dryRun = false
    @OptionGroup var compression: CompressionOptions

    func run() async throws {
        let progress = output.progressView
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.importMail(
                source.source, account: account, dryRun: dryRun, compressionLevel: compression.level(),
                progress: progress.handler)
        }
        progress.finish()
        try output.output.render(report, command: "import") { PullText.lines($0, isDryRun: dryRun) }
        if !report.isComplete { throw Outcome(status: .incomplete) }
    }
}
