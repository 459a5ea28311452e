internal import MailCore

/// Messages that the other side made one with an equal message of the same mailbox, or that were passed over for one.
extension PairPlanner {
    /// One whose twin left its own side takes the twin's place: nothing is copied, and nothing deleted.
    mutating func takeOverMerged() {
        for position in works.indices where works[position].link.isMerged && !works[position].isDone {
            let side: PairSide = works[position].link.ends.a != nil ? .a : .b
            guard works[position].isPresent(side), let twin = twin(of: position, side),
                works[twin].status[side] == .gone, works[twin].isPresent(side.other)
            else { continue }
            works[position].link[side.other] = works[twin].link[side.other]
            works[position].status[side.other] = works[twin].status[side.other]
            (works[position].link.state, works[position].link.reason) = (.linked, nil)
            works[position].isChanged = true
            works[twin].link[side.other] = nil
            works[twin].status[side.other] = EndStatus.none
        }
    }

    /// The linked message of the same mailbox that is equal to a merged one, as far as it is still on the other side.
    func twin(of position: Int, _ side: PairSide) -> Int? {
        guard let content = works[position].link.content, let end = works[position].link[side],
            let pair = pairOfRow[end.mailbox]
        else { return nil }
        return works.indices.first { other in
            let work = works[other]
            guard other != position, work.link.state == .linked, !work.isDone, work.link.content?.raw == content.raw,
                let far = work.link[side.other], pairOfRow[far.mailbox] == pair
            else { return false }
            return work.status[side.other] != .gone
        }
    }

    /// Whether an equal message of its mailbox is on either side and was not passed over itself.
    func hasTwin(_ position: Int) -> Bool {
        guard let content = works[position].link.content, let end = works[position].link.ends.a,
            let home = pairOfRow[end.mailbox]
        else { return true }
        return works.indices.contains { other in
            let work = works[other]
            guard other != position, work.link.state != .duplicate, !work.isDone,
                work.link.content?.isSame(as: content, policy.adoption) ?? false
            else { return false }
            return PairSide.allCases.contains { side in
                let isThere = work.status[side] != .gone && work.status[side] != EndStatus.none
                return isThere && work.link[side].flatMap { pairOfRow[$0.mailbox] } == home
            }
        }
    }
}
