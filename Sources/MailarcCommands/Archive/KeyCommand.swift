import ArgumentParser
import MailarcKit

/// `mailarc key …`
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Add, list, change and remove the keys of the archive.",
        subcommands: [Add.self, List.self, Rotate.self, Remove.self, Export.self])

    /// `mailarc key add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Add a passphrase, a key file or a recipient.",
            discussion: """
                The options under UNLOCKING open the archive; --new-… and --recipient… say what to add. A recipient \
                is an age public key: its identity stays where it is, in a file, a token or an agent, and opens the \
                archive with --identity-file or --identity-command.

                EXAMPLES:
                  mailarc key add -a ~/mail.archive --label "safe, printed"
                  mailarc key add -a ~/mail.archive --passphrase-file old --new-key-file /media/usb/mailarc.key
                  mailarc key add -a ~/mail.archive --recipient-file auditor.pub --label auditor
                """)

        @OptionGroup var archive: ArchiveOptions
        @OptionGroup(title: "The new key") var fresh: NewKeyOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "A name for the key.") var label = ""

        func run() async throws {
            let slot = try fresh.slot()
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
            commandName: "list",
            abstract: "List the keys.",
            discussion: """
                Columns: id, type, created, label, and of x25519 keys the recipient. Keys of type unknown were made by \
                a later version and are passed over when opening.

                EXAMPLE:
                  mailarc key list -a ~/mail.archive
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let rows = try await archive.with { workspace throws(KitError) in try workspace.keys() }
            try output.output.render(rows, command: "key list") { rows in
                Format.table(
                    rows.map { [String($0.id.prefix(12)), $0.type, $0.created, $0.label, $0.recipient ?? ""] })
            }
        }
    }

    /// `mailarc key remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Remove a key; the last one stays.",
            discussion: """
                Whoever kept a copy of the removed key and an old copy of keys/ can still open the archive and what \
                is added to it: the root key behind all slots never changes (Documentation/Keys.md).

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
