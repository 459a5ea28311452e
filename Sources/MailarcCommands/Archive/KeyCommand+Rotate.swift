import ArgumentParser
import MailarcKit

extension KeyCommand {
    /// `mailarc key rotate`
    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Put a new key in the place of one; or give the log a new signing key.",
            discussion: """
                --slot: the new passphrase, key file or recipient is durable before the old key is removed; it takes \
                over the old one's label. The root key behind all slots does not change: whoever had the old key and \
                a copy of the old slot keeps access (Documentation/Keys.md).

                --log: checkpoints are signed with a new key from now on. The old key signs that it hands over, old \
                checkpoints stay valid with it, and 'key export log' gives auditors all of them.

                EXAMPLES:
                  mailarc key rotate -a ~/mail.archive --slot 3f9c2a
                  mailarc key rotate -a ~/mail.archive --slot 3f9c2a --recipient-file new.pub
                  mailarc key rotate -a ~/mail.archive --log
                """)

        @OptionGroup var archive: ArchiveOptions
        @OptionGroup(title: "The new key") var fresh: NewKeyOptions
        @OptionGroup var output: OutputOptions
        @Option(help: ArgumentHelp("The key to replace: its id or a unique prefix, from 'key list'.", valueName: "id"))
        var slot: String?
        @Option(help: "A name for the new key (default: that of the old one).") var label: String?
        @Flag(help: "Give the log a new signing key.") var log = false
        @Flag(help: "Say what would be done, and do nothing.") var dryRun = false

        func validate() throws {
            guard (slot != nil) != log else { throw ValidationError("give either --slot ID or --log") }
        }

        func run() async throws {
            if let slot { try await rotate(slot) } else { try await rotateLog() }
        }

        private func rotate(_ id: String) async throws {
            let slot = dryRun ? nil : try fresh.slot()
            let rotation = try await archive.with { workspace throws(KitError) in
                try await workspace.rotateKey(id, to: slot, label: label)
            }
            try output.output.render(rotation, command: "key rotate") { rotation in
                let old = "\(rotation.removed.type) key \(rotation.removed.id.prefix(12))"
                guard let new = rotation.added else { return ["Would replace \(old)"] }
                return ["Replaced \(old) by \(new.type) key \(new.id.prefix(12))"]
            }
        }

        private func rotateLog() async throws {
            let report =
                dryRun
                ? try Workspace.logKeys(at: archive.path())
                : try await archive.with { workspace throws(KitError) in try await workspace.rotateLogKey() }
            try output.output.render(report, command: "key rotate") { report in
                guard let key = report.keys.last else { return [] }
                return dryRun
                    ? ["Would replace the log key \(key.fingerprint.prefix(16))"]
                    : [
                        "The log key is now \(key.fingerprint)",
                        "It signs trees of \(key.firstSize) leaves and more; give it to auditors: mailarc key export log",
                    ]
            }
        }
    }
}
