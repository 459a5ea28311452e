internal import MailCore

extension PairPlanner {
    /// Something on side A or B that has no partner: a fresh message or a link with one end.
    private enum Single {
        case fresh(Int)
        case link(Int)
    }

    /// Links equal messages of both sides, as multisets: in one mailbox pair first, exactly equal ones first.
    mutating func adopt() {
        var singles = bSingles()
        for anywhere in policy.adoptsAnywhere ? [false, true] : [false] {
            for exact in [true, false] {
                for position in fresh.indices where fresh[position].side == .a && !isTaken[position] {
                    adopt(.fresh(position), &singles, anywhere: anywhere, exact: exact)
                }
                for position in works.indices where isSingle(position, .a) {
                    adopt(.link(position), &singles, anywhere: anywhere, exact: exact)
                }
            }
        }
    }

    func isSingle(_ position: Int, _ side: PairSide) -> Bool {
        let work = works[position]
        guard !work.isDone, work.isPresent(side), work.link.pending == nil else { return false }
        return work.link[side.other] == nil
    }

    private func bSingles() -> [ContentMark: [Single]] {
        var singles: [ContentMark: [Single]] = [:]
        for position in works.indices where isSingle(position, .b) {
            guard let content = works[position].link.content else { continue }
            singles[content.canonical, default: []].append(.link(position))
        }
        for position in fresh.indices where fresh[position].side == .b && !isTaken[position] {
            guard let content = fresh[position].content else { continue }
            singles[content.canonical, default: []].append(.fresh(position))
        }
        return singles
    }

    private func content(_ single: Single) -> ContentIdentity? {
        switch single {
        case .fresh(let position): fresh[position].content
        case .link(let position): works[position].link.content
        }
    }

    private func pair(_ single: Single, _ side: PairSide) -> Int? {
        switch single {
        case .fresh(let position): fresh[position].pair
        case .link(let position): works[position].link[side].flatMap { pairOfRow[$0.mailbox] }
        }
    }

    private mutating func adopt(
        _ single: Single, _ others: inout [ContentMark: [Single]], anywhere: Bool, exact: Bool
    ) {
        guard let content = content(single), let candidates = others[content.canonical] else { return }
        let home = pair(single, .a)
        let found = candidates.indices.first { candidate in
            guard let other = self.content(candidates[candidate]) else { return false }
            guard anywhere || pair(candidates[candidate], .b) == home else { return false }
            return exact ? other.raw == content.raw : other.isSame(as: content, policy.adoption)
        }
        guard let found else { return }
        others[content.canonical]?.remove(at: found)
        join(single, candidates[found])
    }

    /// One link of both. Its base makes the flags of either side count as changes; `\Deleted` only where both have it.
    private mutating func join(_ a: Single, _ b: Single) {
        let position: Int
        switch (a, b) {
        case (.link(let left), .link(let right)):
            position = left
            works[left].link.ends.b = works[right].link.ends.b
            works[left].status.b = works[right].status.b
            works[right].isDone = true
            records.append(.forget(works[right].link))
        case (.link(let left), .fresh(let right)):
            position = left
            take(right, as: .b, into: left)
        case (.fresh(let left), .link(let right)):
            position = right
            take(left, as: .a, into: right)
        case (.fresh(let left), .fresh(let right)):
            works.append(
                Work(
                    link: PairLink(a: nil, b: nil, content: fresh[left].content, state: .linked),
                    status: BothSides(.none, .none)))
            position = works.count - 1
            take(left, as: .a, into: position)
            take(right, as: .b, into: position)
        }
        let flags = BothSides(works[position].flags(.a), works[position].flags(.b))
        var base: FlagSet = []
        if flags.a.contains(.deleted) != flags.b.contains(.deleted) { base = [.deleted] }
        for side in PairSide.allCases { works[position].link[side]?.flags = base }
        (works[position].link.state, works[position].link.since) = (.linked, 0)
        (works[position].link.reason, works[position].link.attempts) = (nil, 0)
        (works[position].isChanged, works[position].isMatched) = (true, true)
        noteAdoption(position)
    }

    private mutating func take(_ freshPosition: Int, as side: PairSide, into position: Int) {
        isTaken[freshPosition] = true
        let message = fresh[freshPosition]
        guard let half = half(message) else { return }
        works[position].link[side] = LinkEnd(
            mailbox: half.row, uidValidity: half.uidValidity ?? UIDValidity(0), message.summary)
        works[position].status[side] = .present(message.summary.flags)
    }

    private mutating func noteAdoption(_ position: Int) {
        let work = works[position]
        guard let a = work.link.ends.a, let b = work.link.ends.b,
            let left = message(a, .a, flags: work.flags(.a)), let right = message(b, .b, flags: work.flags(.b))
        else { return }
        works[position].isChanged = false
        works[position].adoption = records.count
        records.append(.record(work.link, .adopted(right), left))
        if policy.filesAsSource, pairOfRow[a.mailbox] != pairOfRow[b.mailbox] {
            works[position].movedFrom.a = a.mailbox
        }
    }

    /// A message of A that was deleted in B, left A, and is in A again.
    mutating func fillTombstones() {
        for position in works.indices where works[position].link.state == .tombstone && !works[position].isDone {
            guard let end = works[position].link.ends.a, end.uid == nil, let content = works[position].link.content,
                let pair = pairOfRow[end.mailbox]
            else { continue }
            let found = (index.a.byContent[content.canonical] ?? []).first { candidate in
                !isTaken[candidate] && fresh[candidate].pair == pair
                    && (fresh[candidate].content?.isSame(as: content, policy.adoption) ?? false)
            }
            guard let found else { continue }
            take(found, as: .a, into: position)
            (works[position].isChanged, works[position].isMatched) = (true, true)
        }
    }

    /// Equal in body, From and Subject on both sides of a pair, and not the same.
    mutating func reportNearDuplicates() {
        var bodies: [ContentMark: [Int]] = [:]
        for position in fresh.indices where fresh[position].side == .b && !isTaken[position] {
            if let content = fresh[position].content { bodies[content.body, default: []].append(position) }
        }
        guard !bodies.isEmpty else { return }
        for position in fresh.indices where fresh[position].side == .a && !isTaken[position] {
            guard let content = fresh[position].content else { continue }
            for other in bodies[content.body] ?? [] where fresh[other].pair == fresh[position].pair {
                guard situation.isAbout(fresh[position]) || situation.isAbout(fresh[other]) else { continue }
                guard let a = message(fresh[position]), let b = message(fresh[other]) else { continue }
                plan.nearDuplicates.append(NearDuplicate(a: a, b: b))
            }
        }
    }
}
