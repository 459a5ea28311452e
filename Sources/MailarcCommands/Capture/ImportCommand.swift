import ArgumentParser
import FoundationEssentials
import MailarcKit

/// A place in the file system: `maildir:PATH`, `mbox:PATH`, `eml:PATH`.
struct FilePlace: ExpressibleByArgument {
    enum Kind: String, CaseIterable { case maildir, mbox, eml }
    var kind: Kind
    var path: String

    init?(argument: String) {
        guard let (kind, path) = Self.halves(argument), let kind = Kind(rawValue: kind) else { return nil }
        (self.kind, self.path) = (kind, path)
    }

    var target: ExportTarget {
        switch kind {
        case .maildir: .maildir(path: path)
        case .mbox: .mbox(path: path)
        case .eml: .eml(path: path)
        }
    }

    /// What stands before and behind the first colon, neither of them empty.
    static func halves(_ argument: String) -> (kind: String, path: String)? {
        let halves = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2, !halves[1].isEmpty else { return nil }
        return (String(halves[0]), String(halves[1]))
    }
}

/// A place that is only read: `zip:PATH`, `takeout:PATH`, ….
struct ImportPlace: ExpressibleByArgument {
    var kind: ImportSource.Kind
    var path: String

    init?(argument: String) {
        guard let (kind, path) = FilePlace.halves(argument), let kind = ImportSource.Kind(rawValue: kind) else {
            return nil
        }
        (self.kind, self.path) = (kind, path)
    }
}

/// `mailarc import`
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take mail from files of other programs into the archive.",
        discussion: """
            Messages are archived octet for octet, with flags and dates; only what comes of a PST is put together by \
            readpst. Importing again adds only what is new, and an import that was stopped goes on where it was. \
            Nothing is unpacked to a disk (Documentation/Import.md).

              maildir:PATH   a Maildir, a Maildir++ tree or a tree of Maildirs
              mbox:PATH      an mbox, or a tree of them, in any of the four dialects
              eml:PATH       a folder of .eml files
              emlx:PATH      Apple Mail: a .mbox folder, or all of them
              mh:PATH        MH: folders of numbered files
              zip:FILE       a zip archive of .eml files, mbox files and Maildirs
              tar:FILE       a tar archive of the same; .gz and .zst, too
              takeout:PATH   Gmail from Google Takeout: the .mbox, its folder, or the .zip or .tgz as it came
              pst:FILE       Outlook; needs readpst (Debian: pst-utils)

            EXAMPLES:
              mailarc import maildir:/home/me/Maildir -a ~/mail.archive --account old-laptop
              mailarc import mbox:/var/mail/me -a ~/mail.archive --errors not-taken.jsonl
              mailarc import emlx:Library/Mail/V10 -a ~/mail.archive --account mac
              mailarc import mh:/home/me/Mail -a ~/mail.archive --account nmh
              mailarc import zip:messages.zip -a ~/mail.archive --account case-7
              mailarc import tar:mail-2019.tar.zst -a ~/mail.archive --account backup-2019
              mailarc import takeout:takeout-20261130.zip -a ~/mail.archive --account gmail
              mailarc import pst:outlook.pst -a ~/mail.archive --account outlook
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "KIND:PATH; the kinds are maildir, mbox, eml, emlx, mh, zip, tar, takeout and pst.")
    var source: ImportPlace
    @Option(help: "The name under which it stands in the archive (default: import).") var account =
        "import"
    @Flag(help: "Undo the quoting of From_ lines in mbox files; messages that have any are not exact then.")
    var unescapeFrom = false
    @Option(help: ArgumentHelp("Write a line of JSON for each item that could not be taken.", valueName: "file"))
    var errors: String?
    @Flag(name: [.customShort("n"), .long], help: "Say what would be done; change nothing.")
    var dryRun = false
    @OptionGroup var compression: CompressionOptions

    func validate() throws {
        let kinds: [ImportSource.Kind] = [.mbox, .zip, .tar, .takeout]
        if unescapeFrom, !kinds.contains(source.kind) {
            throw ValidationError("--unescape-from is for mbox files, and \(source.kind.rawValue): has none")
        }
    }

    func run() async throws {
        let progress = output.progressView
        let place = ImportSource(source.kind, path: source.path, unescapes: unescapeFrom)
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.importMail(
                place, account: account, dryRun: dryRun, compressionLevel: compression.level(),
                progress: progress.handler)
        }
        progress.finish()
        if let errors { try Output.write(ImportErrors.lines(report), toFile: errors) }
        try output.output.render(report, command: "import") {
            PullText.lines($0, isDryRun: dryRun) + ImportText.lines($0, isDryRun: dryRun)
        }
        if !report.isComplete { throw Outcome(status: .incomplete) }
    }
}

/// The items that could not be taken, for other programs.
enum ImportErrors {
    private struct Line: Encodable {
        var place: String
        var mailbox: String
        var uid: UInt32
        var reason: String
        var detail: String
    }

    /// One object a line, each with the same fields.
    static func lines(_ report: PullReport) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try report.quarantined.flatMap { row in
            let line = Line(
                place: row.place ?? row.mailbox, mailbox: row.mailbox, uid: row.uid, reason: row.reason,
                detail: row.detail)
            return Array(try encoder.encode(line)) + [UInt8(ascii: "\n")]
        }
    }
}

/// What an import has to say besides what a pull has.
enum ImportText {
    static func lines(_ report: PullReport, isDryRun: Bool) -> [String] {
        guard let source = report.source else { return [] }
        var lines = source.dialects.map { "\($0.mailbox): \($0.dialect)" }
        if !isDryRun, report.newMessages > 0 {
            let counts = [
                ("exact", source.exact), ("From_-unescaped", source.unescaped), ("reconstructed", source.reconstructed),
            ]
            let words = counts.filter { $0.1 > 0 }.map { "\(Format.count($0.1)) \($0.0)" }
            lines.append("fidelity of what is new: " + words.joined(separator: ", "))
        }
        if !isDryRun { lines.append(balance(report)) }
        return lines + source.notes
    }

    /// Always said: what was there, and what became of it.
    private static func balance(_ report: PullReport) -> String {
        let found = report.mailboxes.reduce(0) { $0 + $1.server }
        let archived = report.mailboxes.reduce(0) { $0 + $1.archived }
        let refused = report.mailboxes.reduce(0) { $0 + $1.quarantined }
        let erased = report.mailboxes.reduce(0) { $0 + $1.erased }
        let others = report.source?.otherFiles.map { "; \(Format.plural($0, "other file")) left alone" } ?? ""
        return "counts: in \(Format.count(found)) = archived \(Format.count(archived)) + not taken "
            + Format.count(refused) + (erased > 0 ? " + erased \(Format.count(erased))" : "")
            + (found == archived + refused + erased ? "" : "  DOES NOT BALANCE") + others
    }
}
