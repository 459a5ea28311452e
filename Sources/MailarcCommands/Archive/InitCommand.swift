import ArgumentParser
import MailarcKit

/// `mailarc init`
struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Create an archive.",
        discussion: """
            Asks for a passphrase twice, or takes it from --passphrase-file, --passphrase-fd or --passphrase-command. \
            With --key-file the file's octets open the archive instead; make one with: openssl rand -hex 32.
            A lost passphrase cannot be recovered: add a second key with 'mailarc key add'.

            EXAMPLES:
              mailarc init -a ~/mail.archive
              mailarc init -a /srv/archive --key-file /etc/mailarc/key
              mailarc init -a /srv/archive --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudyycaesvr0m6s
            """)

    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "A name for this key, shown by 'key list'.")
    var label = ""
    @Option(help: ArgumentHelp("Let whoever has this age identity open the archive.", valueName: "age1…"))
    var recipient: String?
    @Flag(
        help:
            "Protect nothing: the key is stored beside the data. Anybody with the folder can read all mail."
    )
    var plain = false

    func run() async throws {
        if plain {
            output.output.note(
                "WARNING: a plain archive is NOT protected: whoever has the folder can read all mail in it."
            )
        }
        let slot = try newSlot()
        let report = try await Workspace.create(at: archive.path(), slot: slot, label: label)
        try output.output.render(report, command: "init") { report in
            [
                "Created archive \(report.archive) in \(report.path)",
                report.isPlain
                    ? "It is PLAIN: nothing in it is protected."
                    : "Encrypted with AES-256-GCM; opened by one \(report.slot) key.",
            ]
        }
    }

    private func newSlot() throws(KitError) -> NewSlot {
        if plain { return .plain }
        if let recipient { return .recipient(try Recipient(recipient)) }
        let options = archive.unlocking
        return try NewSlotInput(keyFile: options.keyFile, passphrase: options.source).slot()
    }
}
