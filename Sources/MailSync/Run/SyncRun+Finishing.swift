import MailCore

extension SyncRun {
    /// Departures, deleted mailboxes and the last cursors, once every arrival is durable.
    mutating func finish(_ tree: MailboxTreePlan) async throws {
        if options.isDryRun {
            report.plannedActions += waiting.flatMap { $0.plan.departures.actions($0.name) } + tree.lastActions
            return
        }
        if waiting.isEmpty, tree.lastActions.isEmpty, session == nil, side?.isLastRunComplete ?? true { return }
        let session = try await open()
        var moves = MoveFinder(
            state: state, side: side?.id ?? 0,
            isOn: options.policy.moves == .follow ? try await state.hasRecentLinks() : false)
        if moves.isOn { moves.exclude(waiting, deleted: tree.lastActions) }
        for work in waiting {
            try await depart(work, &moves, session)
            try await advanceCursor(work, session)
        }
        for case .recordMailboxDeleted(let name) in tree.lastActions {
            try await delete(name, &moves, session)
        }
        try await session.committer.flush()
        try await state.completeRun(side?.id ?? 0, run: session.run)
    }

    private func depart(_ work: MailboxWork, _ moves: inout MoveFinder, _ session: Session) async throws {
        guard let side else { return }
        for uid in work.plan.departures.quarantined.uids {
            let address = OccurrenceAddress(
                account: source.account, mailbox: work.name, uidValidity: work.validity, uid: uid)
            try await session.committer.add([
                StateChange(
                    .dropQuarantine(uid, mailbox: work.name, validity: work.validity),
                    event: .gone(at: address, movedTo: nil))
            ])
        }
        let inQuarantine = try await state.quarantine(side.id, mailbox: work.name, validity: work.validity)
        for (validity, uids) in work.plan.departures.ordered {
            // What could not be taken may be an old message under its new UID: that is open, not gone.
            if validity != work.validity, !inQuarantine.isEmpty { continue }
            for part in uids.parts(count: options.partCount) {
                // A link that content paired meanwhile is not under its old UIDVALIDITY any more.
                let links = try await state.linksThatLeave(
                    side.id, mailbox: work.name, validity: validity, uids: Array(part.uids))
                for link in links {
                    let target = try await moves.target(of: link.message)
                    try await session.committer.add(
                        [departure(link.uid, work, validity, target: target)] + (target.map { [$0.consumed] } ?? []))
                }
            }
        }
    }

    private func delete(_ name: MailboxName, _ moves: inout MoveFinder, _ session: Session) async throws {
        guard let side else { return }
        if moves.isOn {
            for old in try await state.allLinks(side.id, mailbox: name) {
                guard let target = try await moves.target(of: old.link.message) else { continue }
                ledger.update(name) { $0.movedCount += 1 }
                let address = OccurrenceAddress(
                    account: source.account, mailbox: name, uidValidity: old.uidValidity, uid: old.link.uid)
                try await session.committer.add([
                    StateChange(
                        .unlink(old.link.uid, mailbox: name, validity: old.uidValidity),
                        event: .gone(at: address, movedTo: target.address(source.account))),
                    target.consumed,
                ])
            }
        }
        let event = OccurrenceEvent.mailboxDeleted(account: source.account, mailbox: name)
        try await session.committer.add([StateChange(.delete(name), event: event)])
    }
}

/// Finds where a message that left has gone to; each place is given once.
struct MoveFinder {
    let state: SyncState
    let side: Int64
    let isOn: Bool
    /// Given out already.
    private var used: Set<OccurrenceAddress> = []
    /// About to leave themselves.
    private var leaving: [MailboxName: Departures] = [:]
    private var leavingMailboxes: Set<MailboxName> = []

    init(state: SyncState, side: Int64, isOn: Bool) { (self.state, self.side, self.isOn) = (state, side, isOn) }

    /// What an interrupted run placed may have left again since: that is no target.
    mutating func exclude(_ works: [MailboxWork], deleted: [SyncAction]) {
        for work in works { leaving[work.name] = work.plan.departures }
        for case .recordMailboxDeleted(let name) in deleted { leavingMailboxes.insert(name) }
    }

    mutating func target(of message: RandomID) async throws -> MoveTarget? {
        guard isOn else { return nil }
        for target in try await state.moveTargets(side, of: message) {
            guard !leavingMailboxes.contains(target.mailbox),
                leaving[target.mailbox]?.contains(target.uid, target.validity) != true
            else { continue }
            if used.insert(target.address("")).inserted { return target }
        }
        return nil
    }
}

extension MoveTarget {
    /// The change that keeps this place from being found again after a crash.
    var consumed: StateChange { StateChange(.consumeMove(uid, mailbox: mailbox, validity: validity)) }
}
