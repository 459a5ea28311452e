import ArgumentParser
import MailarcKit

/// `mailarc erase`
struct EraseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase", abstract: "Erase messages for ever, and say so in the ledger.",
        discussion: """
            Destroys the keys of the messages, of attachments no other message has, and of everything that was derived \
            from them. Shows first what will go and asks; without a terminal it wants --yes. Killed on the way, the next \
            command goes on. The messages stay on the mail server and are not taken again. \
            What it proves and what not: Documentation/Erasure.md.
            EXAMPLES:
              mailarc erase -a ~/mail.archive from:anna@example.org --dry-run
              mailarc erase -a ~/mail.archive from:anna@example.org --basis gdpr-17
              mailarc erase -a ~/mail.archive --id 5b1d0c --yes
            """)
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "Erase the message with this id or unique prefix; may be given several times.") var id: [String] = []
    @Option(
        help: ArgumentHelp(
            "Why, one word for the ledger: gdpr-17, retention, court, request, …", valueName: "word"))
    var basis = "request"
    @OptionGroup var consent: ErasureConsent
    @Flag(help: "Leave no tombstones: the next pull takes again what is still on the server.") var forget = false
    @Argument(help: "The query, as for search; several arguments are one query.") var query: [String] = []

    func validate() throws {
        guard !query.isEmpty || !id.isEmpty else { throw ValidationError("name the messages: a query, or --id") }
        let isWord = basis.utf8.allSatisfy { octet in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) || octet == UInt8(ascii: "-")
        }
        guard isWord, (1...64).contains(basis.utf8.count) else {
            throw ValidationError("--basis takes one word of a-z, 0-9 and -")
        }
    }

    func run() async throws {
        let text = query.isEmpty ? nil : query.joined(separator: " ")
        let (ids, output) = (id, output.output)
        let report: ErasureReport? = try await archive.with { workspace throws(KitError) in
            let selection = try await workspace.planErasure(query: text, ids: ids)
            guard try consent.isGiven(for: selection.report, command: "erase", output) else { return nil }
            return try await workspace.erase(selection, basis: basis, forgets: forget)
        }
        guard let report else { return }
        try output.render(report, command: "erase", text: ErasureText.lines)
        if report.isPending { throw Outcome(status: .incomplete) }
    }
}
