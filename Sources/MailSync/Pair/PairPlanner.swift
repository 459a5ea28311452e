internal import MailCore

/// Finds out which messages are the same and what is to be done about the others. Pure.
struct PairPlanner {
    struct Work {
        var link: PairLink
        var status: BothSides<EndStatus>
        /// The mailboxes of its ends in the base.
        let origin: BothSides<Int64?>
        /// Where the end was, when it is elsewhere now.
        var movedFrom: BothSides<Int64?> = BothSides(nil, nil)
        /// The side of a move that was begun and did not happen.
        var resumedMove: PairSide?
        /// An effect was under way: it is brought to its end whatever is selected now.
        let wasBegun: Bool
        var isChanged = false
        /// One of its ends is a message that was new.
        var isMatched = false
        var isDone = false
        /// Where among the records it is noted that it was adopted: a link is written once.
        var adoption: Int?

        init(link: PairLink, status: BothSides<EndStatus>) {
            (self.link, self.status) = (link, status)
            origin = BothSides(link.ends.a?.mailbox, link.ends.b?.mailbox)
            wasBegun = link.pending != nil
        }

        func isPresent(_ side: PairSide) -> Bool {
            if case .present = status[side] { true } else { false }
        }
        func flags(_ side: PairSide) -> FlagSet {
            if case .present(let flags) = status[side] { flags } else { link[side]?.flags ?? [] }
        }
    }

    let situation: PairSituation
    let tree: PairTree.Actions
    var policy: PairPolicy { situation.policy }
    var plan = PairPlan()
    var works: [Work]
    var fresh: [FreshMessage]
    var isTaken: [Bool]
    var index: BothSides<FreshIndex>
    var worksByContent: [ContentMark: [Int]] = [:]
    var pairOfRow: [Int64: Int] = [:]
    /// Some mailbox could not be looked at.
    var hasFailed = BothSides(false, false)
    /// Actions by phase; the order of phases is the order of effects.
    var creations: [PairAction] = []
    var records: [PairAction] = []
    var transfers: [PairAction] = []
    var flagSteps: [PairAction] = []
    var deletions: [PairAction] = []
    var created: BothSides<Set<Int>> = BothSides([], [])
    /// Pairs in which a new message that could not be read may be one that is linked under an earlier UIDVALIDITY.
    var openPairs: BothSides<Set<Int>> = BothSides([], [])
    /// What has no partner that could be read to be compared with it.
    var unread: BothSides<[Place]> = BothSides([], [])

    init(_ situation: PairSituation, _ tree: PairTree.Actions) {
        (self.situation, self.tree) = (situation, tree)
        works = situation.links.sorted { $0.link.id < $1.link.id }.map { Work(link: $0.link, status: $0.status) }
        fresh = situation.fresh.sorted {
            ($0.side.rawValue, $0.pair, $0.summary.uid) < ($1.side.rawValue, $1.pair, $1.summary.uid)
        }
        isTaken = Array(repeating: false, count: fresh.count)
        index = BothSides(FreshIndex(fresh, .a), FreshIndex(fresh, .b))
        for (position, pair) in situation.mailboxes.enumerated() {
            for side in PairSide.allCases {
                guard let half = pair.halves[side] else { continue }
                pairOfRow[half.row] = position
                if half.look == .failed { hasFailed[side] = true }
            }
        }
    }

    mutating func decided() -> PairPlan {
        plan.conflicts = tree.conflicts
        dropMarked()
        for side in PairSide.allCases { resolvePending(side) }
        for side in PairSide.allCases { pairAgain(side) }
        for side in PairSide.allCases { findMoves(side) }
        takeOverMerged()
        adopt()
        fillTombstones()
        passOverLate()
        findUnread()
        for position in works.indices where isDecided(position) { decide(position) }
        for position in works.indices where !works[position].isDone {
            if let content = works[position].link.content {
                worksByContent[content.canonical, default: []].append(position)
            }
        }
        for position in fresh.indices where !isTaken[position] && situation.isAbout(fresh[position]) {
            decideFresh(position)
        }
        reportNearDuplicates()
        assemble()
        return plan
    }

    // MARK: Who is who

    /// What A marks `\Deleted` counts as gone where the policy says so.
    private mutating func dropMarked() {
        guard policy.deletedFlag == .gone else { return }
        for position in works.indices {
            if case .present(let flags) = works[position].status.a, flags.contains(.deleted) {
                works[position].status.a = .gone
                hold(.a, works[position].link.ends.a?.mailbox)
            }
        }
        for position in fresh.indices where fresh[position].side == .a {
            if fresh[position].summary.flags.contains(.deleted) {
                isTaken[position] = true
                hold(.a, half(fresh[position])?.row)
            }
        }
    }

    /// What an effect of unknown outcome left.
    private mutating func resolvePending(_ side: PairSide) {
        for position in works.indices {
            guard let pending = works[position].link.pending, pending.side == side else { continue }
            guard let pair = pairOfTarget(pending, works[position].link),
                let half = situation.mailboxes[pair].halves[side], half.look != .failed
            else {
                hold(side, pending.mailbox)
                works[position].isDone = true
                continue
            }
            let sameUIDs = half.uidValidity == pending.uidValidity
            let link = works[position].link
            works[position].link.pending = nil
            works[position].isChanged = true
            let found = take(side, link.content, objectID: nil) { [fresh] candidate in
                fresh[candidate].pair == pair
                    && (!sameUIDs || fresh[candidate].summary.uid >= (pending.uidNext ?? .min))
            }
            if found == nil, situation.part != nil {
                (works[position].link, works[position].isDone) = (link, true)
            } else if let found {
                finishMove(position, pending)
                attach(found, to: position, side, keepsBase: pending.kind == .move)
                if works[position].link[side.other] != nil {
                    works[position].link.pending = pending
                    works[position].link.arrive()
                }
            } else if pending.kind == .move {
                works[position].resumedMove = side
            } else if works[position].link[side.other] != nil {
                // It did not arrive: as new as before.
                (works[position].link.state, works[position].link.since) = (.quarantined, situation.now)
            }
        }
    }

    /// Whether anything is decided about a link now; of a part, what was not found may still come.
    private mutating func isDecided(_ position: Int) -> Bool {
        guard let part = situation.part else { return true }
        let work = works[position]
        guard work.isMatched else { return false }
        if work.isPresent(.a), work.isPresent(.b) { return true }
        if let end = work.link[part.side], let uid = end.uid, pairOfRow[end.mailbox] == part.pair {
            plan.leftOpen.insert(uid)
        }
        return false
    }

    /// Where an effect was to end: a mailbox that was made for it may have another row by now, but not another partner.
    private func pairOfTarget(_ pending: PairLink.Pending, _ link: PairLink) -> Int? {
        if let pair = pairOfRow[pending.mailbox] { return pair }
        guard pending.kind == .copy, let origin = link[pending.side.other] else { return nil }
        return pairOfRow[origin.mailbox]
    }

    /// The message is in the new place; the one in the old place goes.
    private mutating func finishMove(_ position: Int, _ pending: PairLink.Pending) {
        let work = works[position]
        guard pending.kind == .move, work.isPresent(pending.side), let old = work.link[pending.side] else { return }
        guard let message = message(old, pending.side, flags: work.flags(pending.side)) else { return }
        deletions.append(.expunge(message, nil, .finishesMove))
    }

    /// Links under an earlier UIDVALIDITY: by the side's own content ids, else by content.
    private mutating func pairAgain(_ side: PairSide) {
        for position in works.indices where works[position].status[side] == .stale && !works[position].isDone {
            guard let end = works[position].link[side], let pair = pairOfRow[end.mailbox] else { continue }
            let found = take(side, works[position].link.content, objectID: end.objectID) { [fresh] in
                fresh[$0].pair == pair
            }
            if let found {
                attach(found, to: position, side, keepsBase: true)
            } else {
                let look = situation.mailboxes[pair].halves[side]?.look
                if works[position].link.content == nil, works[position].link[side.other] == nil {
                    // Nothing to know it by, and no partner: it is as good as never seen.
                    works[position].status[side] = .gone
                    continue
                }
                let isWhole =
                    look == .complete
                    && fresh.allSatisfy { message in
                        message.side != side || message.pair != pair || message.content != nil
                            || !isPlausible(message.summary.octetCount, end.octetCount)
                    }
                works[position].status[side] = isWhole ? .gone : .unknown
                if !isWhole {
                    hold(side, end.mailbox)
                    openPairs[side].insert(pair)
                }
            }
        }
    }

    /// A message that left one mailbox and came to another of the same side, or came back under a new UID.
    private mutating func findMoves(_ side: PairSide) {
        let followsAll = policy.seesMoves(side)
        for position in works.indices where works[position].status[side] == .gone && !works[position].isDone {
            guard let end = works[position].link[side] else { continue }
            let home = pairOfRow[end.mailbox]
            let content = works[position].link.content
            var found = take(side, content, objectID: end.objectID) { [fresh] in fresh[$0].pair == home }
            if found == nil, followsAll {
                found = take(side, content, objectID: end.objectID) { _ in true }
            }
            guard let found else { continue }
            if fresh[found].pair != home { works[position].movedFrom[side] = end.mailbox }
            attach(found, to: position, side, keepsBase: true)
        }
    }

    /// Gives the link's end on `side` the place of a fresh message.
    private mutating func attach(_ found: Int, to position: Int, _ side: PairSide, keepsBase: Bool = false) {
        isTaken[found] = true
        let message = fresh[found]
        guard let half = half(message) else { return }
        works[position].isMatched = true
        let base = works[position].link[side]?.flags
        var end = LinkEnd(mailbox: half.row, uidValidity: half.uidValidity ?? UIDValidity(0), message.summary)
        if keepsBase, let base { end.flags = base }
        works[position].link[side] = end
        works[position].status[side] = .present(message.summary.flags)
        works[position].isChanged = true
        if works[position].link.content == nil { works[position].link.content = message.content }
    }

    /// The first untaken message of `side` that is this one, by content id or octets, exactly equal ones first.
    private mutating func take(
        _ side: PairSide, _ content: ContentIdentity?, objectID: String?, where isCandidate: (Int) -> Bool
    ) -> Int? {
        if let objectID, let found = index[side].byObjectID[objectID]?.first(where: { !isTaken[$0] && isCandidate($0) })
        {
            return found
        }
        guard let content else { return nil }
        let candidates = (index[side].byContent[content.canonical] ?? []).filter { !isTaken[$0] && isCandidate($0) }
        return candidates.first { fresh[$0].content?.raw == content.raw }
            ?? candidates.first { fresh[$0].content?.isSame(as: content, .strict) ?? false }
    }

    // MARK: What the rules need

    func half(_ message: FreshMessage) -> MailboxHalf? { situation.mailboxes[message.pair].halves[message.side] }

    func half(_ end: LinkEnd, _ side: PairSide) -> MailboxHalf? {
        pairOfRow[end.mailbox].flatMap { situation.mailboxes[$0].halves[side] }
    }

    func message(_ end: LinkEnd, _ side: PairSide, flags: FlagSet) -> PairMessage? {
        guard let half = half(end, side), let uid = end.uid else { return nil }
        return PairMessage(
            side: side, mailbox: half.name, uidValidity: end.uidValidity, uid: uid, flags: flags,
            internalDate: end.internalDate, octetCount: end.octetCount)
    }

    func message(_ fresh: FreshMessage) -> PairMessage? {
        guard let half = half(fresh) else { return nil }
        let end = LinkEnd(mailbox: half.row, uidValidity: half.uidValidity ?? UIDValidity(0), fresh.summary)
        return message(end, fresh.side, flags: fresh.summary.flags)
    }

    /// Something stays to be done about this mailbox: its counters may not be believed to be dealt with.
    mutating func hold(_ side: PairSide, _ row: Int64?) {
        if let row { plan.unfinished.insert(row) }
    }
}
