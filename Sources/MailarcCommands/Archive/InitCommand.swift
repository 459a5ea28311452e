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
            """)

    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Option(help: "A name for this key, shown by 'key list'.")
    var label = ""
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
        let slot = try NewSlotInput(unlocking: archive.unlocking, isPlain: plain).slot()
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
}

/// Takes a new passphrase (twice by prompt) or key file.
struct NewSlotInput {
    var unlocking: UnlockOptions
    var isPlain = false

    func slot() throws(KitError) -> NewSlot {
        if isPlain { return .plain }
        if let keyFile = unlocking.keyFile {
            let key = try Secrets.file(keyFile, what: "key")
            guard key.count >= 32 else {
                throw KitError(
                    .usage, "the key file \(keyFile) has fewer than 32 octets", hint: "openssl rand -hex 32")
            }
            return .keyFile(key)
        }
        let passphrase = try unlocking.passphrase(prompt: "New passphrase: ")
        guard !passphrase.isEmpty else { throw KitError(.usage, "the passphrase is empty") }
        if !unlocking.isGiven {
            let again = Secrets.trimmed(try Secrets.prompt("Once more: "))
            guard again == passphrase else { throw KitError(.usage, "the two passphrases differ") }
        }
        return .passphrase(passphrase)
    }
}
