public import ArgumentParser
public import MailarcKit

/// `mailarc sync`
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Bring one mail store up to date with another, or both with each other.",
        discussion: """
            SOURCE and DESTINATION are accounts of the configuration, imaps://USER@HOST (imap:// for STARTTLS), or \
            maildir:PATH, or mbox:PATH, a folder of mbox files. Nothing is added to a message; a message is known by its \
            octets where UIDs say nothing. SOURCE can also be one mbox file. Either can be archive:NAME, an account of \
            the archive (-a): what is deleted or moved there leaves its view and stays in its history (mailarc list \
            --at DATE). With backup such an account follows its source as with 'mailarc pull', UIDs included; by the \
            other strategies accounts of the archive's own are written, which no pull fills.

            STRATEGIES:
              backup   the destination becomes what the source is
              two-way  what changed on either side changes on the other
              one-way  the destination keeps what leaves the source; what is deleted there does not come again
              copy     the destination gets what the source has, and keeps what else it has (as imapsync does)
              bcc      the destination is fed by another channel; what that missed is copied

            Many deletions at once are refused (exit code 17) until --allow-mass-delete is given. Interrupted at any \
            instant, the next run goes on. Documentation/Sync.md tells what each strategy does with each event, and its \
            limits.

            EXAMPLES:
              mailarc sync work maildir:/srv/mail/work --strategy backup --dry-run
              mailarc sync imaps://anna@imap.example.org maildir:Mail --strategy two-way --source-password-file pw
              mailarc sync old new --strategy copy --exclude Trash --rename Gesendet=Sent --delete-extra
              mailarc sync archive:work maildir:Mail --strategy copy -a ~/mail.archive
              mailarc sync work archive:kept --strategy one-way -a ~/mail.archive
              mailarc sync work maildir:Mail --strategy copy --max-age 30d --search 'FROM "anna" UNSEEN'
              mailarc sync work maildir:Mail --strategy two-way --verbose --log-file /var/log/mailarc-sync.jsonl
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Account, imaps://USER@HOST, maildir:PATH, mbox:PATH or archive:NAME.") var source: String
    @Argument(help: "Account, imaps://USER@HOST, maildir:PATH, mbox:PATH or archive:NAME.") var destination: String
    @Option(help: "backup, two-way, one-way, copy or bcc.") var strategy: SyncStrategy
    @Flag(help: "List what the strategy can be bent by, and end.") var listBends = false
    @OptionGroup var options: SyncOptions
    @Flag(name: [.customShort("n"), .long], help: "Print what would be done; change nothing.") var dryRun = false
    @Flag(name: .shortAndLong, help: "Print what is done with each message.") var verbose = false

    func validate() throws {
        try options.check(strategy)
        try SyncText.check(verbose: verbose, output)
    }

    func run() async throws {
        if listBends {
            try output.output.render(strategy.bends.map(\.name), command: "sync") { _ in
                strategy.bends.map { "\($0.name): \($0.explanation)" }
            }
            return
        }
        var request = try options.request(strategy)
        request.isDryRun = dryRun
        let (from, into) = (SyncEnd.archiveName(source), SyncEnd.archiveName(destination))
        if let into, from == nil, strategy == .backup { return try await runIntoArchive(into) }
        try await SyncEnds.with(source, destination, options, configuration, archive) { a, b in
            try await SyncText.run(
                a, b, request, output, SyncTelling(log: try options.log.open(), isVerbose: verbose), command: "sync")
        }
    }

    /// The archive's view of the account `name` follows the source: a pull or an import by another name.
    private func runIntoArchive(_ name: String) async throws {
        try options.checkIntoArchive(deletes: true)
        guard !verbose else {
            throw KitError(
                .usage, "an archive that follows its source tells each change by itself",
                hint: "leave --verbose out; 'mailarc list --at DATE' shows a mailbox as it was")
        }
        let progress = output.progressView
        let take = try capture(name, progress.handler)
        let workspace = try await archive.open()
        let report: PullReport
        do {
            report = try await StopSignals.cancelling { () throws(KitError) in try await take(workspace) }
        } catch {
            await workspace.close()
            throw error
        }
        await workspace.close()
        progress.finish()
        try output.output.render([report], command: "sync") {
            $0.flatMap { PullText.lines($0, isDryRun: dryRun) }
        }
        // As between two stores: what is in quarantine is done, what broke off or failed is not.
        guard report.problems.isEmpty, dryRun || report.isBalanced else { throw Outcome(status: .partial) }
        if !dryRun, !report.quarantined.isEmpty { throw Outcome(status: .incomplete) }
        try PullText.check([report])
    }

    /// What takes the source into an archive, under the account's name.
    private func capture(
        _ name: String, _ progress: @escaping ProgressHandler
    ) throws(KitError) -> @Sendable (Workspace) async throws(KitError) -> PullReport {
        let (mailboxes, dryRun) = (options.selection.mailbox, dryRun)
        let age = options.deleteSourceAfter.flatMap(Quantity.seconds)
        let source = try SyncEnd.endpoint(source, options.sourcePasswordFile, configuration)
        let files: ImportSource
        switch source {
        case .account(var account):
            if !name.isEmpty { account.name = name }
            return { [account] workspace throws(KitError) in
                try await workspace.pull(
                    account, mailboxes: mailboxes, dryRun: dryRun, deletionAge: age, progress: progress)
            }
        case .maildir(let path): files = ImportSource(.maildir, path: path)
        case .mbox(let path): files = ImportSource(.mbox, path: path)
        case .archive: throw KitError(.internalError, "not a source that an archive follows")
        }
        guard age == nil else {
            throw KitError(
                .usage, "\(source.name) can only be read, and this would change it",
                hint: "leave --delete-source-after out")
        }
        guard !name.isEmpty else {
            throw KitError(.usage, "mail from files needs an account's name", hint: "for example archive:old-mail")
        }
        guard mailboxes.isEmpty else {
            throw KitError(
                .usage, "--mailbox selects from accounts only", hint: "give the folder of the mailbox itself")
        }
        return { workspace throws(KitError) in
            try await workspace.importMail(files, account: name, dryRun: dryRun, progress: progress)
        }
    }
}

extension SyncStrategy: ExpressibleByArgument {}
extension MailProvider: ExpressibleByArgument {}

/// A sync as text.
enum SyncText {
    /// Runs a sync, prints its report and ends with the status of its outcome.
    static func run(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ request: SyncRequest, _ output: OutputOptions,
        _ telling: SyncTelling, command: String
    ) async throws {
        let progress = output.progressView
        let request = telling.told(of: request, output.output, progress)
        let report = try await StopSignals.cancelling { () throws(KitError) in
            try await PairSync.run(from: source, to: destination, request, progress: progress.handler)
        }
        progress.finish()
        try output.output.render(report, command: command, text: lines)
        try telling.log?.finish()
        switch report.outcome {
        case "done":
            if let name = report.unmatched.first { throw KitError.noMailbox(name, of: report.source) }
        case "refused-by-guard": throw Outcome(status: .refused)
        case "partial": throw Outcome(status: report.storage == nil ? .partial : .storage)
        default: throw Outcome(status: .incomplete)
        }
    }

    static func check(verbose: Bool, _ output: OutputOptions) throws {
        guard verbose, output.json || output.quiet else { return }
        throw ValidationError("--verbose prints lines for people: take --log-file beside --json and --quiet")
    }

    static func lines(_ report: PairSyncReport) -> [String] {
        var lines = report.plan.map { "  \($0)" }
        for mailbox in report.mailboxes {
            if let failure = mailbox.failure { lines.append("FAILED \(mailbox.mailbox) (\(mailbox.side)): \(failure)") }
        }
        lines += report.quarantined.map { "QUARANTINED \($0.message): \($0.reason) \($0.detail)" }
        lines += report.refusals.map { "REFUSED \($0); --allow-mass-delete does it" }
        lines += report.conflicts.map { "CONFLICT \($0)" }
        lines += report.notes.map { "NOTE \($0)" }
        lines += report.nearDuplicates.map { "NEARLY EQUAL \($0)" }
        lines +=
            report.created.map { "created \($0)" } + report.renamed.map { "renamed \($0)" }
            + report.removed.map { "removed \($0)" }
        if let interruption = report.interruption { lines.append("BROKE OFF \(interruption)") }
        if let storage = report.storage { lines.append("  → \(storage.hint)") }
        if let pause = report.pause { lines.append("PAUSED \(pause)") }
        return lines + [summary(report)]
    }

    private static func summary(_ report: PairSyncReport) -> String {
        let pair = "\(report.source) → \(report.destination) (\(report.strategy))"
        if report.isDryRun { return "\(pair): \(Format.plural(report.plan.count, "action")) planned, nothing done" }
        if report.isUnchanged { return "\(pair): \(report.outcome == "partial" ? "nothing done" : "nothing to do")" }
        func total(_ count: (PairSyncReport.Mailbox) -> Int) -> Int { report.mailboxes.reduce(0) { $0 + count($1) } }
        let counts = [
            (total(\.copied), "copied"), (total(\.moved), "moved"), (total(\.flagChanges), "re-flagged"),
            (total(\.expunged), "expunged"), (total(\.linked), "linked"),
        ]
        let told = counts.filter { $0.0 > 0 }.map { "\(Format.count($0.0)) \($0.1)" }
        return "\(pair): \(told.isEmpty ? "done" : told.joined(separator: ", ")), "
            + "\(Format.octets(report.deliveredOctets)) delivered"
    }
}
