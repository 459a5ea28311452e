import ArgumentParser
import MailarcKit

/// `mailarc key …`
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Add, list and remove the keys that open the archive.",
        subcommands: [Add.self, List.self, Remove.self])

    /// `mailarc key add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a passphrase or key file.",
            discussion: """
                The options --passphrase-… and --key-file open the archive; the --new-… ones say what to add.

                EXAMPLES:
                  mailarc key add -a ~/mail.archive --label "safe, printed"
                  mailarc key add -a ~/mail.archive --passphrase-file old --new-key-file /media/usb/mailarc.key
                """)

        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Add this key file.") var newKeyFile: String?
        @Option(help: "Read the new passphrase from this file.") var newPassphraseFile: String?
        @Option(help: "Read the new passphrase from this file descriptor.") var newPassphraseFd: Int32?
        @Option(help: "A name for the key.") var label = ""

        func run() async throws {
            var fresh = UnlockOptions()
            (fresh.keyFile, fresh.passphraseFile) = (newKeyFile, newPassphraseFile)
            (fresh.passphraseFd, fresh.passphraseCommand) = (newPassphraseFd, nil)
            let slot = try NewSlotInput(unlocking: fresh).slot()
            let row = try await archive.with { workspace throws(KitError) in
                try await workspace.addKey(slot, label: label)
            }
            try output.output.render(row, command: "key add") {
                ["Added \($0.type) key \($0.id.prefix(12))"]
            }
        }
    }

    /// `mailarc key list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the keys.", discussion: "EXAMPLE:\n  mailarc key list -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let rows = try await archive.with { workspace throws(KitError) in try workspace.keys() }
            try output.output.render(rows, command: "key list") { rows in
                Format.table(rows.map { [String($0.id.prefix(12)), $0.type, $0.created, $0.label] })
            }
        }
    }

    /// `mailarc key remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove a key; the last one stays.",
            discussion: """
                Whoever kept a copy of the removed key and an old copy of keys/ can still open the archive: rotate the \
                archive's key when a key was stolen.

                EXAMPLE:
                  mailarc key remove -a ~/mail.archive 3f9c2a
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The key's id or a unique prefix, from 'key list'.") var id: String

        func run() async throws {
            let row = try await archive.with { workspace throws(KitError) in
                try await workspace.removeKey(id)
            }
            try output.output.render(row, command: "key remove") {
                ["Removed \($0.type) key \($0.id.prefix(12))"]
            }
        }
    }
}
