internal import MailCore

/// One run between two stores: looks, plans, acts.
struct PairRun {
    let ends: BothSides<PairEnd>
    let state: PairState
    let options: PairOptions
    let progress: (@Sendable (PairProgress) -> Void)?
    var report = PairReport()
    var throttle = PairThrottle()
    var key: [UInt8] = []
    var traits = BothSides(StoreTraits(), StoreTraits())
    var abilities = BothSides(StoreAbilities(), StoreAbilities())
    /// What each side lists, by row.
    var listings: BothSides<[Int64: MailboxListing]> = BothSides([:], [:])
    var baseRows: BothSides<[Int64: BaseMailbox]> = BothSides([:], [:])
    var rowOfName: BothSides<[MailboxName: Int64]> = BothSides([:], [:])
    var deliveryTraits: BothSides<[MailboxName: DeliveryTraits]> = BothSides([:], [:])
    /// What was seen of the mailboxes looked at.
    var looks: [Int64: (side: PairSide, look: MailboxHalf.Look, status: MailboxStatus)] = [:]
    /// New messages of large mailboxes, by position of the mailbox, that are not described yet.
    var rest: BothSides<[Int: UIDSet]> = BothSides([:], [:])
    /// Those that were worked off in parts, by row.
    var offered: BothSides<[Int64: (validity: UIDValidity, uids: UIDSet)]> = BothSides([:], [:])
    var mailboxes: [PairedMailbox] = []
    var droppedPairs: Set<Int64> = []
    var replacedRows: BothSides<Set<Int64>> = BothSides([], [])
    var unfinished: Set<Int64> = []
    var effectsTotal = 0
    /// Of messages that were to be copied and are not.
    var failedContents: Set<ContentMark> = []
    var failedSizes: [Int?] = []

    /// Messages of links whose flags this plan changes.
    var changing: BothSides<Set<Place>> = BothSides([], [])
    /// By mailbox (row), the highest UID that a message of this run got there.
    var newestUIDs: BothSides<[Int64: UInt32]> = BothSides([:], [:])

    /// Mailboxes (rows) in which something planned was not done.
    var held: Set<Int64> = []
    /// By link, the mailbox (row) of the end that a copy is to replace.
    var givenUp: [Int64: Int64] = [:]
    var renamed: BothSides<[MailboxName: MailboxName]> = BothSides([:], [:])
    /// Links whose message moved in this run, as they are now.
    var movedLinks: [Int64: PairLink] = [:]
    /// Delivered or moved, under a UID the store did not tell.
    var sentLinks: [PairLink] = []
    /// Rows of the links made in this run.
    var linkIDs: [LinkKey: Int64] = [:]

    init(_ runner: PairRunner) {
        (ends, state, options, progress) = (runner.ends, runner.state, runner.options, runner.progress)
    }

    var policy: PairPolicy { options.policy }

    mutating func run() async throws -> PairReport {
        for side in PairSide.allCases {
            abilities[side] = try await on(side) { store throws(StoreError) in try await store.abilities }
        }
        try await checkBeforehand()
        guard let key = [UInt8](hex: try await state.fact("key") ?? "") else {
            throw SyncError(.stateFailed, "the state of the pair has lost its key")
        }
        self.key = key
        var (situation, actions) = try await look()
        try checkSourceDeletion()
        if options.isDryRun {
            let plan = MailSync.plan(situation, mailboxActions: actions)
            note(plan)
            report.plannedActions = try await plan.actions + plannedLeaving(plan)
            return report
        }
        do {
            try await startThrottle()
            if !rest.a.isEmpty || !rest.b.isEmpty {
                try await executeInParts(situation, actions)
                (situation, actions) = try await look()
            }
            let plan = MailSync.plan(situation, mailboxActions: actions)
            // All of it is in the plan now, and not held twice while that is carried out.
            (situation.links, situation.fresh) = ([], [])
            note(plan)
            try await execute(plan)
            try await deleteCopied()
            try await finish(plan)
            try await finishThrottle()
        } catch let error as SideError {
            if error.error.kind == .cancelled { throw CancellationError() }
            (report.interruption, report.interruptedSide) = (error.error, error.side)
        }
        report.mailboxes.sort { ($0.side.rawValue, $0.mailbox.text) < ($1.side.rawValue, $1.mailbox.text) }
        return report
    }

    private mutating func note(_ plan: PairPlan) {
        report.refusals = plan.refusals
        report.nearDuplicates += plan.nearDuplicates
        report.conflicts += plan.conflicts
        report.quarantine += plan.unread
        if let deeds = options.deeds, !options.isDryRun {
            for entry in plan.unread { deeds(PairDeed(.quarantined, entry.message, entry.reason)) }
        }
        unfinished.formUnion(plan.unfinished)
        givenUp.merge(plan.givenUp) { _, new in new }
        effectsTotal = report.effectCount + plan.effects.count
    }

    private func checkBeforehand() async throws {
        if !options.isDryRun, abilities.b.isReadOnly {
            throw SyncError(.destinationFailed, "\(ends.b.name) cannot be changed")
        }
        if !options.isDryRun, policy.writesA, abilities.a.isReadOnly {
            throw SyncError(.sourceFailed, "\(ends.a.name) cannot be changed, and this strategy changes both sides")
        }
        var changes: [PairChange] = []
        for side in PairSide.allCases {
            guard let identity = ends[side].identity else { continue }
            let name = "identity-\(side)"
            let known = try await state.fact(name)
            guard known != identity else { continue }
            guard known == nil || options.acceptsOtherIdentity else {
                throw SyncError(.otherAccount, "\(ends[side].name) is another account than in the runs before")
            }
            changes.append(.fact(name, identity))
        }
        if !options.isDryRun { try await state.apply("identity", changes) }
    }

    /// Calls one side's store; the error says which side it was.
    func on<T>(_ side: PairSide, _ body: (any SyncStore) async throws(StoreError) -> T) async throws -> T {
        do { return try await body(ends[side].store) } catch { throw SideError(side: side, error: error) }
    }

    /// As ``on(_:_:)``, where an error that concerns one mailbox is only reported: `nil`.
    mutating func on<T>(
        _ side: PairSide, mailbox: MailboxName, _ body: (any SyncStore) async throws(StoreError) -> T
    ) async throws -> T? {
        do { return try await body(ends[side].store) } catch {
            guard !error.endsRun else { throw SideError(side: side, error: error) }
            if let inner = Self.inner(error) { throw inner }
            report.update(side, mailbox) { $0.failure = error }
            return nil
        }
    }

    /// What a consumer of ours threw, wrapped by the store.
    static func inner(_ error: StoreError) -> (any Error)? {
        guard error.kind == .consumerFailed, let cause = error.cause else { return nil }
        return cause is SyncError || cause is SideError || cause is CancellationError ? cause : nil
    }

    func reader() -> ContentReader { ContentReader(key: key, hashing: options.hashing) }

    mutating func advance(_ mailbox: MailboxName, by count: Int = 1) {
        report.effectCount += count
        progress?(
            PairProgress(
                mailbox: mailbox, effectsDone: report.effectCount, effectsTotal: effectsTotal,
                octetsDone: report.fetchedOctets))
    }
}
