import ArgumentParser
import MailarcKit

/// `mailarc anchor …`
struct AnchorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchor", abstract: "Say where the erasure secret is kept, and keep it safe.",
        discussion: """
            Without the erasure secret nothing in the archive opens. An erasure replaces it and destroys the old one: \
            older copies of the folder stay shut for good, if the secret was not in them. By default it is inside the \
            folder (keys/erasure), so that folder and passphrase are enough; then an erasure reaches this folder and its \
            backups only. Organisations keep it outside, in two places (Documentation/Anchors.md).
            """,
        subcommands: [Add.self, List.self, Remove.self, Test.self, Kit.self, Recover.self])

    static func lines(_ report: AnchorReport) -> [String] {
        Format.table(report.anchors.map { [$0.name, $0.kind, $0.place, $0.state] })
            + report.outstanding.map { "still to be destroyed: \($0)" } + report.warnings.map { "WARNING: \($0)" }
    }

    /// `mailarc anchor add`
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Keep the erasure secret in one place more.",
            discussion: """
                KINDS:
                  directory PATH     a folder on this machine, outside every backup of the archive
                  ssh HOST[:PATH]    a folder on another host (batch mode: the key must be with an agent)
                  exec NAME          the program mailarc-anchor-NAME on PATH (TPM, HSM, KMS)
                  inside             keys/erasure in the folder itself

                The first one outside takes the place of the one inside. Every change starts a new epoch: print a new \
                recovery kit after it.

                EXAMPLES:
                  mailarc anchor add directory /var/lib/mailarc/anchor -a ~/mail.archive
                  mailarc anchor add ssh vault2.example.org -a ~/mail.archive
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "directory, ssh, exec or inside.") var kind: String
        @Argument(help: "A path, a host, or a program's name without mailarc-anchor-.") var place = ""
        @Option(help: "What to call it (default: after the place).") var name: String?
        @Flag(name: [.customShort("n"), .long], help: "Show what would be; change nothing.") var dryRun = false

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in
                try await workspace.addAnchor(kind: kind, place: place, name: name, dryRun: dryRun)
            }
            try output.output.render(report, command: "anchor add", text: AnchorCommand.lines)
        }
    }

    /// `mailarc anchor list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "List the places and whether they can be reached.",
            discussion: "EXAMPLE:\n  mailarc anchor list -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in try workspace.anchors() }
            try output.output.render(report, command: "anchor list", text: AnchorCommand.lines)
            if !report.isWhole { throw Outcome(status: .anchor) }
        }
    }

    /// `mailarc anchor remove`
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Give a place up; without any outside one the secret goes back inside.",
            discussion: "EXAMPLE:\n  mailarc anchor remove vault2 -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The name, from 'anchor list'.") var name: String
        @Flag(name: [.customShort("n"), .long], help: "Show what would be; change nothing.") var dryRun = false

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in
                try await workspace.removeAnchor(name, dryRun: dryRun)
            }
            try output.output.render(report, command: "anchor remove", text: AnchorCommand.lines)
        }
    }

    /// `mailarc anchor test`
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test",
            abstract: "Have each place keep, give back and destroy a probe; destroy what is outstanding.",
            discussion: "EXAMPLE:\n  mailarc anchor test -a ~/mail.archive")
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in try await workspace.testAnchors() }
            try output.output.render(report, command: "anchor test", text: AnchorCommand.lines)
            if !report.isWhole { throw Outcome(status: .anchor) }
        }
    }

    /// `mailarc anchor kit`
    struct Kit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "kit",
            abstract: "Print a recovery kit: the present erasure secret on paper.",
            discussion: """
                With the folder and a passphrase it opens the archive when all anchors are lost. It is valid until the \
                next erasure or change of anchors, and then worthless.

                EXAMPLES:
                  mailarc anchor kit -a ~/mail.archive --qr
                  mailarc anchor kit -a ~/mail.archive --svg kit.svg --quiet
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions
        @Flag(help: "Draw the QR code as well.") var qr = false
        @Option(help: ArgumentHelp("Write the QR code as a drawing to this new file.", valueName: "file"))
        var svg: String?

        private struct Report: Codable {
            var kit: String
        }

        func run() async throws {
            let (text, code) = try await archive.with { workspace throws(KitError) in try workspace.recoveryKit() }
            if let svg, let code { try Secrets.save(Array(code.svg.utf8), to: svg) }
            try output.output.render(Report(kit: text), command: "anchor kit") { _ in
                [text] + (qr ? [code?.terminalText ?? ""] : [])
            }
        }
    }

    /// `mailarc anchor recover`
    struct Recover: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "recover",
            abstract: "Put the secret back into anchors that lost it.",
            discussion: """
                Needs one anchor that still has it, or a recovery kit.

                EXAMPLE:
                  mailarc anchor recover -a ~/mail.archive --recovery-kit kit.txt
                """)
        @OptionGroup var archive: ArchiveOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let report = try await archive.with { workspace throws(KitError) in try await workspace.recoverAnchors() }
            try output.output.render(report, command: "anchor recover", text: AnchorCommand.lines)
        }
    }
}
