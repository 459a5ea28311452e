internal import MailCore

extension PairPlanner {
    /// LIMIT: fewer deletions than this in one run are a plausible user action whatever their share.
    static let guardThreshold = 10
    /// Per cent of all messages of a side.
    static let accountPercent = 5

    /// Puts the phases in the order of effects and takes out what the guards refuse.
    mutating func assemble() {
        let kept = guarded(deletions)
        let emptied = kept.count == deletions.count
        plan.actions = tree.renames + tree.creations.filter { !isCreated($0) } + creations
        plan.actions += records + transfers + flagSteps + kept
        for removal in tree.removals where emptied && !isUsed(removal) && !isSpared(removal) {
            plan.actions.append(removal)
        }
        (plan.tombstonedPairs, plan.unfollowedRows) = (tree.tombstones, tree.unfollowed)
    }

    private func isCreated(_ action: PairAction) -> Bool {
        guard case .createMailbox(let side, let name, _) = action else { return false }
        return creations.contains { other in
            if case .createMailbox(side, name, _) = other { true } else { false }
        }
    }

    /// Whether something is put into a mailbox that was to be removed.
    private func isUsed(_ action: PairAction) -> Bool {
        guard case .removeMailbox(let side, let name) = action else { return false }
        return transfers.contains { transfer in
            switch transfer {
            case .copy(let message, let target, _):
                (message.side == side.other && target == name) || (message.side == side && message.mailbox == name)
            case .move(let message, let target, _): message.side == side && target == name
            default: false
            }
        }
    }

    /// A mailbox of which some messages only are selected is not removed, and looked at again.
    private mutating func isSpared(_ action: PairAction) -> Bool {
        guard situation.selection.isOfMessages, case .removeMailbox(let side, let name) = action else { return false }
        for mailbox in situation.mailboxes where mailbox.halves[side]?.name == name {
            for other in PairSide.allCases { hold(other, mailbox.halves[other]?.row) }
        }
        return true
    }

    private mutating func guarded(_ deletions: [PairAction]) -> [PairAction] {
        guard !situation.allowsMassDelete, let percent = policy.massDeletePercent else { return deletions }
        var counts: BothSides<[MailboxName: Int]> = BothSides([:], [:])
        for case .expunge(let message, _, let reason) in deletions where reason.losesMail {
            counts[message.side][message.mailbox, default: 0] += 1
        }
        var refused: BothSides<Set<MailboxName>> = BothSides([], [])
        for side in PairSide.allCases {
            let halves = situation.mailboxes.compactMap { $0.halves[side] }
            let total = halves.reduce(0) { $0 + $1.messageCount }
            let all = counts[side].values.reduce(0, +)
            if all >= Self.guardThreshold, all * 100 > total * Swift.max(percent, Self.accountPercent) {
                refuse(side, .account, all, total)
                refused[side] = Set(counts[side].keys)
                continue
            }
            for half in halves {
                guard let count = counts[side][half.name], count >= Self.guardThreshold else { continue }
                guard count * 100 > half.messageCount * percent else { continue }
                refuse(side, .mailbox(half.name), count, half.messageCount)
                refused[side].insert(half.name)
            }
        }
        return deletions.filter { action in
            guard case .expunge(let message, let link, let reason) = action, reason.losesMail else {
                return true
            }
            guard refused[message.side].contains(message.mailbox) else { return true }
            for other in PairSide.allCases { hold(other, link?[other]?.mailbox) }
            hold(message.side, row(message))
            return false
        }
    }

    private mutating func refuse(_ side: PairSide, _ scope: GuardRefusal.Scope, _ count: Int, _ total: Int) {
        plan.refusals.append(GuardRefusal(side: side, scope: scope, deletions: count, messages: total))
    }

    private func row(_ message: PairMessage) -> Int64? {
        situation.mailboxes.lazy.compactMap { $0.halves[message.side] }.first { $0.name == message.mailbox }?.row
    }
}
