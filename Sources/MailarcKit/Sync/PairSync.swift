import ArchiveStore
import MailCore
import MailSync

/// How one store follows another.
public enum SyncStrategy: String, Sendable, CaseIterable, Codable {
    case backup
    case twoWay = "two-way"
    case oneWay = "one-way"
    case copy
    case bcc

    var pair: PairStrategy { PairStrategy(rawValue: rawValue) ?? .copy }

    /// By what it can be bent: name and one sentence.
    public var bends: [(name: String, explanation: String)] {
        pair.options.map { ($0.rawValue, $0.explanation) }
    }
}

/// What a sync between two stores shall do.
public struct SyncRequest: Sendable {
    public var strategy: SyncStrategy
    /// Names of ``SyncStrategy/bends``.
    public var bends: [String] = []
    public var selection = SyncSelection()
    /// A mailbox, and those below it, has another name in the destination.
    public var map: [(from: String, to: String)] = []
    /// The same for one mailbox alone; these come first.
    public var singleMap: [(from: String, to: String)] = []
    /// A mailbox of the destination below which everything goes.
    public var subfolder: String?
    /// A mailbox of the source of which only what is below it is taken, as if it were all.
    public var sourceSubfolder: String?
    /// A mailbox is made in the destination when a message goes there, not before.
    public var skipsEmptyMailboxes = false
    /// Mailboxes of the destination the source does not have are removed, once they are empty.
    public var deletesExtraMailboxes = false
    /// Mailboxes of equal use belong together, whatever their names.
    public var usesSpecialUse = false
    public var isDryRun = false
    public var looksAtEverything = false
    public var allowsMassDelete = false
    public var limits = SyncLimits()
    /// Deletes in the source what is so many seconds old, once the copy was read back and found equal.
    public var sourceDeletionAge: Int64?
    public var acceptsOtherAccount = false
    /// Where what is known of the pair is kept; `nil`: `$XDG_STATE_HOME/mailarc/pairs`.
    public var stateFolder: String?

    public init(strategy: SyncStrategy) { self.strategy = strategy }

    /// What tells pairs of the same ends apart.
    var names: String? { sourceSubfolder.map { "\($0)\n\(subfolder ?? "")" } ?? subfolder }

    var naming: PairNaming {
        PairNaming(
            rules: singleMap.map { PairNaming.Rule(.exact, from: $0.from, to: $0.to) }
                + map.map { PairNaming.Rule(.prefix, from: $0.from, to: $0.to) }, subfolder: subfolder,
            sourceSubfolder: sourceSubfolder, usesRoles: usesSpecialUse)
    }
}

/// Syncs two stores; needs no archive.
public enum PairSync {
    /// Brings `destination` up to date with `source`, or both with each other.
    ///
    /// - Throws: `.usage` for ends that are one; `.connection`, `.authentication`, `.tls`; `.sourceOutage` where an end
    ///   looks broken rather than emptied; `.busy` while another run has the pair.
    public static func run(
        from source: SyncEndpoint, to destination: SyncEndpoint, _ request: SyncRequest,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> PairSyncReport {
        guard try source.place() != destination.place() else {
            throw KitError(.usage, "source and destination are one: \(source.name)", hint: "name two different stores")
        }
        let options = try options(request)
        try check(source, destination, options)
        let folder = try PairFolder(
            source, destination, subfolder: request.names, base: request.stateFolder)
        let state: PairState
        do throws(SyncError) { state = try PairState.open(path: folder.database) } catch {
            throw KitError(error, at: folder.path)
        }
        defer { try? state.close() }
        let (a, b) = try await open(source, destination, folder, options)
        let runner = PairRunner(
            a: a.end, b: b.end, state: state, options: options,
            progress: { progress(KitProgress($0)) })
        let result: Result<PairReport, SyncError>
        do throws(SyncError) { result = .success(try await runner.run()) } catch { result = .failure(error) }
        await a.close()
        await b.close()
        do throws(SyncError) {
            return PairSyncReport(try result.get(), request, source: source.name, destination: destination.name)
        } catch { throw KitError(error, at: folder.path) }
    }

    /// Both ends, opened at once.
    private static func open(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ folder: PairFolder, _ options: PairOptions
    ) async throws(KitError) -> (OpenEnd, OpenEnd) {
        async let opening = OpenEnd.open(
            source, isWritten: options.writesSource, uidLists: folder.uidLists("a"))
        let destination = await OpenEnd.open(destination, isWritten: true, uidLists: folder.uidLists("b"))
        let source = await opening
        switch (source, destination) {
        case (.success(let source), .success(let destination)): return (source, destination)
        case (.success(let open), .failure(let error)), (.failure(let error), .success(let open)):
            await open.close()
            throw error
        case (.failure(let error), .failure): throw error
        }
    }

    /// Refuses what would write an end that can only be read, before anything is opened.
    private static func check(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ options: PairOptions
    ) throws(KitError) {
        if destination.isReadOnly {
            throw KitError(
                .usage, "\(destination.name) can only be a source",
                hint: "an archive takes mail with 'sync SOURCE archive: --strategy backup'")
        }
        guard options.writesSource else { return }
        if source.isReadOnly {
            throw KitError(
                .usage, "\(source.name) can only be read, and this would change it",
                hint: options.policy.writesA
                    ? "use --strategy backup, one-way or copy, or name another store"
                    : "leave --delete-source-after out")
        }
        if case .mbox(let path) = source, !FileFacts.isFolder(path) {
            throw KitError(
                .usage, "\(source.name) can only be read: it is no folder of mbox files",
                hint: "put it into a folder of its own, or use --strategy copy without --delete-source-after")
        }
    }

    private static func options(_ request: SyncRequest) throws(KitError) -> PairOptions {
        var policy = request.bends.compactMap(PairOption.init).reduce(request.strategy.pair.policy) { $0.applying($1) }
        if request.skipsEmptyMailboxes { policy.folders.createsInB = false }
        if request.deletesExtraMailboxes { (policy.folders.newInB, policy.folders.goneInA) = (.delete, .delete) }
        var options = PairOptions(policy: policy, hashing: PairHashing(), now: Clock.now)
        (options.selection, options.naming) = (try request.selection.pair(now: Clock.now()), request.naming)
        (options.isDryRun, options.looksAtEverything) = (request.isDryRun, request.looksAtEverything)
        (options.allowsMassDelete, options.acceptsOtherIdentity) = (
            request.allowsMassDelete, request.acceptsOtherAccount
        )
        options.limits = request.limits.pair
        options.sourceDeletionAge = request.sourceDeletionAge
        options.spooling = SealedSpool(folder: PairFolder.temporaryFolder)
        return options
    }
}

extension PairOptions {
    /// The source is changed, too.
    fileprivate var writesSource: Bool { policy.writesA || sourceDeletionAge != nil }
}

extension KitProgress {
    init(_ progress: PairProgress) {
        self.init(
            phase: "syncing", subject: progress.mailbox.text, done: progress.effectsDone,
            total: progress.effectsTotal, octetsDone: Int(progress.octetsDone))
    }
}

/// What a sync did, or would do.
public struct PairSyncReport: Codable, Sendable {
    public struct Mailbox: Codable, Sendable {
        /// `source` or `destination`: which side was changed.
        public var side: String
        public var mailbox: String
        public var copied: Int
        public var moved: Int
        public var flagChanges: Int
        public var expunged: Int
        /// Found equal on both sides, and linked.
        public var linked: Int
        public var failure: String?
    }

    public struct Quarantined: Codable, Sendable {
        public var message: String
        public var reason: String
        public var detail: String
        public var attempts: Int
    }

    public var source: String
    public var destination: String
    public var strategy: String
    public var isDryRun: Bool
    /// `done`, `done-with-quarantine`, `partial`, `refused-by-guard`.
    public var outcome: String
    public var mailboxes: [Mailbox]
    public var created: [String]
    public var renamed: [String]
    public var removed: [String]
    /// Of a dry run: one sentence each.
    public var plan: [String]
    /// Deletions that were too many to be done unasked.
    public var refusals: [String]
    public var conflicts: [String]
    /// Messages that are nearly equal and were left as they are: one sentence each.
    public var nearDuplicates: [String]
    public var quarantined: [Quarantined]
    /// Why a side broke off.
    public var interruption: String?
    /// Why files could not be written, and what to do: `disk-full` or `io-failed`.
    public var storage: StorageTrouble?
    /// Why the run stopped before its end by itself: the day's octets are used up.
    public var pause: String?
    public var fetchedOctets: Int
    public var deliveredOctets: Int
    public var isUnchanged: Bool

    init(_ report: PairReport, _ request: SyncRequest, source: String, destination: String) {
        (self.source, self.destination, strategy) = (source, destination, request.strategy.rawValue)
        isDryRun = request.isDryRun
        outcome = report.outcome.rawValue
        mailboxes = report.mailboxes.map { mailbox in
            Mailbox(
                side: mailbox.side == .a ? "source" : "destination", mailbox: mailbox.mailbox.text,
                copied: mailbox.copiedCount, moved: mailbox.movedCount, flagChanges: mailbox.flagChangeCount,
                expunged: mailbox.expungedCount, linked: mailbox.adoptedCount, failure: mailbox.failure?.description)
        }
        (created, renamed, removed) = (report.createdMailboxes, report.renamedMailboxes, report.removedMailboxes)
        plan = report.plannedActions.filter(\.hasEffect).map(\.description)
        refusals = report.refusals.map(\.description)
        conflicts = report.conflicts
        nearDuplicates = report.nearDuplicates.map { "\($0.a) and \($0.b) are nearly equal" }
        quarantined = report.quarantine.map {
            Quarantined(
                message: $0.message.description, reason: $0.reason, detail: $0.detail, attempts: $0.attempts)
        }
        (interruption, pause) = (report.interruption?.description, report.pause)
        (fetchedOctets, deliveredOctets) = (Int(report.fetchedOctets), Int(report.deliveredOctets))
        isUnchanged = report.isUnchanged
        let failures = [report.interruption].compactMap { $0 } + report.mailboxes.compactMap(\.failure)
        if failures.contains(where: { $0.kind == .diskFull }) {
            storage = .diskFull
        } else if failures.contains(where: { $0.kind == .ioFailed }) {
            storage = .failed
        }
    }
}

/// Why files of an end could not be read or written.
public enum StorageTrouble: String, Codable, Sendable {
    case diskFull = "disk-full"
    case failed = "io-failed"

    /// What to do next.
    public var hint: String {
        switch self {
        case .diskFull: KitError.diskFullHint
        case .failed: "see that the files can be read and written; the next run goes on from there"
        }
    }
}
