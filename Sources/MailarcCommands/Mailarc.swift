public import ArgumentParser
import Glibc
import MailarcKit

/// The command `mailarc`. Its groups are plugins: one folder and one line in ``groups`` each.
public struct Mailarc: AsyncParsableCommand {
    /// Every command, by group, in the order `help` shows them.
    static let groups: [CommandGroup] = [
        CommandGroup(name: "Archive", subcommands: ArchiveGroup.commands),
        CommandGroup(name: "Accounts", subcommands: AccountsGroup.commands),
        CommandGroup(name: "Sync", subcommands: SyncGroup.commands),
        CommandGroup(name: "Capture", subcommands: CaptureGroup.commands),
        CommandGroup(name: "Find", subcommands: FindGroup.commands),
        CommandGroup(name: "Evidence", subcommands: EvidenceGroup.commands),
        CommandGroup(name: "Compare", subcommands: CompareGroup.commands),
    ]

    /// Names that no plug-in can take.
    static let builtInNames = Set(
        (groups.flatMap(\.subcommands) + others).map { $0.configuration.commandName ?? $0._commandName } + ["help"])

    private static let others: [any ParsableCommand.Type] = [PluginsCommand.self, ManualCommand.self]

    /// What `help` says of the executables `mailarc-…` on PATH.
    ///
    /// Only help tells of them, and every call would look through PATH for it.
    private static var plugInHelp: String {
        let words = CommandLine.arguments.dropFirst()
        guard words.isEmpty || words.contains(where: { ["help", "--help", "-h", "--help-hidden"].contains($0) }) else {
            return ""
        }
        let plugIns = PlugIn.all(except: builtInNames)
        guard !plugIns.isEmpty else { return "" }
        let lines = Format.table(plugIns.map { ["  " + $0.name, $0.path] })
        return "\n\nPLUG-INS:\n" + lines.joined(separator: "\n")
    }

    public static let configuration = CommandConfiguration(
        commandName: "mailarc",
        abstract: "The mail archive you can hand to an auditor.",
        discussion: """
            Takes mail from IMAP and POP3 accounts, Maildir and mbox into an archive that is byte-exact, de-duplicated, \
            compressed, encrypted, searchable and tamper-evident, and gives it back.

            EXAMPLES:
              mailarc init -a ~/mail.archive
              mailarc account add work --host imap.example.org --user me@example.org
              mailarc pull work -a ~/mail.archive
              mailarc search -a ~/mail.archive from:anna subject:invoice after:2024-01
              mailarc export -a ~/mail.archive 'mailbox:INBOX' --to maildir:/tmp/out
              mailarc check -a ~/mail.archive

            EXIT CODES:
            \(ExitStatus.table)\(plugInHelp)
            """,
        version: Version.text,
        subcommands: others,
        groupedSubcommands: groups)

    public init() {}

    /// Parses the command line, runs the command, exits with its status.
    public static func run() async -> Never {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            if let name = arguments.first, !name.hasPrefix("-"), !builtInNames.contains(name),
                let plugIn = PlugIn.all(except: builtInNames).first(where: { $0.name == name })
            {
                throw plugIn.run(Array(arguments.dropFirst()))
            }
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            Glibc.exit(ExitStatus.success.rawValue)
        } catch let outcome as Outcome {
            Glibc.exit(outcome.status.rawValue)
        } catch let error as KitError {
            Output.report(error)
            Glibc.exit(ExitStatus(error.kind).rawValue)
        } catch {
            exit(withError: error)
        }
    }
}

/// Ends a command that has printed its report with another status than success.
struct Outcome: Error {
    var status: ExitStatus
}

/// Name and version.
enum Version {
    static let number = "0.1.0"
    static let format = "mailarc/1"
    static let text = "mailarc \(number), archive format \(format)"
}
