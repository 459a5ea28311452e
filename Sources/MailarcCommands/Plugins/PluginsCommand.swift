import ArgumentParser
import MailarcKit

/// `mailarc plugins`
struct PluginsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "List the commands that other programs add.",
        discussion: """
            An executable mailarc-NAME on PATH is the command 'mailarc NAME': it gets the arguments behind the name, \
            this process's environment with MAILARC_PROGRAM (how mailarc was called), and its exit status is mailarc's. \
            Built-in commands cannot be replaced. This command asks each for a line about itself \
            (mailarc-NAME --mailarc-summary).

            EXAMPLE:
              mailarc plugins --json
            """)
    @OptionGroup var output: OutputOptions

    func run() throws {
        let plugIns = PlugIn.all(except: Mailarc.builtInNames).map { $0.summarised() }
        try output.output.render(plugIns, command: "plugins") { plugIns in
            plugIns.isEmpty
                ? ["none: no mailarc-… on PATH"] : Format.table(plugIns.map { [$0.name, $0.summary ?? "", $0.path] })
        }
    }
}
