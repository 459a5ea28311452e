public import ArgumentParser
public import MailarcKit

/// `mailarc sync`
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Bring one mail store up to date with another, or both with each other.",
        discussion: """
            SOURCE and DESTINATION are accounts of the configuration, imaps://USER@HOST (imap:// for STARTTLS), or \
            maildir:PATH. Nothing is added to a message; a message is known by its octets where UIDs say nothing. SOURCE \
            can also be mbox:PATH, or archive:NAME, an account of the archive (-a) as it is now. DESTINATION can be \
            archive: (backup): its view follows the source as with 'mailarc pull', and what left stays in its \
            history (mailarc list --at DATE).

            STRATEGIES:
              backup   the destination becomes what the source is
              two-way  what changed on either side changes on the other
              one-way  the destination keeps what leaves the source; what is deleted there does not come again
              copy     the destination gets what the source has, and keeps what else it has (as imapsync does)
              bcc      the destination is fed by another channel; what that missed is copied

            Many deletions at once are refused (exit code 17) until --allow-mass-delete is given. Interrupted at any \
            instant, the next run goes on. Documentation/Sync.md tells what each strategy does with each event, and its known \
            defects.

            EXAMPLES:
              mailarc sync work maildir:/srv/mail/work --strategy backup --dry-run
              mailarc sync imaps://anna@imap.example.org maildir:Mail --strategy two-way --source-password-file pw
              mailarc sync old new --strategy copy --exclude Trash --rename Gesendet=Sent --delete-extra
              mailarc sync archive:work maildir:Mail --strategy copy -a ~/mail.archive
              mailarc sync work maildir:Mail --strategy copy --max-age 30d --search 'FROM "anna" UNSEEN'
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var archive: ArchiveOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Account, imaps://USER@HOST, maildir:PATH, mbox:PATH or archive:NAME.") var source: String
    @Argument(help: "Account, imaps://USER@HOST, maildir:PATH or archive:.") var destination: String
    @Option(help: "backup, two-way, one-way, copy or bcc.") var strategy: SyncStrategy
    @Option(
        help: ArgumentHelp("Bend the strategy; may be repeated. See --list-bends.", valueName: "option"))
    var bend: [String] = []
    @Flag(help: "List what the strategy can be bent by, and end.") var listBends = false
    @Flag(help: "Delete in the destination what the source does not have (--bend delete-extra).") var deleteExtra =
        false
    @OptionGroup(title: "Selection and names") var selection: SelectionOptions
    @OptionGroup(title: "Limits") var throttle: ThrottleOptions
    @Option(
        help: ArgumentHelp(
            "Delete in the source what arrived so long ago (0 = all), once its copy was read back and found equal.",
            valueName: "age"))
    var deleteSourceAfter: String?
    @Option(help: ArgumentHelp("Read the source's password from this file.", valueName: "file"))
    var sourcePasswordFile: String?
    @Option(help: ArgumentHelp("Read the destination's password from this file.", valueName: "file"))
    var destinationPasswordFile: String?
    @Option(help: ArgumentHelp("Keep what is known of the pair here.", valueName: "folder")) var state: String?
    @Flag(help: "Compare every mailbox in full, whatever its counters say.") var full = false
    @Flag(help: "Delete however many messages the strategy says.") var allowMassDelete = false
    @Flag(help: "Go on although an end is another account than before.") var acceptOtherAccount = false
    @Flag(name: [.customShort("n"), .long], help: "Print what would be done; change nothing.") var dryRun = false

    func validate() throws {
        if let deleteSourceAfter, Quantity.seconds(deleteSourceAfter) == nil {
            throw ValidationError("not an age such as 30d, 12h, 4w or 1y: \(deleteSourceAfter)")
        }
        let known = strategy.bends.map(\.name)
        for name in bends where !known.contains(name) {
            throw ValidationError(
                "--bend \(name) means nothing with \(strategy.rawValue); it takes \(known.joined(separator: ", "))")
        }
    }

    private var bends: [String] { bend + (deleteExtra ? ["delete-extra"] : []) }

    func run() async throws {
        if listBends {
            try output.output.render(strategy.bends.map(\.name), command: "sync") { _ in
                strategy.bends.map { "\($0.name): \($0.explanation)" }
            }
            return
        }
        var request = SyncRequest(strategy: strategy)
        (request.bends, request.isDryRun, request.looksAtEverything) = (bends, dryRun, full)
        (request.allowsMassDelete, request.acceptsOtherAccount) = (allowMassDelete, acceptOtherAccount)
        (request.stateFolder, request.limits) = (state, throttle.limits)
        request.sourceDeletionAge = deleteSourceAfter.flatMap(Quantity.seconds)
        try selection.apply(to: &request)
        if let name = Self.archiveName(destination) { return try await runIntoArchive(name) }
        let target = try endpoint(destination, destinationPasswordFile)
        guard let name = Self.archiveName(source) else {
            return try await SyncText.run(
                endpoint(source, sourcePasswordFile), target, request, output, command: "sync")
        }
        let workspace = try await archive.open()
        let result: Result<Void, any Error>
        do {
            let source = SyncEndpoint.archive(workspace, account: try workspace.account(named: name))
            result = .success(try await SyncText.run(source, target, request, output, command: "sync"))
        } catch { result = .failure(error) }
        await workspace.close()
        try result.get()
    }

    /// What stands behind `archive:`.
    private static func archiveName(_ text: String) -> String? {
        text.hasPrefix("archive:") ? String(text.dropFirst("archive:".count)) : nil
    }

    /// The archive's view of the account `name` follows the source: a pull or an import by another name.
    private func runIntoArchive(_ name: String) async throws {
        guard strategy == .backup else {
            throw KitError(
                .usage, "an archive cannot follow by \(strategy.rawValue): nothing ever leaves it",
                hint: "use --strategy backup; what left the source stays in the archive's history")
        }
        let others =
            bends.isEmpty && throttle.limits.isUnlimited && deleteSourceAfter == nil && !full && state == nil
            && !allowMassDelete && !acceptOtherAccount && destinationPasswordFile == nil
        guard others, selection.isMailboxesAlone else {
            throw KitError(
                .usage, "into an archive only --mailbox and --dry-run can be given",
                hint: "an archive takes whole mailboxes, under the names they have")
        }
        let source = try endpoint(source, sourcePasswordFile)
        let progress = output.progressView
        let report = try await archive.with { workspace throws(KitError) in
            switch source {
            case .account(var account):
                if !name.isEmpty { account.name = name }
                return try await workspace.pull(
                    account, mailboxes: selection.mailbox, dryRun: dryRun, progress: progress.handler)
            case .maildir(let path): return try await take(.maildir(path: path), name, workspace, progress)
            case .mbox(let path): return try await take(.mbox(path: path), name, workspace, progress)
            case .archive: throw KitError(.usage, "source and destination are both archives")
            }
        }
        progress.finish()
        try output.output.render([report], command: "sync") {
            $0.flatMap { PullText.lines($0, isDryRun: dryRun) }
        }
        let isDone = dryRun ? report.problems.isEmpty : report.isComplete
        if !isDone { throw Outcome(status: .incomplete) }
    }

    private func take(
        _ source: ImportSource, _ name: String, _ workspace: Workspace, _ progress: ProgressView
    ) async throws(KitError) -> PullReport {
        guard !name.isEmpty else {
            throw KitError(.usage, "mail from files needs an account's name", hint: "for example archive:old-mail")
        }
        guard selection.mailbox.isEmpty else {
            throw KitError(
                .usage, "--mailbox selects from accounts only", hint: "give the folder of the mailbox itself")
        }
        return try await workspace.importMail(source, account: name, dryRun: dryRun, progress: progress.handler)
    }

    private func endpoint(_ text: String, _ passwordFile: String?) throws(KitError) -> SyncEndpoint {
        if text.hasPrefix("maildir:") { return .maildir(String(text.dropFirst(8))) }
        if text.hasPrefix("mbox:") { return .mbox(String(text.dropFirst(5))) }
        if text.contains("://") { return .account(try AccountURL(text).configuration(passwordFile: passwordFile)) }
        if text.contains(":") {
            throw KitError(
                .usage, "not an end of a sync: \(text)",
                hint: "an account's name, imaps://USER@HOST, maildir:PATH, mbox:PATH or archive:NAME")
        }
        return .account(try configuration.account(text).configuration)
    }
}

extension SyncStrategy: ExpressibleByArgument {}
extension MailProvider: ExpressibleByArgument {}

/// A sync as text.
enum SyncText {
    /// Runs a sync, prints its report and ends with the status of its outcome.
    static func run(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ request: SyncRequest, _ output: OutputOptions,
        command: String
    ) async throws {
        let progress = output.progressView
        let report = try await PairSync.run(from: source, to: destination, request, progress: progress.handler)
        progress.finish()
        try output.output.render(report, command: command, text: lines)
        switch report.outcome {
        case "done": break
        case "refused-by-guard": throw Outcome(status: .refused)
        case "partial": throw Outcome(status: .partial)
        default: throw Outcome(status: .incomplete)
        }
    }

    static func lines(_ report: PairSyncReport) -> [String] {
        var lines = report.plan.map { "  \($0)" }
        for mailbox in report.mailboxes {
            if let failure = mailbox.failure { lines.append("FAILED \(mailbox.mailbox) (\(mailbox.side)): \(failure)") }
        }
        lines += report.quarantined.map { "QUARANTINED \($0.message): \($0.reason) \($0.detail)" }
        lines += report.refusals.map { "REFUSED \($0); --allow-mass-delete does it" }
        lines += report.conflicts.map { "CONFLICT \($0)" }
        lines += report.nearDuplicates.map { "NEARLY EQUAL \($0)" }
        lines +=
            report.created.map { "created \($0)" } + report.renamed.map { "renamed \($0)" }
            + report.removed.map { "removed \($0)" }
        if let interruption = report.interruption { lines.append("BROKE OFF \(interruption)") }
        if let pause = report.pause { lines.append("PAUSED \(pause)") }
        return lines + [summary(report)]
    }

    private static func summary(_ report: PairSyncReport) -> String {
        let pair = "\(report.source) → \(report.destination) (\(report.strategy))"
        if report.isDryRun { return "\(pair): \(Format.plural(report.plan.count, "action")) planned, nothing done" }
        if report.isUnchanged { return "\(pair): nothing to do" }
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
