internal import MailCore

/// A message that could not be read may be the same as one on the other side: what may be the same waits for it.
extension PairPlanner {
    /// Where something without a partner is.
    struct Place {
        var pair: Int
        var octetCount: Int?
    }

    /// LIMIT: in so many runs a message is tried to be read; then it is none to compare with.
    static let readAttempts = 5

    mutating func findUnread() {
        guard !situation.unreadLinks.isEmpty || fresh.contains(where: { $0.unread != nil }) else { return }
        for message in zip(fresh, isTaken).filter({ !$0.1 }).map(\.0) {
            guard let reason = message.unread else { continue }
            unread[message.side].append(Place(pair: message.pair, octetCount: message.summary.octetCount))
            report(self.message(message), reason, attempts: reason.isCounted ? 1 : 0)
        }
        for position in works.indices {
            for side in PairSide.allCases where isSingle(position, side) {
                let link = works[position].link
                guard let reason = situation.unreadLinks[link.id], let end = link[side],
                    let pair = pairOfRow[end.mailbox]
                else { continue }
                let address = message(end, side, flags: works[position].flags(side))
                guard link.attempts < Self.readAttempts else {
                    if let address {
                        plan.conflicts.append(
                            "\(address) could not be read in \(Self.readAttempts) runs and is compared with nothing")
                    }
                    continue
                }
                unread[side].append(Place(pair: pair, octetCount: end.octetCount))
                report(address, reason, attempts: link.attempts)
            }
        }
    }

    private mutating func report(_ message: PairMessage?, _ reason: Unread, attempts: Int) {
        guard let message else { return }
        plan.unread.append(
            PairQuarantine(
                message: message, reason: reason.refusal.reason.rawValue, detail: reason.refusal.detail,
                attempts: attempts))
    }

    /// Whether one on the other side may be the same, which nobody can tell now.
    private func mustWait(_ side: PairSide, _ pair: Int, _ octetCount: Int?) -> Bool {
        unread[side.other].contains { other in
            (policy.adoptsAnywhere || other.pair == pair) && isPlausible(other.octetCount, octetCount)
        }
    }

    /// What stays in B anyhow waits for nothing, unless it could not be read itself.
    func mustWait(_ message: FreshMessage) -> Bool {
        if message.unread != nil { return true }
        if message.side == .b, policy.newInB == .keep { return false }
        return mustWait(message.side, message.pair, message.summary.octetCount)
    }

    func mustWait(_ position: Int, _ side: PairSide) -> Bool {
        let link = works[position].link
        guard let end = link[side], let pair = pairOfRow[end.mailbox] else { return false }
        if situation.unreadLinks[link.id] != nil, link.attempts < Self.readAttempts { return true }
        return mustWait(side, pair, end.octetCount)
    }

    /// One that could not be read is remembered, for how often it was tried; the others are as new in the next run.
    mutating func wait(for message: FreshMessage, _ link: PairLink, _ address: PairMessage) {
        hold(message.side, half(message)?.row)
        guard let reason = message.unread else { return }
        var link = link
        (link.state, link.attempts) = (.unread, reason.isCounted ? 1 : 0)
        records.append(.record(link, .unread, address))
    }

    /// Of B, where nothing of A may be the same.
    mutating func deleteNew(_ position: Int) {
        guard !mustWait(position, .b) else { return hold(position) }
        delete(position, .b)
    }

    /// It could be read now, or nothing is left that it may be the same as, or nobody can read it.
    mutating func decideRead(_ position: Int, _ side: PairSide) {
        guard !mustWait(position, side) else { return hold(position) }
        switch (side, policy.newInB) {
        case (.a, _):
            guard case .copyAfter(let seconds) = policy.newInA, situation.now - works[position].link.since < seconds
            else { return copyNew(position) }
            works[position].link.state = .waiting
            note(position, .waiting)
        case (.b, .copy): copyNew(position)
        case (.b, .delete): deleteNew(position)
        case (.b, .keep):
            works[position].link.state = .kept
            note(position, .kept)
        }
    }

    /// Whether it may have come from a mailbox that could not be looked at in this run.
    func mayHaveMoved(_ message: FreshMessage) -> Bool {
        guard hasFailed[message.side], policy.seesMoves(message.side), let content = message.content else {
            return false
        }
        return works.contains { work in
            guard work.status[message.side] == .unknown, !work.isDone, let end = work.link[message.side],
                half(end, message.side)?.look == .failed
            else { return false }
            return work.link.content?.isSame(as: content, .strict) ?? false
        }
    }
}
