import MailCore

extension SyncRun {
    private var placing: Placing { Placing(source: source, policy: options.policy, ledger: ledger) }

    /// Renames, and deletions whose names are in use again.
    mutating func executeTree(_ actions: [SyncAction], listings: [MailboxListing]) async throws {
        guard !actions.isEmpty else { return }
        let session = try await open()
        for action in actions {
            switch action {
            case .recordMailboxRenamed(let old, let new):
                let event = OccurrenceEvent.mailboxRenamed(account: source.account, from: old, to: new)
                try await session.committer.add([StateChange(.rename(from: old, to: new), event: event)])
            case .recordMailboxDeleted(let name):
                let event = OccurrenceEvent.mailboxDeleted(account: source.account, mailbox: name)
                try await session.committer.add([StateChange(.delete(name), event: event)])
            default: continue
            }
        }
        // ORDER: the state knows the new names before any mailbox is compared under them.
        try await session.committer.flush()
    }

    /// Looks at the mailboxes of a wave, plans, and executes all but the departures.
    ///
    /// - Throws: a `StoreError` that ends the run, after everything in hand was made durable.
    mutating func execute(_ wave: [MatchedMailbox], _ traits: StoreTraits) async throws {
        let (works, large) = try await look(wave, traits)
        self.works += works
        for work in works {
            ledger.update(work.name) {
                $0.serverCount = work.plan.serverCount
                $0.erasedCount = work.plan.erasedCount
            }
        }
        if options.isDryRun {
            report.plannedActions += works.flatMap(\.arrivals)
            waiting += works
        } else {
            let busy = works.filter { !$0.arrivals.isEmpty || !$0.plan.departures.isEmpty || needsCursor($0) }
            try await executeArrivals(busy, traits)
            try await conclude(busy)
        }
        for mailbox in large { try await executeInParts(mailbox, traits) }
    }

    /// Executes everything planned for `works` but what left, and makes it durable.
    mutating func executeArrivals(_ works: [MailboxWork], _ traits: StoreTraits) async throws {
        guard !works.isEmpty else { return }
        MailboxWork.putOffRepeated(works)
        try await executeArrivalsOnce(works, traits)
        let rest = works.filter { !$0.summariesPutOff.isEmpty && !$0.hasFailed }
        guard !rest.isEmpty else { return }
        for work in rest {
            let ids = work.summariesPutOff.compactMap(\.objectID)
            work.resume(try await state.messages(side?.id ?? 0, withObjectIDs: ids))
        }
        try await executeArrivalsOnce(rest, traits)
    }

    private mutating func executeArrivalsOnce(_ works: [MailboxWork], _ traits: StoreTraits) async throws {
        let octets = works.flatMap(\.summariesToFetch).reduce(Int64(0)) { $0 + Int64($1.octetCount ?? 0) }
        ledger.expect(messages: 0, octets: octets)
        let session = try await open()
        let operations = works.compactMap { entry("archive", $0, UIDSet($0.summariesToFetch.map(\.uid))) }
        try await state.journal(side?.id ?? 0, run: session.run, operations)
        for work in works {
            for action in work.arrivals { try await session.committer.add(changes(action, work)) }
        }
        try await fetch(works, lanes: Self.lanes(works, traits), session)
        for work in works { work.forgetArrivals() }
        let failed = Set(works.filter(\.hasFailed).map(\.name))
        try await session.committer.add(
            operations.filter { !failed.contains($0.mailbox) }.map { StateChange(.operation($0.seq, state: .done)) })
        try await session.committer.flush()
    }

    /// What is to be done once all that is in a mailbox has arrived; departures wait for the end of the run.
    mutating func conclude(_ works: [MailboxWork]) async throws {
        guard !works.isEmpty else { return }
        let session = try await open()
        for work in works where !work.hasFailed {
            if !work.plan.goneErased.isEmpty {
                let gone = StateChange.Kind.dropErased(
                    work.plan.goneErased, mailbox: work.name, validity: work.validity)
                try await session.committer.add([StateChange(gone)])
            }
            if work.plan.departures.isEmpty { try await advanceCursor(work, session) } else { waiting.append(work) }
        }
        let operations = works.filter { !$0.hasFailed }
            .compactMap { entry("departures", $0, $0.plan.departures.uids) }
        try await state.journal(side?.id ?? 0, run: session.run, operations)
        try await session.committer.flush()
    }

    private mutating func entry(_ kind: String, _ work: MailboxWork, _ uids: UIDSet) -> Operation? {
        guard !uids.isEmpty else { return nil }
        let seq = session?.nextOperation ?? 0
        session?.nextOperation = seq + 1
        return Operation(seq: seq, kind: kind, mailbox: work.name, uids: uids)
    }

    private func changes(_ action: SyncAction, _ work: MailboxWork) -> [StateChange] {
        switch action {
        case .recordMailboxCreated(let name, let role, let validity):
            let event = OccurrenceEvent.mailboxCreated(
                account: source.account, mailbox: name, role: role, uidValidity: validity)
            let mailbox = RecordedMailbox(name: name, role: role, uidValidity: validity)
            return [StateChange(.create(mailbox, mailboxID: work.mailbox.listing.mailboxID), event: event)]
        case .pairAgain(_, let old, _, let mapping):
            return [placing.remap(work, from: old, mapping: mapping)]
        case .place(let summary, _, let message):
            return placing.changes(summary, message, work, isNew: false, octets: 0)
        case .recordFlags(let uid, _, let flags, let modSeq):
            return [placing.flags(uid, flags, modSeq, work)]
        case .recordGone(let uid, _, let validity):
            return [departure(uid, work, validity, target: nil)]
        case .dropQuarantine, .archive, .recordMailboxDeleted, .recordMailboxRenamed, .deleteInSource: return []
        }
    }

    func departure(
        _ uid: UID, _ work: MailboxWork, _ validity: UIDValidity, target: MoveTarget?
    ) -> StateChange {
        ledger.update(work.name) { if target == nil { $0.expungedCount += 1 } else { $0.movedCount += 1 } }
        let address = OccurrenceAddress(
            account: source.account, mailbox: work.name, uidValidity: validity, uid: uid)
        return StateChange(
            .unlink(uid, mailbox: work.name, validity: validity),
            event: .gone(at: address, movedTo: target.map { $0.address(source.account) }))
    }

    /// How many lanes are worth having.
    ///
    /// LIMIT: a further lane costs a connection with its log-in, and a pack to be made durable; below 4 MiB or 100
    /// messages for each it would be there too late.
    private static func lanes(_ works: [MailboxWork], _ traits: StoreTraits) -> Int {
        let messages = works.reduce(0) { $0 + $1.summariesToFetch.count }
        let octets = works.reduce(0) { total, work in
            total + work.summariesToFetch.reduce(0) { $0 + ($1.octetCount ?? 0) }
        }
        return min(max(1, traits.fetchConcurrency), 1 + max(messages / 100, octets / (4 << 20)))
    }

    /// Runs the lanes until everything is fetched.
    private func fetch(_ works: [MailboxWork], lanes: Int, _ session: Session) async throws {
        let batches = FetchBatch.batches(works, lanes: lanes)
        let queue = BatchQueue(batches)
        let count = min(lanes, batches.count)
        let (source, destination, ledger, policy) = (source, destination, ledger, options.policy)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                let lane = FetchLane(
                    number: number, source: source, destination: destination, committer: session.committer,
                    ledger: ledger, policy: policy)
                group.addTask {
                    while let batch = queue.next() {
                        do {
                            try await lane.fetch(batch)
                        } catch let error as StoreError {
                            queue.stop(error)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        if let error = queue.error { throw error }
    }

    private func needsCursor(_ work: MailboxWork) -> Bool {
        guard let base = work.mailbox.base else { return true }
        let listing = work.mailbox.listing
        return base.status != cursorStatus(work) || base.uidValidity != work.validity || base.role != listing.role
            || base.mailboxID != listing.mailboxID
    }

    /// `nil` when the look had holes: the next one is full then.
    private func cursorStatus(_ work: MailboxWork) -> MailboxStatus? {
        work.plan.isComplete ? work.plan.status : nil
    }

    func advanceCursor(_ work: MailboxWork, _ session: Session) async throws {
        try await session.committer.add([
            StateChange(.cursor(work.mailbox.listing, validity: work.validity, status: cursorStatus(work)))
        ])
    }
}

extension MoveTarget {
    func address(_ account: String) -> OccurrenceAddress {
        OccurrenceAddress(account: account, mailbox: mailbox, uidValidity: validity, uid: uid)
    }
}
