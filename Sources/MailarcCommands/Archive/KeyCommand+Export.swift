import ArgumentParser
import MailarcKit

extension KeyCommand {
    /// `mailarc key export …`
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "export",
            abstract: "Print the log's public keys, or the file of a key.", subcommands: [Log.self, Slot.self])

        /// `mailarc key export log`
        struct Log: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "log",
                abstract: "Print the log's public keys, the present one last, for auditors.",
                discussion: """
                    PEM with the SHA-256 of each key and the sizes of the trees it signs. Every former key signed the \
                    text under HANDOVER, which names the next: whoever trusts the first trusts the last. Needs no \
                    secret; compare a fingerprint with one that came another way.

                    EXAMPLES:
                      mailarc key export log -a ~/mail.archive > log-keys.pem
                      mailarc key export log -a ~/mail.archive --json
                    """)
            @OptionGroup var archive: ArchiveOptions
            @OptionGroup var output: OutputOptions

            func run() throws {
                let report = try Workspace.logKeys(at: archive.path())
                try output.output.render(report, command: "key export log") { report in
                    ["# \(report.origin)"]
                        + report.keys.flatMap { key in
                            let sizes = key.lastSize.map { "\(key.firstSize) to \($0)" } ?? "\(key.firstSize) and more"
                            let handover = [key.handoverText, key.handover].compactMap { $0 }.joined(separator: "")
                            return [
                                "# sha256 \(key.fingerprint), signs trees of \(sizes) leaves",
                                String(key.pem.dropLast()),
                            ] + (handover.isEmpty ? [] : ["# HANDOVER"] + Self.commented(handover))
                        }
                }
            }

            private static func commented(_ text: String) -> [String] {
                text.split(separator: "\n").map { "#   \($0)" }
            }
        }

        /// `mailarc key export slot`
        struct Slot: ParsableCommand {
            static let configuration = CommandConfiguration(
                commandName: "slot",
                abstract: "Print the file of a key, for safe-keeping.",
                discussion: """
                    A copy of the file and its passphrase, key file or identity open the archive even if keys/ was \
                    lost: put it back as keys/ID.slot. It is worth nothing without the secret.

                    EXAMPLE:
                      mailarc key export slot -a ~/mail.archive 3f9c2a > 3f9c2a.slot
                    """)
            @OptionGroup var archive: ArchiveOptions
            @OptionGroup var output: OutputOptions
            @Argument(help: "The key's id or a unique prefix, from 'key list'.") var id: String

            func run() throws {
                let export = try Workspace.exportSlot(id, at: archive.path())
                try output.output.render(export, command: "key export slot") { [String($0.text.dropLast())] }
            }
        }
    }
}
