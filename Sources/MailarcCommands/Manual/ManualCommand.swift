import ArgumentParser
import MailarcKit

/// `mailarc generate-manual`, for `make install`.
struct ManualCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-manual", abstract: "Write the manual pages into a folder.",
        discussion: "EXAMPLE:\n  mailarc generate-manual /usr/local/share/man/man1", shouldDisplay: false)
    @Argument(help: "The folder, which must exist.") var folder: String

    func run() throws {
        for page in try ManualPage.all(of: Mailarc._dumpHelp()) {
            try Output.write(Array(page.text.utf8), toFile: "\(folder)/\(page.fileName)")
        }
    }
}
