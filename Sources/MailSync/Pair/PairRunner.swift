public import MailCore

/// One end of a sync.
public struct PairEnd: Sendable {
    public var store: any SyncStore
    /// What people call it.
    public var name: String
    /// What tells this account from another under the same name; `nil` when nothing does.
    public var identity: String?

    public init(store: any SyncStore, name: String, identity: String? = nil) {
        (self.store, self.name, self.identity) = (store, name, identity)
    }
}

/// How a run between two stores goes about.
public struct PairOptions: Sendable {
    public var policy: PairPolicy
    public var selection = PairSelection()
    public var naming = PairNaming()
    /// Plans and reports; writes nothing, the state included.
    public var isDryRun = false
    /// Compares every mailbox in full, whatever its counters say.
    public var looksAtEverything = false
    /// Deletes however many messages the policy says, and takes an emptied account for what it shows.
    public var allowsMassDelete = false
    /// Goes on although an end is another account than before.
    public var acceptsOtherIdentity = false
    /// Deletes in A what is in B, verified octet for octet, once it is so many seconds old by its internal date.
    public var sourceDeletionAge: Int64?
    public var limits = PairLimits()
    /// Is told what is done, as it is done.
    public var deeds: (@Sendable (PairDeed) -> Void)?
    /// Nanoseconds of a clock that does not go back, and a wait by it.
    public var clock: @Sendable () -> Int64 = PairOptions.monotonic
    public var pause: @Sendable (Int64) async throws -> Void = { try await Task.sleep(for: .nanoseconds($0)) }
    public var hashing: any ContentHashing
    /// For messages too large for memory; `nil`: they are kept in memory all the same.
    public var spooling: (any PairSpooling)?
    /// Octets of messages held in memory at once: being read, waiting, being delivered.
    public var memoryLimit = 14 << 20
    /// Seconds since 1970.
    public var now: @Sendable () -> Int64
    /// Messages whose effects are journalled together.
    package var batchLimit = 500
    /// Batches read ahead of those delivered, as far as they fit into ``memoryLimit``.
    package var readAhead = 16
    /// Messages of one mailbox that are described at once; larger ones are looked at in parts.
    package var partCount = 5_000

    /// What a batch holds in memory: small enough that some are read while two are delivered.
    var batchMemoryLimit: Int { memoryLimit / 5 }

    public init(policy: PairPolicy, hashing: any ContentHashing, now: @escaping @Sendable () -> Int64) {
        (self.policy, self.hashing, self.now) = (policy, hashing, now)
    }

    private static let start = ContinuousClock.now
    public static let monotonic: @Sendable () -> Int64 = {
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

/// Brings two stores together as a policy says: observe → plan → journal → execute → cursors last.
///
/// Stopped at any instant, the next run goes on; run twice, the second changes nothing.
public struct PairRunner: Sendable {
    let ends: BothSides<PairEnd>
    let state: PairState
    let options: PairOptions
    let progress: (@Sendable (PairProgress) -> Void)?

    public init(
        a: PairEnd, b: PairEnd, state: PairState, options: PairOptions,
        progress: (@Sendable (PairProgress) -> Void)? = nil
    ) {
        ends = BothSides(a, b)
        (self.state, self.options, self.progress) = (state, options, progress)
    }

    /// Runs once.
    ///
    /// An end that breaks off is in the report (``PairReport/interruption``), with what was done until then.
    /// - Throws: `.outage`, `.otherAccount`, `.stateTooNew` before anything is done; `.sourceFailed`,
    ///   `.destinationFailed` when an end cannot be reached at all; `.stateFailed`; `.cancelled`.
    public func run() async throws(SyncError) -> PairReport {
        do {
            var run = PairRun(self)
            return try await run.run()
        } catch let error as SyncError {
            throw error
        } catch let error as SideError {
            let kind: SyncError.Kind = error.side == .a ? .sourceFailed : .destinationFailed
            throw SyncError(
                error.error.kind == .cancelled ? .cancelled : kind, "\(ends[error.side].name): \(error.error)",
                cause: error.error)
        } catch is CancellationError {
            throw SyncError(.cancelled, "stopped; what was done is kept")
        } catch {
            throw SyncError.state(error, "the run stopped")
        }
    }
}

/// A store's error, with the side it came from.
struct SideError: Error {
    var side: PairSide
    var error: StoreError
}

/// Where octets wait between two stores that do not fit into memory: nowhere anybody else can read them.
public protocol PairSpooling: Sendable {
    func makeFile() throws(StoreError) -> any SpoolFile
}
