import ArgumentParser
import MailarcKit

/// `mailarc copy`
struct CopyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy", abstract: "Copy one IMAP account to another, by imapsync's options.",
        usage: "mailarc copy --host1 HOST --user1 USER --passfile1 FILE --host2 HOST --user2 USER --passfile2 FILE …",
        discussion: """
            The same as 'mailarc sync … --strategy copy': the destination gets what the source has and keeps what else it \
            has. A command line of imapsync does here what it does there; nothing is added to a message, messages \
            without or with a repeated Message-ID are copied, and a second run copies nothing. An option that is not \
            taken is refused with what replaces it. Certificates are checked (--sslargs1 SSL_ca_file=PATH).

            --list-options prints every option of imapsync and what becomes of it (Documentation/Copy.md).

            EXAMPLES:
              mailarc copy --host1 old.example.org --user1 anna --passfile1 pw1 \\
                --host2 new.example.org --user2 anna --passfile2 pw2 --dry
              mailarc copy --host1 … --folder INBOX --maxage 30 --exclude '^Junk' --subfolder2 Old
            """)
    @OptionGroup var output: OutputOptions
    @Flag(help: "Print every option of imapsync and what becomes of it, and end.") var listOptions = false
    @Option(
        help: ArgumentHelp("A mailbox, and those below it, has another name in the destination.", valueName: "from=to"))
    var rename: [String] = []
    @Option(help: ArgumentHelp("Keep what is known of the pair here.", valueName: "folder")) var state: String?
    @Option(
        help: ArgumentHelp(
            "Delete in the source what arrived so long ago, once its copy was read back and found equal.",
            valueName: "age"))
    var deleteSourceAfter: String?
    @Flag(help: "With --delete2: delete however many messages there are.") var allowMassDelete = false
    @Flag(name: .shortAndLong, help: "Print what is done with each message.") var verbose = false
    @OptionGroup var log: SyncLogOptions
    @OptionGroup(title: "Limits") var throttle: ThrottleOptions
    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("imapsync's options.", visibility: .hidden))
    var options: [String] = []

    func validate() throws {
        try SyncText.check(verbose: verbose, output)
        for rule in rename where SelectionOptions.rule(rule) == nil {
            throw ValidationError("--rename takes FROM=TO, not \(rule)")
        }
        if let deleteSourceAfter, Quantity.seconds(deleteSourceAfter) == nil {
            throw ValidationError("not an age such as 30d, 12h, 4w or 1y: \(deleteSourceAfter)")
        }
    }

    func run() async throws {
        if listOptions {
            let rows = CopyOption.all.map { CopyRow($0) }
            return try output.output.render(rows, command: "copy") { rows in
                Format.table(rows.map { ["--" + $0.option, $0.verdict, $0.text] })
            }
        }
        let arguments = try CopyArguments(options)
        for name in arguments.needless {
            output.output.note("--\(name) may be left out: \(CopyOption.byName[name]?.verdict.text ?? "")")
        }
        var request = try arguments.request()
        request.map = rename.compactMap(SelectionOptions.rule)
        request.limits = try arguments.limits(throttle.limits)
        if let deleteSourceAfter { request.sourceDeletionAge = Quantity.seconds(deleteSourceAfter) }
        (request.stateFolder, request.allowsMassDelete) = (state, allowMassDelete)
        try await SyncText.run(
            arguments.endpoint(1), arguments.endpoint(2), request, output,
            SyncTelling(log: try log.open(), isVerbose: verbose), command: "copy")
    }
}

/// A row of `--list-options`.
private struct CopyRow: Encodable {
    let option: String
    let verdict: String
    let text: String

    init(_ option: CopyOption) {
        let text = option.verdict.text
        (self.option, verdict, self.text) = (option.name, option.verdict.word, text.isEmpty ? "as in imapsync" : text)
    }
}
