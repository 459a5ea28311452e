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
    /// Is told what is done, as it is done, with the beginning and the end of the run.
    public var log: (@Sendable (SyncLogEntry) -> Void)?

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

/// Syncs two stores; needs no archive but for an end that is one.
public enum PairSync {
    /// Brings `destination` up to date with `source`, or both with each other.
    ///
    /// - Throws: `.usage` for ends that are one; `.connection`, `.authentication`, `.tls`; `.sourceOutage` where an end
    ///   looks broken rather than emptied; `.busy` while another run has the pair, or writes to the archive.
    public static func run(
        from source: SyncEndpoint, to destination: SyncEndpoint, _ request: SyncRequest,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> PairSyncReport {
        guard try source.place() != destination.place() else {
            throw KitError(.usage, "source and destination are one: \(source.name)", hint: "name two different stores")
        }
        let limits = request.limits.completed(source, destination)
        let (source, destination) = (
            source.keeping(to: limits.sourceProvider), destination.keeping(to: limits.destinationProvider)
        )
        var options = try options(request)
        options.limits = limits.pair
        try check(source, destination, options)
        guard let log = request.log, !options.isDryRun else {
            return try await run(from: source, to: destination, request, options, progress: progress)
        }
        log(.began(source, destination, request.strategy))
        do throws(KitError) {
            let report = try await run(from: source, to: destination, request, options, progress: progress)
            for entry in SyncLogEntry.ends(of: report) { log(entry) }
            return report
        } catch {
            log(.ended(error))
            throw error
        }
    }

    /// Opens the archive that is written to, if one is.
    private static func run(
        from source: SyncEndpoint, to destination: SyncEndpoint, _ request: SyncRequest, _ options: PairOptions,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> PairSyncReport {
        guard !options.isDryRun, let workspace = writtenArchive(source, destination, options) else {
            return try await run(from: source, to: destination, request, options, nil, progress: progress)
        }
        let session = try await ArchiveSession(workspace)
        let result: Result<PairSyncReport, KitError>
        do throws(KitError) {
            result = .success(
                try await run(from: source, to: destination, request, options, session, progress: progress))
        } catch { result = .failure(error) }
        do throws(KitError) { try await session.close() } catch {
            // What went wrong first says more.
            _ = try result.get()
            throw error
        }
        return try result.get()
    }

    /// The archive that is written to; both ends can be in it.
    private static func writtenArchive(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ options: PairOptions
    ) -> Workspace? {
        if case .archive(let workspace, _) = destination { return workspace }
        if options.writesSource, case .archive(let workspace, _) = source { return workspace }
        return nil
    }

    private static func run(
        from source: SyncEndpoint, to destination: SyncEndpoint, _ request: SyncRequest, _ options: PairOptions,
        _ session: ArchiveSession?, progress: @escaping ProgressHandler
    ) async throws(KitError) -> PairSyncReport {
        let folder = try PairFolder(
            source, destination, subfolder: request.names, base: request.stateFolder)
        let archive = writtenArchive(source, destination, options)
        if archive == nil || source.keepsUIDsBeside || destination.keepsUIDsBeside { try folder.make() }
        let (state, a, b) = try await open(source, destination, folder, archive, options, session)
        defer { try? state.close() }
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

    /// In the archive that is written to, where there is one.
    private static func openState(
        _ folder: PairFolder, _ archive: Workspace?, isDryRun: Bool
    ) throws(KitError) -> PairState {
        guard let archive else {
            do throws(SyncError) { return try PairState.open(path: folder.database) } catch {
                throw KitError(error, at: folder.path)
            }
        }
        let pairs = ArchivedPairs(archive: archive.archive)
        let name = pairs.name(of: folder.ends)
        guard isDryRun, !pairs.exists(name) else { return try pairs.open(name) }
        do throws(SyncError) { return try PairState.inMemory() } catch { throw KitError(error, at: archive.path) }
    }

    /// What is known of the pair, and both ends, all opened at once: servers take their time to greet.
    private static func open(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ folder: PairFolder, _ archive: Workspace?,
        _ options: PairOptions, _ session: ArchiveSession?
    ) async throws(KitError) -> (PairState, OpenEnd, OpenEnd) {
        let (toA, toB) = (destination.channel, source.channel)
        async let openingA = OpenEnd.open(
            source,
            .init(isWritten: options.writesSource, uidLists: folder.uidLists("a"), session: session, channel: toA))
        async let openingB = OpenEnd.open(
            destination, .init(isWritten: true, uidLists: folder.uidLists("b"), session: session, channel: toB))
        let state: Result<PairState, KitError>
        do throws(KitError) {
            state = .success(try openState(folder, archive, isDryRun: options.isDryRun))
        } catch { state = .failure(error) }
        let ends = [await openingA, await openingB]
        do throws(KitError) { return (try state.get(), try ends[0].get(), try ends[1].get()) } catch {
            for case .success(let end) in ends { await end.close() }
            try? state.get().close()
            throw error
        }
    }

    /// Refuses what would write an end that can only be read, before anything is opened.
    private static func check(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ options: PairOptions
    ) throws(KitError) {
        try destination.checkIsWritable()
        guard options.writesSource else { return }
        try source.checkIsWritable()
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
        options.sourceDeletionAge = request.sourceDeletionAge
        options.spooling = SealedSpool(folder: PairFolder.temporaryFolder)
        if let log = request.log { options.deeds = { log(SyncLogEntry($0)) } }
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
