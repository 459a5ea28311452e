import ArgumentParser
import MailarcKit

/// `mailarc watch`
struct WatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Stay connected, and take mail and changes into the archive, or another store.",
        discussion: """
            Waits for the server's word (NOTIFY, else IDLE, else a look every --interval seconds) and pulls at each \
            change, as 'mailarc pull' does. Between two pulls nothing of the archive is open or locked. A connection \
            that breaks is made again, after 1 second, then twice as long each time, up to 5 minutes. SIGTERM and \
            Ctrl-C end it: what was archived is durable, and the exit code is 0. A wrong password or certificate at the \
            first connection ends it at once (exit codes 9, 10).
            A POP3 account is pulled every --interval seconds.
            With --strategy two stores are kept in step: SOURCE and DESTINATION, the strategy and all options are \
            those of 'mailarc sync' (mailarc help sync). Files are watched by inotify, an archive by its checkpoint. \
            What a guard refuses is told, and the watch goes on.
            One line for each thing that happened goes to standard output; with --json one JSON document a line; with \
            --quiet only trouble.

            EXAMPLES:
              mailarc watch -a ~/mail.archive
              mailarc watch work -a ~/mail.archive --mailbox INBOX --mailbox 'Lists/*' --interval 30 --json
              mailarc watch work maildir:/srv/mail/work --strategy two-way
              mailarc watch work archive: --strategy backup -a ~/mail.archive
              mailarc watch work archive:kept --strategy one-way -a ~/mail.archive

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
    @Argument(
        help: ArgumentHelp(
            "Account names (default: all); with --strategy SOURCE and DESTINATION.", valueName: "account"))
    var accounts: [String] = []
    @Option(help: "Keep two stores in step: backup, two-way, one-way, copy or bcc.") var strategy: SyncStrategy?
    @Option(help: ArgumentHelp("Seconds from one look to the next where nothing is told.", valueName: "n"))
    var interval = 60
    @Option(help: "How changes are noticed: auto (the best the server has), notify, idle or poll.")
    var method = "auto"
    @OptionGroup var compression: CompressionOptions
    @OptionGroup var options: SyncOptions

    func validate() throws {
        guard (1...86_400).contains(interval) else { throw ValidationError("--interval takes 1 to 86400 seconds") }
        guard method == "auto" || WatchRequest.Method(rawValue: method) != nil else {
            throw ValidationError("--method takes auto, notify, idle or poll")
        }
        guard let strategy else {
            guard !accounts.contains(where: { $0.contains(":") }) else {
                throw ValidationError(
                    "without --strategy accounts are watched; for two stores: "
                        + "watch SOURCE DESTINATION --strategy backup (or two-way, one-way, copy, bcc)")
            }
            guard options.isMailboxesAlone else {
                throw ValidationError("of the options of a sync only --mailbox goes without --strategy")
            }
            return
        }
        try options.check(strategy)
        guard accounts.count == 2 else { throw ValidationError("--strategy needs SOURCE and DESTINATION") }
    }

    func run() async throws {
        guard let strategy else { return try await watch(configuration.accounts(accounts).map(\.configuration)) }
        var sync = try options.request(strategy)
        if strategy == .backup, SyncEnd.archiveName(accounts[0]) == nil, let name = SyncEnd.archiveName(accounts[1]) {
            return try await watch(sourceOf: name)
        }
        if let log = try options.log.open() { sync.log = { log.write($0) } }
        let (request, handler, pair) = (request, handler, sync)
        try await SyncEnds.with(accounts[0], accounts[1], options, configuration, archive) { a, b in
            try await StopSignals.cancelling { () throws(KitError) in
                try await PairSync.watch(from: a, to: b, pair, request, handler)
            }
        }
    }

    /// An account of the archive by this name follows SOURCE.
    private func watch(sourceOf name: String) async throws {
        let source = try SyncEnd.endpoint(accounts[0], options.sourcePasswordFile, configuration)
        try options.checkIntoArchive(deletes: false)
        guard case .account(var account) = source else {
            throw KitError(
                .usage, "with backup an archive follows accounts, not \(source.name)",
                hint: "run 'mailarc sync \(source.name) archive:NAME --strategy backup' from a timer, or take one-way")
        }
        if !name.isEmpty { account.name = name }
        try await watch([account])
    }

    private func watch(_ accounts: [AccountConfiguration]) async throws {
        let (request, handler) = (request, handler)
        let workspace = try await archive.open()
        try await StopSignals.cancelling { () throws(KitError) in
            try await workspace.watch(accounts, request, handler)
        }
    }

    private var request: WatchRequest {
        var request = WatchRequest()
        (request.mailboxes, request.method) = (options.selection.mailbox, WatchRequest.Method(rawValue: method))
        (request.interval, request.compressionLevel) = (.seconds(interval), compression.level())
        return request
    }

    private var handler: WatchHandler {
        let (output, isQuiet) = (Output(isJSON: json, isQuiet: false), quiet)
        return { event in
            guard !isQuiet || event.isTrouble else { return }
            try? output.render(event, command: "watch") { [WatchText.line($0)] }
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
