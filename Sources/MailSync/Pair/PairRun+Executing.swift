internal import MailCore

/// Some messages on their way from one mailbox to one other.
struct TransferGroup {
    typealias Item = (message: PairMessage, link: PairLink)

    var side: PairSide
    var mailbox: MailboxName
    var uidValidity: UIDValidity
    var target: MailboxName
    var items: [Item] = []
}

extension PairRun {
    /// Acts in the order of effects: mailboxes, what is only noted, copies and moves, flags, deletions, mailboxes.
    mutating func execute(_ plan: PairPlan) async throws {
        noteChanging(plan.actions)
        try await executeTree(plan.actions)
        try await executeRecords(plan.actions)
        let actions = plan.actions.map { named($0) }
        try await copy(groups(actions))
        for group in groups(actions, moves: true) { try await move(group) }
        try await resolveSent()
        try await setFlags(actions)
        try await expunge(actions)
        for case .removeMailbox(let side, let name) in plan.actions { try await remove(side, name) }
    }

    // MARK: What is only noted

    private mutating func executeRecords(_ actions: [PairAction]) async throws {
        var changes: [PairChange] = []
        var ends: [BothSides<LinkEnd?>] = []
        for action in actions {
            switch action {
            case .record(let link, let note, let message):
                changes.append(.put(link))
                ends.append(link.ends)
                if case .adopted = note, let message {
                    report.update(message.side, message.mailbox) { $0.adoptedCount += 1 }
                }
            case .forget(let link) where link.id != 0:
                changes.append(.drop(link.id))
                ends.append(BothSides(nil, nil))
            default: break
            }
            if changes.count >= options.batchLimit { try await write(&changes, &ends) }
        }
        try await write(&changes, &ends)
    }

    private mutating func write(_ changes: inout [PairChange], _ ends: inout [BothSides<LinkEnd?>]) async throws {
        let ids = try await state.apply("records", changes)
        for (id, ends) in zip(ids, ends) {
            if let key = LinkKey(ends) { linkIDs[key] = id }
        }
        (changes, ends) = ([], [])
    }

    /// With the row that a link of this run has meanwhile.
    private func named(_ action: PairAction) -> PairAction {
        func named(_ link: PairLink) -> PairLink {
            guard link.id == 0, let key = LinkKey(link.ends), let id = linkIDs[key] else { return link }
            var link = link
            link.id = id
            return link
        }
        return switch action {
        case .copy(let message, let target, let link): .copy(message, to: target, named(link))
        case .move(let message, let target, let link): .move(message, to: target, named(link))
        case .setFlags(let steps, let link): .setFlags(steps, named(link))
        case .expunge(let message, let link?, let reason): .expunge(message, named(link), reason)
        default: action
        }
    }

    // MARK: The end

    /// Cursors: of every mailbox about which nothing is left to do.
    mutating func finish(_ plan: PairPlan) async throws {
        unfinished.formUnion(held)
        var changes = droppedPairs.sorted().map { PairChange.dropPair($0) }
        for row in replacedRows.a.union(replacedRows.b).subtracting(unfinished).sorted() {
            changes.append(.dropMailbox(row))
        }
        for mailbox in mailboxes {
            var pair = PairTree.Pair(
                id: mailbox.id, a: mailbox.halves.a?.row, b: mailbox.halves.b?.row, isTombstone: mailbox.isTombstone)
            for side in PairSide.allCases {
                guard let half = mailbox.halves[side] else { continue }
                if half.look == .gone, !unfinished.contains(half.row) {
                    changes.append(.dropMailbox(half.row))
                    pair.rows[side] = nil
                } else if let (_, look, status) = looks[half.row], var listing = listings[side][half.row] {
                    if plan.unfollowedRows.contains(half.row), let base = baseRows[side][half.row] {
                        listing.name = base.name
                    }
                    let isDone = look == .complete && !unfinished.contains(half.row)
                    changes.append(.cursor(half.row, listing, status.uidValidity, isDone ? status : nil))
                } else if unfinished.contains(half.row), let listing = listings[side][half.row] {
                    let validity = half.uidValidity ?? baseRows[side][half.row]?.uidValidity ?? UIDValidity(0)
                    changes.append(.cursor(half.row, listing, validity, nil))
                }
            }
            changes.append(pair.rows.a == nil && pair.rows.b == nil ? .dropPair(pair.id) : .pair(pair))
        }
        try await state.apply("cursors", try await differing(changes))
    }

    /// Those of `changes` that say something else than the state says already.
    private func differing(_ changes: [PairChange]) async throws -> [PairChange] {
        let (rows, pairs) = try await state.tree()
        let mailboxes = Dictionary(rows.map { ($0.id, $0.base) }) { first, _ in first }
        let known = Dictionary(pairs.map { ($0.id, $0) }) { first, _ in first }
        return changes.filter { change in
            switch change {
            case .pair(let pair): known[pair.id] != pair
            case .cursor(let row, let listing, let validity, let status):
                mailboxes[row]
                    != BaseMailbox(
                        name: listing.name, role: listing.role, mailboxID: listing.mailboxID, uidValidity: validity,
                        status: status)
            default: true
            }
        }
    }
}

/// Two messages that are linked, by their addresses.
struct LinkKey: Hashable {
    private let mailboxes: BothSides<Int64>
    private let uids: BothSides<UID>

    init?(_ ends: BothSides<LinkEnd?>) {
        guard let a = ends.a, let b = ends.b, let left = a.uid, let right = b.uid else { return nil }
        (mailboxes, uids) = (BothSides(a.mailbox, b.mailbox), BothSides(left, right))
    }
}

/// A mailbox to act in, as it was when it was looked at.
struct Address: Hashable {
    var side: PairSide
    var mailbox: MailboxName
    var uidValidity: UIDValidity

    init(_ message: PairMessage, _ renamed: BothSides<[MailboxName: MailboxName]>) {
        (side, uidValidity) = (message.side, message.uidValidity)
        mailbox = renamed[message.side][message.mailbox] ?? message.mailbox
    }
}
