import ArgumentParser
import MailarcKit

/// `mailarc watch`
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Stay connected and take mail and changes into the archive as they come.",
        discussion: """
            Waits for the server's word (NOTIFY, else IDLE, else a look every --interval seconds) and pulls at each \
            change, as 'mailarc pull' does. Between two pulls nothing of the archive is open or locked. A connection \
            that breaks is made again, after 1 second, then twice as long each time, up to 5 minutes. SIGTERM and \
            Ctrl-C end it: what was archived is durable, and the exit code is 0. A wrong password or certificate at the \
            first connection ends it at once (exit codes 9, 10).
            One line for each thing that happened goes to standard output; with --json one JSON document a line; with \
            --quiet only trouble.

            EXAMPLES:
              mailarc watch -a ~/mail.archive
              mailarc watch work -a ~/mail.archive --mailbox INBOX --mailbox 'Lists/*' --interval 30 --json

            AS A SERVICE of systemd (Documentation/Watch.md has all of it), /etc/systemd/system/mailarc-watch.service:
              [Service]
              Type=exec
              ExecStart=/usr/bin/mailarc watch -a /var/lib/mailarc/mail.archive --config /etc/mailarc/config.toml
              LoadCredential=mailarc-passphrase:/etc/mailarc/passphrase
              Restart=on-failure
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @Flag(help: "Print one JSON document a line (schema in Documentation/JSON.md).") var json = false
    @Flag(name: [.customShort("q"), .long], help: "Print trouble only.") var quiet = false
    @Argument(help: "Account names (default: all).") var accounts: [String] = []
    @Option(help: "Only this mailbox ('*' matches anything); may be repeated.") var mailbox: [String] = []
    @Option(help: ArgumentHelp("Seconds from one look to the next where the server tells nothing.", valueName: "n"))
    var interval = 60
    @Option(help: "How changes are noticed: auto (the best the server has), notify, idle or poll.")
    var method = "auto"
    @OptionGroup var compression: CompressionOptions

    func validate() throws {
        guard (1...86_400).contains(interval) else { throw ValidationError("--interval takes 1 to 86400 seconds") }
        guard method == "auto" || WatchRequest.Method(rawValue: method) != nil else {
            throw ValidationError("--method takes auto, notify, idle or poll")
        }
    }

    func run() async throws {
        let entries = try configuration.accounts(accounts)
        var request = WatchRequest()
        (request.mailboxes, request.method) = (mailbox, WatchRequest.Method(rawValue: method))
        (request.interval, request.compressionLevel) = (.seconds(interval), compression.level())
        let (output, isQuiet) = (Output(isJSON: json, isQuiet: false), quiet)
        let workspace = try await archive.open()
        try await StopSignals.cancelling { [request] () throws(KitError) in
            try await workspace.watch(entries.map(\.configuration), request) { event in
                guard !isQuiet || event.isTrouble else { return }
                try? output.render(event, command: "watch") { [WatchText.line($0)] }
            }
        }
    }
}

/// An event as one line of a log.
enum WatchText {
    static func line(_ event: WatchEvent) -> String {
        let place = [event.account, event.mailbox].compactMap { $0 }.joined(separator: " ")
        return "\(event.time) \(place): \(event.text)"
    }
}
