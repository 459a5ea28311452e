internal import MailCore

/// Mailboxes too large to be held: counted, described in parts, and their new messages copied part by part.
///
/// A part's copies are linked before the next part is described. Nothing is decided there for want of a message: what was
/// not found may be in a later part. So a second look follows, which leaves out what the parts have dealt with.
///
/// LIMIT: held as a whole, some 1 KiB a message, are the new messages of a mailbox whose other half has as many, those of
/// a destination in which they are to be deleted, links after a change of UIDVALIDITY, all that changed since the last
/// run, and what a dry run plans.
extension PairRun {
    func isPartwise(_ side: PairSide) -> Bool {
        ends[side].store is any PartwiseStore && traits[side].hasPersistentUIDs
    }

    /// Looks at one mailbox: keeps what changed of its linked messages, and describes the new ones if they are few.
    mutating func lookInParts(
        _ side: PairSide, _ position: Int, _ touched: inout [Int64: TouchedLink], _ fresh: inout [FreshMessage]
    ) async throws {
        guard let half = mailboxes[position].halves[side], let store = ends[side].store as? any PartwiseStore else {
            return
        }
        let counted = try await on(side, mailbox: half.name) { _ throws(StoreError) in
            try await store.census(of: half.name)
        }
        guard var census = counted else { return setLook(position, side, .failed, nil) }
        let validity = census.status.uidValidity
        let known = try await state.knownUIDs(side, half.row, validity)
        var new = census.uids.subtracting(known)
        if let offered = offered[side][half.row], offered.validity == validity {
            // The parts had them; those that are not linked wait for another run.
            if !new.intersection(offered.uids).isEmpty { unfinished.insert(half.row) }
            new = new.subtracting(offered.uids)
            if new.count > options.partCount { (census.isComplete, new) = (false, UIDSet()) }
        }
        for part in MailboxPart.parts(of: census.uids.intersection(known), count: options.partCount) {
            guard let summaries = try await describe(part.uids, side, half.name, validity) else {
                return setLook(position, side, .failed, nil)
            }
            let diff = MailboxDiff(row: half.row, part: summaries, of: census)
            for (link, status) in try await state.visit(side, diff, part.range).0 {
                touch(link, side, status, &touched)
            }
        }
        let look: MailboxHalf.Look =
            validity.value == 0 ? .volatile : census.isComplete ? .complete : .incomplete
        setLook(position, side, look, census.status)
        looks[half.row] = (side, look, census.status)
        rest[side][position] = new
        if new.count <= options.partCount || options.isDryRun { try await describeRest(side, position, &fresh) }
    }

    private mutating func describe(
        _ uids: UIDSet, _ side: PairSide, _ name: MailboxName, _ validity: UIDValidity
    ) async throws -> [MessageSummary]? {
        guard !uids.isEmpty, let store = ends[side].store as? any PartwiseStore else { return [] }
        let summaries = try await on(side, mailbox: name) { _ throws(StoreError) in
            try await store.describe(uids, of: name, uidValidity: validity)
        }
        return summaries.map { SyncRun.ascending($0).filter { uids.contains($0.uid) } }
    }

    /// Describes what was to wait.
    private mutating func describeRest(
        _ side: PairSide, _ position: Int, _ fresh: inout [FreshMessage]
    ) async throws {
        guard let uids = rest[side].removeValue(forKey: position), let half = mailboxes[position].halves[side],
            let validity = half.uidValidity
        else { return }
        for part in uids.parts(count: options.partCount) {
            guard let summaries = try await describe(part, side, half.name, validity) else {
                unfinished.insert(half.row)
                return setLook(position, side, .failed, nil)
            }
            fresh += summaries.map { FreshMessage(side: side, pair: position, summary: $0) }
        }
    }

    /// Lets wait only what can be decided part by part: one half of a mailbox, and what is not to be deleted.
    mutating func settleRest(_ fresh: inout [FreshMessage]) async throws {
        for (position, uids) in rest.b.sorted(by: { $0.key < $1.key }) {
            let isSmaller = uids.count <= rest.a[position]?.count ?? 0
            if isSmaller || policy.adoptsAnywhere || policy.newInB == .delete {
                try await describeRest(.b, position, &fresh)
            }
        }
        for position in rest.a.keys.sorted() where rest.b[position] != nil {
            try await describeRest(.a, position, &fresh)
        }
    }

    // MARK: Acting part by part

    /// Copies what waits.
    mutating func executeInParts(_ first: PairSituation, _ actions: PairTree.Actions) async throws {
        var open = first.links.filter { link in
            link.link.pending != nil || PairSide.allCases.contains { [.gone, .stale].contains(link.status[$0]) }
        }
        var carried = first.fresh
        let waiting = rest
        for side in PairSide.allCases {
            for (position, uids) in waiting[side].sorted(by: { $0.key < $1.key }) {
                effectsTotal = report.effectCount + uids.count
                for part in uids.parts(count: options.partCount) {
                    guard !throttle.isOverBudget else { return }
                    try Task.checkCancellation()
                    try await execute(part, side, position, actions, &open, &carried)
                }
            }
        }
        // Mailboxes made here are looked at like all others now.
        unfinished = []
    }

    private mutating func execute(
        _ part: UIDSet, _ side: PairSide, _ position: Int, _ actions: PairTree.Actions, _ open: inout [TouchedLink],
        _ carried: inout [FreshMessage]
    ) async throws {
        guard let half = mailboxes[position].halves[side], let validity = half.uidValidity,
            let summaries = try await describe(part, side, half.name, validity)
        else { return }
        var situation = PairSituation(
            policy: policy, now: options.now(), mailboxes: mailboxes, links: open,
            fresh: carried + summaries.map { FreshMessage(side: side, pair: position, summary: $0) })
        (situation.selection, situation.part) = (options.selection, PairPart(side: side, pair: position, uids: part))
        var touched = Dictionary(open.map { ($0.link.id, $0) }) { first, _ in first }
        try await identify(&situation, &touched)
        try await search(situation)
        situation.mailboxes = mailboxes
        for index in carried.indices { carried[index].content = situation.fresh[index].content }
        let plan = MailSync.plan(situation, mailboxActions: actions.ofParts)
        report.nearDuplicates += plan.nearDuplicates
        (linkIDs, movedLinks) = ([:], [:])
        try await execute(plan)
        let ends = plan.linkedEnds
        carried.removeAll { message in
            mailboxes[message.pair].halves[message.side].map { ends.contains(.init($0.row, message.summary.uid)) }
                ?? true
        }
        open.removeAll { plan.linkIDs.contains($0.link.id) }
        let known = offered[side][half.row]?.uids ?? UIDSet()
        offered[side][half.row] = (validity, known.union(part.subtracting(plan.leftOpen)))
    }
}

extension PairTree.Actions {
    /// What is known of the listings; nothing is done about mailboxes before everything was looked at.
    fileprivate var ofParts: Self {
        var actions = Self()
        (actions.isListComplete, actions.unusable) = (isListComplete, unusable)
        return actions
    }
}

extension PairPlan {
    /// An address in the state.
    fileprivate struct End: Hashable {
        var mailbox: Int64
        var uid: UID
        init(_ mailbox: Int64, _ uid: UID) { (self.mailbox, self.uid) = (mailbox, uid) }
    }

    private var links: some Sequence<PairLink> { actions.lazy.compactMap(\.link) }
    fileprivate var linkIDs: Set<Int64> { Set(links.map(\.id)) }
    fileprivate var linkedEnds: Set<End> {
        var ends: Set<End> = []
        for link in links {
            for side in PairSide.allCases {
                if let end = link[side], let uid = end.uid { ends.insert(End(end.mailbox, uid)) }
            }
        }
        return ends
    }
}
