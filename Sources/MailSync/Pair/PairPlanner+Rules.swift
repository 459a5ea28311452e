internal import MailCore

extension PairPlanner {
    // MARK: Links

    mutating func decide(_ position: Int) {
        let work = works[position]
        guard !work.isDone else { return }
        guard isSelected(work) else { return wait(position) }
        switch (work.status.a, work.status.b) {
        case (.unknown, _), (_, .unknown): wait(position)
        case (.present, .present): decideLinked(position)
        case (.gone, .present): decideGoneInA(position)
        case (.present, .gone): decideGoneInB(position)
        case (.present, .none): decideOnlyA(position)
        case (.none, .present): decideOnlyB(position)
        case (.none, .none):
            if work.isChanged { note(position, .tombstone) }
        default: decideGone(position)
        }
    }

    /// One side is not known, or the message is not selected: nothing is done, and nothing that was seen is taken as
    /// dealt with.
    private mutating func wait(_ position: Int) {
        for side in PairSide.allCases {
            guard let end = works[position].link[side] else { continue }
            let isSeen = works[position].flags(side) != end.flags || works[position].status[side] == .gone
            guard isSeen || works[position].isChanged else { continue }
            hold(side, end.mailbox)
            hold(side, works[position].origin[side])
        }
    }

    /// Nothing of it is left, or nothing but a tombstone.
    private mutating func decideGone(_ position: Int) {
        let work = works[position]
        guard work.link.state == .tombstone, work.link.ends.a != nil else {
            records.append(.forget(work.link))
            return
        }
        works[position].link.ends.a?.uid = nil
        works[position].link.ends.b = nil
        note(position, .tombstone)
    }

    private mutating func decideLinked(_ position: Int) {
        // A run that was to take it out of A marked it, and did not come to the end: it is on its way out still.
        let isLeaving = works[position].link.state == .moved && works[position].flags(.a).contains(.deleted)
        if !isLeaving { works[position].link.state = .linked }
        if !works[position].link.isCopied { works[position].link.since = 0 }
        let movement = decideMove(position)
        // What may not follow yet keeps its old address: that it moved is seen again in the next run.
        if movement == .held { return hold(position) }
        decideFlags(position)
        if works[position].isChanged, movement == .none { note(position, .readdressed) }
    }

    private enum Movement { case none, planned, held }

    private mutating func decideMove(_ position: Int) -> Movement {
        let work = works[position]
        guard let a = work.link.ends.a, let b = work.link.ends.b, let pairA = pairOfRow[a.mailbox],
            let pairB = pairOfRow[b.mailbox], pairA != pairB
        else { return .none }
        if let side = work.resumedMove { return move(position, side, to: side == .a ? pairB : pairA) }
        if work.movedFrom.a != nil {
            let wasTogether = work.movedFrom.b == nil || policy.moves.inB != .keepPlace
            if policy.moves.inA == .follow, wasTogether || policy.filesAsSource {
                return move(position, .b, to: pairA)
            }
        }
        guard work.movedFrom.b != nil else { return .none }
        return switch policy.moves.inB {
        case .moveBack: move(position, .b, to: pairA)
        case .follow: move(position, .a, to: pairB)
        case .keepPlace, .asNew: .none
        }
    }

    private mutating func move(_ position: Int, _ side: PairSide, to pair: Int) -> Movement {
        let work = works[position]
        guard let end = work.link[side], let message = message(end, side, flags: work.flags(side)),
            half(end, side)?.look == .complete, let target = ensureMailbox(side, pair)
        else { return .held }
        transfers.append(.move(message, to: target, work.link))
        return .planned
    }

    /// Somebody changed its flags. That it was marked to be deleted, by them or by a run that broke off, is no reason to
    /// keep what is gone on the other side.
    private func isChanged(_ work: Work, _ side: PairSide) -> Bool {
        let base = work.link[side]?.flags ?? []
        let flags = work.flags(side)
        return base != (base.contains(.deleted) ? flags : flags.removing(.deleted))
    }

    private mutating func decideGoneInA(_ position: Int) {
        let work = works[position]
        guard work.link.state != .moved else {
            works[position].link.ends.a = nil
            return note(position, .moved)
        }
        let isChanged = isChanged(work, .b)
        let isMailboxGone = work.link.ends.a.flatMap { half($0, .a) }?.look == .gone
        let rule = isMailboxGone ? policy.folders.goneInA : policy.goneInA
        if rule == .delete, !(policy.keepsChanged && isChanged) {
            delete(position, .b)
        } else if rule == .delete, policy.writesA {
            copyAgain(position, from: .b)
        } else {
            works[position].link.ends.a = nil
            works[position].link.ends.b?.flags = work.flags(.b)
            (works[position].link.state, works[position].link.since) = (.sourceGone, situation.now)
            note(position, .sourceGone)
        }
    }

    private mutating func decideGoneInB(_ position: Int) {
        let work = works[position]
        let isChanged = isChanged(work, .a)
        let isMailboxGone = work.link.ends.b.flatMap { half($0, .b) }?.look == .gone
        switch isMailboxGone ? policy.folders.goneInB : policy.goneInB {
        case .recreate: copyAgain(position, from: .a)
        case .delete where policy.keepsChanged && isChanged: copyAgain(position, from: .a)
        case .delete: delete(position, .a)
        case .tombstone:
            works[position].link.ends.b = nil
            works[position].link.ends.a?.flags = work.flags(.a)
            (works[position].link.state, works[position].link.since) = (.tombstone, situation.now)
            note(position, .tombstone)
        }
    }

    private mutating func decideOnlyA(_ position: Int) {
        let work = works[position]
        switch work.link.state {
        case .quarantined: return copyNew(position)
        case .unread: return decideRead(position, .a)
        case .waiting where work.link.isMerged:
            if twin(of: position, .a) == nil { return copyNew(position) }
        case .waiting:
            var isOver = true
            if case .copyAfter(let seconds) = policy.newInA { isOver = situation.now - work.link.since >= seconds }
            if isOver { return copyNew(position) }
        case .tombstone where policy.goneInB == .recreate: return copyNew(position)
        case .duplicate where policy.duplicates == .all: return copyNew(position)
        case .duplicate where policy.goneInB == .recreate && !hasTwin(position):
            // What it was passed over for is in neither any more: remembered with its record, for that is forgotten now.
            works[position].link.state = .waiting
            note(position, .waiting)
            return copyNew(position)
        default: break
        }
        if works[position].isChanged { note(position, .readdressed) }
    }

    private mutating func decideOnlyB(_ position: Int) {
        let work = works[position]
        switch work.link.state {
        case .quarantined: copyNew(position)
        case .unread: decideRead(position, .b)
        case .waiting where work.link.isMerged:
            if twin(of: position, .b) == nil { copyNew(position) }
        case .sourceGone where policy.goneInA == .delete: deleteNew(position)
        case .kept where policy.newInB == .delete: deleteNew(position)
        case .kept where policy.newInB == .copy: copyNew(position)
        default: if work.isChanged { note(position, .readdressed) }
        }
    }

    mutating func copyNew(_ position: Int) {
        let side: PairSide = works[position].link.ends.a != nil ? .a : .b
        guard !mustWait(position, side) else { return hold(position) }
        copyAgain(position, from: side)
    }

    mutating func note(_ position: Int, _ note: PairAction.Note) {
        let link = works[position].link
        let side: PairSide = link.ends.a?.uid != nil ? .a : .b
        var address: PairMessage?
        if let end = link[side] { address = message(end, side, flags: works[position].flags(side)) }
        records.append(.record(link, note, address))
    }

    /// To the mailbox that belongs to the one it is in.
    private mutating func copyAgain(_ position: Int, from side: PairSide) {
        var link = works[position].link
        guard let end = link[side], let pair = pairOfRow[end.mailbox],
            let message = message(end, side, flags: works[position].flags(side))
        else { return }
        guard let target = ensureMailbox(side.other, pair) else { return hold(position) }
        link[side]?.flags = works[position].flags(side)
        link[side.other] = nil
        if let row = works[position].origin[side.other] { plan.givenUp[link.id] = row }
        transfers.append(.copy(message, to: target, link))
    }

    /// Something stays to be done about this link.
    mutating func hold(_ position: Int) {
        for side in PairSide.allCases {
            hold(side, works[position].link[side]?.mailbox)
            hold(side, works[position].origin[side])
        }
    }

    mutating func delete(_ position: Int, _ side: PairSide) {
        let work = works[position]
        guard let end = work.link[side], let message = message(end, side, flags: work.flags(side)) else { return }
        guard half(end, side)?.canBeDeletedFrom == true, side == .b || policy.writesA else { return hold(position) }
        deletions.append(.expunge(message, work.link, .goneOnOtherSide))
    }

    // MARK: Fresh messages

    mutating func decideFresh(_ position: Int) {
        let message = fresh[position]
        guard let half = half(message), let address = self.message(message) else { return }
        guard situation.selection.contains(message.summary, found: half.found) else {
            return hold(message.side, half.row)
        }
        let end = LinkEnd(mailbox: half.row, uidValidity: half.uidValidity ?? UIDValidity(0), message.summary)
        var link = PairLink(a: nil, b: nil, content: message.content, state: .linked, since: situation.now)
        link[message.side] = end
        guard !mayHaveMoved(message) else { return hold(message.side, half.row) }
        guard !mustWait(message) else { return wait(for: message, link, address) }
        if message.side == .a {
            decideNewInA(link, message, address)
        } else {
            switch policy.newInB {
            case .copy: copyFresh(link, message, address)
            case .keep where message.content == nil && openPairs.b.contains(message.pair): hold(.b, half.row)
            case .keep:
                link.state = .kept
                records.append(.record(link, .kept, address))
            case .delete:
                guard half.canBeDeletedFrom, isSourceKnown(message.pair) else { return hold(.b, half.row) }
                deletions.append(.expunge(address, nil, .notInSource))
            }
        }
    }

    /// Whether A's half of the pair was seen whole, or is known not to be there.
    private func isSourceKnown(_ pair: Int) -> Bool {
        guard let half = situation.mailboxes[pair].halves.a else { return tree.isListComplete.a }
        return half.look == .complete || half.look == .gone
    }

    private mutating func decideNewInA(_ link: PairLink, _ message: FreshMessage, _ address: PairMessage) {
        var link = link
        if situation.mailboxes[message.pair].isTombstone,
            !plan.revivedPairs.contains(situation.mailboxes[message.pair].id)
        {
            link.state = .tombstone
            records.append(.record(link, .mailboxTombstone, address))
            return
        }
        if policy.duplicates == .onlyFirst, isDuplicate(message) {
            link.state = .duplicate
            records.append(.record(link, .duplicate, address))
            return
        }
        if case .copyAfter(let seconds) = policy.newInA, seconds > 0 {
            link.state = .waiting
            records.append(.record(link, .waiting, address))
            return
        }
        copyFresh(link, message, address)
    }

    /// Whether an equal message of the same mailbox is linked, or is new too and comes before.
    private func isDuplicate(_ message: FreshMessage) -> Bool {
        guard let content = message.content else { return false }
        let isLinked = (worksByContent[content.canonical] ?? []).contains { position in
            let link = works[position].link
            guard let end = link.ends.a, end.uid != nil, link.state != .duplicate else { return false }
            guard pairOfRow[end.mailbox] == message.pair else { return false }
            return link.content?.isSame(as: content, policy.adoption) ?? false
        }
        return isLinked
            || (index.a.byContent[content.canonical] ?? []).contains { other in
                !isTaken[other] && fresh[other].pair == message.pair && fresh[other].summary.uid < message.summary.uid
                    && (fresh[other].content?.isSame(as: content, policy.adoption) ?? false)
            }
    }

    private mutating func copyFresh(_ link: PairLink, _ message: FreshMessage, _ address: PairMessage) {
        guard let target = ensureMailbox(message.side.other, message.pair) else {
            return hold(message.side, half(message)?.row)
        }
        transfers.append(.copy(address, to: target, link))
    }

    /// The name of the pair's mailbox on `side`, which is made if it is not there; `nil` when nothing may be put there.
    mutating func ensureMailbox(_ side: PairSide, _ pair: Int) -> MailboxName? {
        let mailbox = situation.mailboxes[pair]
        if let half = mailbox.halves[side], half.isThere { return half.look == .failed ? nil : half.name }
        guard side == .b || policy.writesA, tree.isListComplete[side] else { return nil }
        guard !tree.unusable[side].contains(mailbox.names[side]) else { return nil }
        if created[side].insert(pair).inserted {
            creations.append(.createMailbox(side, mailbox.names[side], role: mailbox.halves[side.other]?.role))
        }
        return mailbox.names[side]
    }
}
