public import MailCore

/// A store as the source of one account.
public struct SyncSource: Sendable {
    public var store: any MailStore
    /// The account's name in the destination; `import:…` for imports.
    public var account: String
    /// What tells this account from another under the same name (user and host); `nil` when nothing does.
    public var identity: String?
    public var channel: Channel
    public var fidelity: Fidelity
    /// Its store shows some mailboxes only, because others were not asked for.
    public var isNarrowed = false

    public init(
        store: any MailStore, account: String, identity: String? = nil, channel: Channel, fidelity: Fidelity = .exact
    ) {
        (self.store, self.account, self.identity) = (store, account, identity)
        (self.channel, self.fidelity) = (channel, fidelity)
    }
}

/// How a run goes about.
public struct SyncOptions: Sendable {
    public var policy = SyncPolicy.archiveHistory
    /// Plans and reports; writes nothing.
    public var isDryRun = false
    /// Compares every mailbox in full, whatever its counters say: heals what a lying server hid.
    public var looksAtEverything = false
    /// Takes an emptied account for what it shows.
    public var acceptsDisappearance = false
    /// Goes on although the account's identity changed.
    public var acceptsOtherIdentity = false
    /// Deletes in the source what is archived; `nil`: nothing ever.
    public var deletion: SourceDeletion?
    /// LIMIT: messages of one mailbox that are known at once (some 1.5 KB each with what is planned for them); a larger
    /// mailbox is looked at and worked off in parts of so many.
    package var partCount = 10_000
    package var groupLimits = GroupLimits()
    package var now: @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }

    public init() {}
}

/// Brings a destination up to date with a source: observe → plan → journal → execute → cursor last.
///
/// Stopped at any instant, the next run goes on where the last commit was; run twice, the second does nothing.
public struct SyncRunner: Sendable {
    let source: SyncSource
    let destination: any HistoryDestination
    let state: SyncState
    let options: SyncOptions
    let progress: (@Sendable (SyncProgress) -> Void)?

    public init(
        source: SyncSource, destination: any HistoryDestination, state: SyncState, options: SyncOptions = SyncOptions(),
        progress: (@Sendable (SyncProgress) -> Void)? = nil
    ) {
        (self.source, self.destination, self.state) = (source, destination, state)
        (self.options, self.progress) = (options, progress)
    }

    /// Runs once.
    ///
    /// A source that breaks off is in the report (``SyncReport/interruption``), with what was done until then.
    /// - Throws: `.outage`, `.otherAccount` before anything is recorded; `.destinationFailed`, `.stateFailed`.
    public func run() async throws(SyncError) -> SyncReport {
        do {
            var run = SyncRun(self)
            return try await run.run()
        } catch let error as SyncError {
            throw error
        } catch let error as StoreError {
            throw SyncError(.sourceFailed, error.description, cause: error)
        } catch is CancellationError {
            throw SyncError(.cancelled, "the run was cancelled")
        } catch {
            throw SyncError(.destinationFailed, "the run stopped: \(error)", cause: error)
        }
    }
}
