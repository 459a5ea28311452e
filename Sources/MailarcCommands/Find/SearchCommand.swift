import ArgumentParser
import MailarcKit

/// `mailarc search`
struct SearchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Find messages by words, phrases, fields and dates.",
        discussion: """
            Words are found in subject, addresses, text and attachment names, without regard to case and accents. \
            The whole language is in Documentation/Search.md.

            EXAMPLES:
              mailarc search -a ~/mail.archive invoice
              mailarc search -a ~/mail.archive '"annual report" from:anna after:2024-01 -draft'
              mailarc search -a ~/mail.archive 'subject:(offer OR quote) has:attachment larger:1M' --json
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "How many messages to show.") var limit = 50
    @Option(help: "How many to skip first.") var offset = 0
    @Argument(help: "The query; several arguments are one query. Quote it when a word begins with -.")
    var query: [String] = []

    func run() async throws {
        guard !query.isEmpty else {
            throw KitError(.badQuery, "the query is empty", hint: "mailarc help search")
        }
        let text = query.joined(separator: " ")
        let report = try await archive.with { workspace throws(KitError) in
            try await workspace.search(text, limit: max(0, limit), offset: max(0, offset))
        }
        try output.output.render(report, command: "search") { report in
            MessageText.lines(report.messages) + [
                report.total == report.messages.count
                    ? Format.plural(report.total, "message")
                    : "\(Format.count(report.messages.count)) of \(Format.plural(report.total, "message"))"
            ]
        }
    }
}
