public import ArgumentParser
public import MailarcKit

/// `mailarc sync`
struct SyncCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sync", abstract: "Bring one mail store up to date with another, or both with each other.",
        discussion: """
            SOURCE and DESTINATION are accounts of the configuration, imaps://USER@HOST (imap:// for STARTTLS), or \
            maildir:PATH. Nothing is added to a message; a message is known by its octets where UIDs say nothing.

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
              mailarc sync old new --strategy copy --exclude Trash --map 'Gesendet=Sent' --bend delete-extra
            """)
    @OptionGroup var configuration: ConfigurationOptions
    @OptionGroup var output: OutputOptions
    @Argument(help: "Account, imaps://USER@HOST or maildir:PATH.") var source: String
    @Argument(help: "The same.") var destination: String
    @Option(help: "backup, two-way, one-way, copy or bcc.") var strategy: SyncStrategy
    @Option(
        help: ArgumentHelp("Bend the strategy; may be repeated. See --list-bends.", valueName: "option"))
    var bend: [String] = []
    @Flag(help: "List what the strategy can be bent by, and end.") var listBends = false
    @Option(help: "Only this mailbox of the source ('Work*'); may be repeated.") var mailbox: [String] = []
    @Option(help: "Not this mailbox; may be repeated.") var exclude: [String] = []
    @Option(
        help: ArgumentHelp("A mailbox, and those below it, has another name in the destination.", valueName: "from=to"))
    var map: [String] = []
    @Option(help: "Put everything below this mailbox of the destination.") var subfolder: String?
    @Flag(help: "Match mailboxes by use (Sent, Drafts, Trash, Junk, Archive).") var specialUse = false
    @Option(help: "Only messages that arrived on this day or later.") var since: String?
    @Option(help: "Only messages that arrived before this day.") var before: String?
    @Option(help: ArgumentHelp("Only messages of at least this size (octets, or 10K, 5M).", valueName: "size"))
    var larger: String?
    @Option(help: ArgumentHelp("Only messages of at most this size.", valueName: "size")) var smaller: String?
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
        for rule in map where Self.rule(rule) == nil { throw ValidationError("--map takes FROM=TO, not \(rule)") }
        let known = strategy.bends.map(\.name)
        for name in bend where !known.contains(name) {
            throw ValidationError(
                "--bend \(name) means nothing with \(strategy.rawValue); it takes \(known.joined(separator: ", "))")
        }
        for day in [since, before].compactMap({ $0 }) where Format.seconds(day) == nil {
            throw ValidationError("not a date such as 2024-05-01: \(day)")
        }
        for size in [larger, smaller].compactMap({ $0 }) where Self.octets(size) == nil {
            throw ValidationError("not a size such as 500, 10K or 5M: \(size)")
        }
    }

    func run() async throws {
        if listBends {
            try output.output.render(strategy.bends.map(\.name), command: "sync") { _ in
                strategy.bends.map { "\($0.name): \($0.explanation)" }
            }
            return
        }
        var request = SyncRequest(strategy: strategy)
        (request.bends, request.isDryRun, request.looksAtEverything) = (bend, dryRun, full)
        (request.allowsMassDelete, request.acceptsOtherAccount) = (allowMassDelete, acceptOtherAccount)
        (request.mailboxes, request.excludedMailboxes, request.stateFolder) = (mailbox, exclude, state)
        request.since = since.flatMap(Format.seconds)?.lowerBound
        request.before = before.flatMap(Format.seconds)?.lowerBound
        request.minimumOctets = larger.flatMap(Self.octets)
        request.maximumOctets = smaller.flatMap(Self.octets)
        (request.map, request.subfolder, request.usesSpecialUse) = (map.compactMap(Self.rule), subfolder, specialUse)
        let progress = output.progressView
        let report = try await PairSync.run(
            from: endpoint(source, sourcePasswordFile), to: endpoint(destination, destinationPasswordFile), request,
            progress: progress.handler)
        progress.finish()
        try output.output.render(report, command: "sync", text: SyncText.lines)
        switch report.outcome {
        case "done": break
        case "refused-by-guard": throw Outcome(status: .refused)
        case "partial": throw Outcome(status: .partial)
        default: throw Outcome(status: .incomplete)
        }
    }

    private func endpoint(_ text: String, _ passwordFile: String?) throws(KitError) -> SyncEndpoint {
        if text.hasPrefix("maildir:") { return .maildir(String(text.dropFirst(8))) }
        if text.contains("://") { return .account(try AccountURL(text).configuration(passwordFile: passwordFile)) }
        if text.contains(":") {
            throw KitError(
                .usage, "not an end of a sync: \(text)",
                hint: "an account's name, imaps://USER@HOST, or maildir:PATH; an archive takes mail by 'mailarc pull'")
        }
        return .account(try configuration.account(text).configuration)
    }

    private static func rule(_ text: String) -> (from: String, to: String)? {
        guard let place = text.firstIndex(of: "="), place != text.startIndex else { return nil }
        let to = text[text.index(after: place)...]
        return to.isEmpty ? nil : (String(text[..<place]), String(to))
    }

    private static func octets(_ text: String) -> Int? {
        let units: [Character: Int] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = text.uppercased().last.flatMap { units[$0] }
        guard let number = Int(unit == nil ? text[...] : text.dropLast()), number >= 0 else { return nil }
        let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit ?? 1)
        return isTooLarge ? nil : product
    }
}

extension SyncStrategy: ExpressibleByArgument {}

/// A sync as text.
enum SyncText {
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
