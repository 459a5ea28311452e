import MailCore

/// One run in progress.
struct SyncRun {
    let source: SyncSource
    let destination: any HistoryDestination
    let state: SyncState
    let options: SyncOptions
    let ledger: RunLedger

    var side: SideRow?
    var report = SyncReport()
    /// Set at the first change; a run that finds none leaves no trace.
    var session: Session?
    /// Departures wait until every arrival of the run is known: then a move can be told from an expunge.
    var waiting: [MailboxWork] = []
    var works: [MailboxWork] = []

    /// What exists once a run writes.
    struct Session {
        var run: Int
        var committer: GroupCommitter
        var nextOperation = 0
    }

    init(_ runner: SyncRunner) {
        (source, destination, state) = (runner.source, runner.destination, runner.state)
        options = runner.options
        ledger = RunLedger(report: runner.progress)
    }

    mutating func run() async throws -> SyncReport {
        let traits = try await source.store.traits
        try await checkDeletion(traits)
        let (listings, isComplete) = try await source.store.mailboxes()
        report.isListComplete = isComplete || source.isNarrowed
        try await openSide()
        try await settleLeaving()
        let base = if let side { try await state.mailboxes(side.id) } else { [BaseMailbox]() }
        let tree = try MailboxTreePlan(
            base: base, listings: listings, isComplete: isComplete, policy: options.policy,
            acceptsDisappearance: options.acceptsDisappearance)
        let looks = tree.present.filter { options.looksAtEverything || !$0.isUnchanged }
        let partCount = options.partCount
        expect(looks)
        if options.isDryRun {
            report.plannedActions = tree.firstActions
        } else {
            try await executeTree(tree.firstActions, listings: listings)
        }
        do {
            for wave in Self.waves(looks, messageCount: partCount) { try await execute(wave, traits) }
            try await finish(tree)
            try await deleteInSource(tree)
        } catch let error as StoreError {
            report.interruption = error
            try await session?.committer.flush()
        }
        try await fillReport(tree)
        return report
    }

    private func expect(_ looks: [MatchedMailbox]) {
        let messages = looks.reduce(0) { total, look in
            total + max(0, (look.listing.status?.messageCount ?? 0) - (look.base?.linkedCount ?? 0))
        }
        ledger.expect(messages: messages, octets: 0)
    }

    /// Compares the state with the account and the destination; rebuilds it where it is behind.
    private mutating func openSide() async throws {
        side = try await state.side(source.account)
        if let known = side?.fingerprint, let identity = source.identity, known != identity,
            !options.acceptsOtherIdentity
        {
            throw SyncError(
                .otherAccount, "account \(source.account) was \(known) and is \(identity) now; nothing was recorded")
        }
        let sequence = try await destination.eventSequence
        guard sequence != (side?.appliedSequence ?? 0), !options.isDryRun else { return }
        let row = try await state.makeSide(source.account, fingerprint: source.identity ?? side?.fingerprint)
        try await state.rebuild(row, from: destination, sequence: sequence)
        side = try await state.side(source.account)
        report.rebuiltState = true
    }

    /// The session, opened at the first change.
    mutating func open() async throws -> Session {
        if let session { return session }
        let row = try await state.makeSide(source.account, fingerprint: source.identity ?? side?.fingerprint)
        let run = try await state.beginRun(row.id)
        side = row
        let committer = GroupCommitter(
            destination: destination, state: state, side: row.id, run: run, limits: options.groupLimits,
            now: options.now)
        let session = Session(run: run, committer: committer)
        self.session = session
        return session
    }

    /// LIMIT: what is known of `messageCount` messages or of 512 mailboxes is held at once; a bigger mailbox is a wave
    /// alone. A mailbox of all messages goes first, alone: the others then find their messages archived.
    static func waves(_ looks: [MatchedMailbox], messageCount: Int) -> [[MatchedMailbox]] {
        var waves: [[MatchedMailbox]] = []
        var wave: [MatchedMailbox] = []
        var messages = 0
        for look in looks {
            // Stores of files do not say how many they are.
            let count = look.listing.status?.messageCount ?? messageCount / 2
            let isAlone = look.listing.role == .all || wave.last?.listing.role == .all
            if !wave.isEmpty, isAlone || wave.count >= 512 || messages + count > messageCount {
                waves.append(wave)
                (wave, messages) = ([], 0)
            }
            wave.append(look)
            messages += count
        }
        return wave.isEmpty ? waves : waves + [wave]
    }

    private mutating func fillReport(_ tree: MailboxTreePlan) async throws {
        let byName = Dictionary(works.map { ($0.name, $0) }) { first, _ in first }
        for mailbox in tree.present {
            let name = mailbox.listing.name
            var entry = ledger[name]
            entry.isNew = mailbox.base == nil
            if let old = mailbox.base?.name, old != name { entry.renamedFrom = old }
            if let work = byName[name] {
                entry.isComplete = work.plan.isComplete
                entry.failure = work.error ?? entry.failure
            } else {
                entry.serverCount = mailbox.listing.status?.messageCount ?? mailbox.base?.status?.messageCount ?? 0
            }
            let validity =
                byName[name]?.validity ?? mailbox.listing.status?.uidValidity ?? mailbox.base?.uidValidity
            if byName[name] == nil, let side, let validity {
                let key = options.isDryRun ? mailbox.base?.name ?? name : name
                entry.erasedCount = try await state.erasedCount(side.id, mailbox: key, validity: validity)
            }
            if let base = mailbox.base, byName[name] == nil, mailbox.isUnchanged {
                (entry.archivedCount, entry.quarantinedCount) = (base.linkedCount, base.quarantinedCount)
            } else if let side, let validity {
                let key = options.isDryRun ? mailbox.base?.name ?? name : name
                entry.archivedCount = try await state.linkedCount(side.id, mailbox: key, validity: validity)
                entry.quarantine = try await state.quarantine(side.id, mailbox: key, validity: validity)
                entry.quarantinedCount = entry.quarantine.count
            }
            if !entry.deleted.isEmpty, let side, let validity {
                entry.serverCount = max(0, entry.serverCount - entry.deleted.count)
                entry.archivedCount = try await state.linkedCount(side.id, mailbox: name, validity: validity)
            }
            report.mailboxes.append(entry)
        }
        for case .recordMailboxDeleted(let name) in tree.firstActions + tree.lastActions
        where !report.mailboxes.contains(where: { $0.mailbox == name }) {
            var entry = ledger[name]
            entry.isDeleted = report.interruption == nil
            report.mailboxes.append(entry)
        }
        report.commitCount = await session?.committer.commitCount ?? 0
    }
}
