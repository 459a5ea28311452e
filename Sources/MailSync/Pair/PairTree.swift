package import MailCore

/// Which mailboxes belong together, and what happens to mailboxes. Pure.
package struct PairTree: Sendable {
    /// A mailbox as the state knows it.
    package struct Row: Sendable, Hashable {
        package var id: Int64
        package var base: BaseMailbox
        package init(id: Int64, base: BaseMailbox) { (self.id, self.base) = (id, base) }
    }

    /// A mailbox of a listing with its row (negative where nothing is written).
    package struct Present: Sendable, Hashable {
        package var row: Int64
        package var listing: MailboxListing
        /// Its name in the base, when that differs.
        package var formerName: MailboxName?

        package init(row: Int64, listing: MailboxListing, formerName: MailboxName?) {
            (self.row, self.listing, self.formerName) = (row, listing, formerName)
        }
    }

    package struct Pair: Sendable, Hashable {
        package var id: Int64
        package var rows: BothSides<Int64?>
        package var isTombstone: Bool
        package init(id: Int64, a: Int64?, b: Int64?, isTombstone: Bool = false) {
            (self.id, rows, self.isTombstone) = (id, BothSides(a, b), isTombstone)
        }
    }

    /// One side as the run finds it.
    package struct Side: Sendable {
        package var rows: [Row]
        package var present: [Present]
        package var isComplete: Bool
        package var hierarchy: StoreHierarchy

        package init(rows: [Row], present: [Present], isComplete: Bool, hierarchy: StoreHierarchy) {
            (self.rows, self.present) = (rows, present)
            (self.isComplete, self.hierarchy) = (isComplete, hierarchy)
        }
    }

    /// What happens to mailboxes before and after their messages.
    package struct Actions: Sendable {
        package var renames: [PairAction] = []
        package var creations: [PairAction] = []
        package var removals: [PairAction] = []
        package var conflicts: [String] = []
        package var tombstones: Set<Int64> = []
        /// Mailboxes (rows) that were renamed and whose other half could not follow: the next run sees that again.
        package var unfollowed: Set<Int64> = []
        package var isListComplete = BothSides(true, true)
        /// Names that cannot be given to a mailbox.
        package var unusable: BothSides<Set<MailboxName>> = BothSides([], [])

        package init() {}
    }

    package private(set) var mailboxes: [PairedMailbox] = []
    package private(set) var actions = Actions()
    /// Pairs (rows of the state) that are not needed any more.
    package private(set) var droppedPairs: Set<Int64> = []

    /// Rows of mailboxes that left and whose place in their pair another one took.
    package private(set) var replacedRows: BothSides<Set<Int64>> = BothSides([], [])

    private let sides: BothSides<Side>
    private let naming: PairNaming
    private let policy: PairPolicy
    private var nextPair: Int64 = -1

    package init(
        pairs: [Pair], sides: BothSides<Side>, naming: PairNaming, selection: PairSelection, policy: PairPolicy
    ) {
        (self.sides, self.naming, self.policy) = (sides, naming, policy)
        actions.isListComplete = BothSides(sides.a.isComplete, sides.b.isComplete)
        // B's mailboxes without a partner in A are free for one that came; their pairs are found again by row.
        let presentInB = Set(sides.b.present.map(\.row))
        let loose = pairs.filter { $0.rows.a == nil && $0.rows.b.map(presentInB.contains) ?? false }
        let looseIDs = Set(loose.map(\.id))
        var paired = pairs.filter { !looseIDs.contains($0.id) }
        var free = BothSides(
            Self.unpaired(sides.a.present, paired, .a), Self.unpaired(sides.b.present, paired, .b))
        pairByName(&paired, &free, loose)
        droppedPairs = looseIDs.subtracting(paired.map(\.id))
        for side in PairSide.allCases where sides[side].isComplete {
            let kept = Set(paired.compactMap { $0.rows[side] } + sides[side].present.map(\.row))
            replacedRows[side] = Set(sides[side].rows.map(\.id)).subtracting(kept)
        }
        for pair in paired.sorted(by: Self.order) { add(pair, selection) }
        for position in mailboxes.indices { decide(position) }
    }

    /// The mailboxes of `side` that are the same as in the base, and those that are new, in listing order.
    package static func match(
        _ rows: [Row], _ listings: [MailboxListing], isComplete: Bool, policy: PairPolicy, side: PairSide
    ) -> [(listing: MailboxListing, row: Row?)] {
        let rule = side == .a ? policy.folders.renamedInA : policy.folders.renamedInB
        var seen: Set<MailboxName> = []
        let listings = listings.filter { $0.isSelectable && seen.insert($0.name).inserted }
        var matching = MailboxMatching(base: rows.map(\.base), listings: listings, isComplete: isComplete)
        let follows = rule != .asNew
        if follows { matching.matchByMailboxID() }
        matching.matchByName(followsRenames: follows)
        if isComplete, follows { matching.matchByUIDValidity() }
        matching.matchByName(followsRenames: false)
        return zip(listings, matching.basePositions).map { listing, position in (listing, position.map { rows[$0] }) }
    }

    private static func unpaired(_ present: [Present], _ pairs: [Pair], _ side: PairSide) -> [Present] {
        let known = Set(pairs.compactMap { $0.rows[side] })
        return present.filter { !known.contains($0.row) }
    }

    /// ORDER: parents before children, so that a renamed tree moves from its root.
    private static func order(_ left: Pair, _ right: Pair) -> Bool {
        func key(_ pair: Pair) -> (Int64, Int64) { (pair.rows.a ?? .max, pair.rows.b ?? .max) }
        return key(left) < key(right)
    }

    private mutating func pairByName(_ pairs: inout [Pair], _ free: inout BothSides<[Present]>, _ loose: [Pair]) {
        let presentIDs = BothSides(Set(sides.a.present.map(\.row)), Set(sides.b.present.map(\.row)))
        // A mailbox whose other half is missing takes the one that came under its name.
        for position in pairs.indices {
            for side in PairSide.allCases {
                let other = side.other
                guard let row = pairs[position].rows[side], presentIDs[side].contains(row) else { continue }
                if let partner = pairs[position].rows[other], presentIDs[other].contains(partner) { continue }
                guard let present = sides[side].present.first(where: { $0.row == row }),
                    let found = partner(of: present, side, in: free[other])
                else { continue }
                pairs[position].rows[other] = free[other][found].row
                pairs[position].isTombstone = false
                free[other].remove(at: found)
            }
        }
        for present in free.a where naming.pathInB(sides.a.hierarchy.path(present.listing.name)) != nil {
            var pair = Pair(id: nextPair, a: present.row, b: nil)
            nextPair -= 1
            if let found = partner(of: present, .a, in: free.b) {
                pair.rows.b = free.b[found].row
                free.b.remove(at: found)
            }
            pairs.append(pair)
        }
        for present in free.b where naming.pathInA(sides.b.hierarchy.path(present.listing.name)) != nil {
            // Not "extra" to what A has: the bin, or all mail once more.
            if policy.folders.newInB == .delete, present.listing.isSystem { continue }
            var pair = Pair(id: nextPair, a: nil, b: present.row)
            if let known = loose.first(where: { $0.rows.b == present.row }) { pair = known } else { nextPair -= 1 }
            pairs.append(pair)
        }
    }

    private func partner(of present: Present, _ side: PairSide, in others: [Present]) -> Int? {
        let wanted = path(present.listing.name, from: side)
        let byName = others.firstIndex { sides[side.other].hierarchy.path($0.listing.name) == wanted }
        if let byName { return byName }
        guard naming.usesRoles, let role = present.listing.role else { return nil }
        return others.firstIndex { $0.listing.role == role }
    }

    /// The path on the other side for a name of `side`.
    private func path(_ name: MailboxName, from side: PairSide) -> PairNaming.Path? {
        let path = sides[side].hierarchy.path(name)
        return side == .a ? naming.pathInB(path) : naming.pathInA(path)
    }

    /// Those of the selection that none of ``mailboxes`` is named by.
    func unmatched(_ selection: PairSelection) -> [MailboxPattern] {
        selection.mailboxes.filter { pattern in
            !mailboxes.contains {
                pattern.matches(PairNaming.text(sides.a.hierarchy.path($0.names.a)), own: $0.names.a)
            }
        }
    }

    private func name(_ name: MailboxName, from side: PairSide) -> MailboxName? {
        path(name, from: side).map { sides[side.other].hierarchy.name($0) }
    }

    private mutating func add(_ pair: Pair, _ selection: PairSelection) {
        let a = half(pair.rows.a, .a)
        let b = half(pair.rows.b, .b)
        guard a != nil || b != nil else { return }
        let nameA = nameToGive(a, .a, after: b) ?? a?.name ?? b.flatMap { name($0.name, from: .b) }
        guard let nameA, selection.contains(sides.a.hierarchy.path(nameA), nameA) else { return }
        let nameB = nameToGive(b, .b, after: a) ?? b?.name ?? name(nameA, from: .a) ?? nameA
        var mailbox = PairedMailbox(id: pair.id, a: a, b: b, names: BothSides(nameA, nameB))
        mailbox.isTombstone = pair.isTombstone
        mailboxes.append(mailbox)
    }

    /// The name for a half that left while the other one was renamed.
    private func nameToGive(_ half: MailboxHalf?, _ side: PairSide, after other: MailboxHalf?) -> MailboxName? {
        guard let half, !half.isThere, let other, other.isThere, formerName(other.row, side.other) != nil else {
            return nil
        }
        let isFollowed =
            side == .b ? policy.folders.renamedInA == .follow : policy.folders.renamedInB == .follow
        return isFollowed ? name(other.name, from: side.other) : nil
    }

    private func half(_ row: Int64?, _ side: PairSide) -> MailboxHalf? {
        guard let row else { return nil }
        if let present = sides[side].present.first(where: { $0.row == row }) {
            return MailboxHalf(row: row, name: present.listing.name, role: present.listing.role, look: .complete)
        }
        guard let known = sides[side].rows.first(where: { $0.id == row }) else { return nil }
        let look: MailboxHalf.Look = sides[side].isComplete ? .gone : .failed
        return MailboxHalf(row: row, name: known.base.name, role: known.base.role, look: look)
    }

    private mutating func decide(_ position: Int) {
        let mailbox = mailboxes[position]
        if !sides.a.isComplete || !sides.b.isComplete {
            for side in PairSide.allCases {
                guard let row = mailbox.halves[side]?.row, formerName(row, side) != nil else { continue }
                actions.unfollowed.insert(row)
            }
        }
        switch (mailbox.halves.a, mailbox.halves.b) {
        case (let a?, let b?) where a.isThere && b.isThere: decideRename(a, b)
        case (let a?, let b?) where a.look == .gone && b.isThere:
            if policy.folders.goneInA == .delete { remove(.b, b.name) }
        case (let a?, let b?) where a.isThere && b.look == .gone: decideGoneInB(position, a)
        case (let a?, nil) where a.isThere:
            let isKnown = mailbox.isTombstone || !sides.b.isComplete
            if policy.folders.createsInB, !isKnown, a.look != .failed { create(.b, mailbox.names.b, a.role) }
        case (nil, let b?) where b.isThere:
            guard sides.a.isComplete else { break }
            switch policy.folders.newInB {
            case .copy: if policy.writesA { create(.a, mailbox.names.a, b.role) }
            case .delete: remove(.b, b.name)
            case .keep: break
            }
        default: break
        }
    }

    private mutating func decideGoneInB(_ position: Int, _ a: MailboxHalf) {
        let mailbox = mailboxes[position]
        switch policy.folders.goneInB {
        case .recreate: create(.b, mailbox.names.b, a.role)
        case .delete where a.name.isInbox: create(.b, mailbox.names.b, a.role)
        case .delete: remove(.a, a.name)
        case .tombstone:
            mailboxes[position].isTombstone = true
            actions.tombstones.insert(mailbox.id)
        }
    }

    private mutating func create(_ side: PairSide, _ name: MailboxName, _ role: MailboxRole?) {
        actions.creations.append(.createMailbox(side, name, role: role))
    }

    private mutating func remove(_ side: PairSide, _ name: MailboxName) {
        let isSystem = sides[side].present.contains { $0.listing.name == name && $0.listing.isSystem }
        if !name.isInbox, !isSystem { actions.removals.insert(.removeMailbox(side, name), at: 0) }
    }

    private mutating func decideRename(_ a: MailboxHalf, _ b: MailboxHalf) {
        let former = BothSides(formerName(a.row, .a), formerName(b.row, .b))
        guard former.a != nil || former.b != nil, !a.name.isInbox, !b.name.isInbox else { return }
        guard sides.a.isComplete, sides.b.isComplete else { return }
        let rule = policy.folders
        if former.a != nil, rule.renamedInA == .follow {
            if former.b != nil, rule.renamedInB == .keep { return }
            if former.b != nil, let target = name(a.name, from: .a), target != b.name {
                actions.conflicts.append("\(a.name) was renamed in A and to \(b.name) in B; A's name counts")
            }
            rename(.b, b.name, to: name(a.name, from: .a), after: a)
        } else if former.b != nil {
            switch rule.renamedInB {
            case .renameBack: rename(.b, b.name, to: name(a.name, from: .a), after: b)
            case .follow: rename(.a, a.name, to: name(b.name, from: .b), after: b)
            case .keep, .asNew: break
            }
        }
    }

    private func formerName(_ row: Int64, _ side: PairSide) -> MailboxName? {
        sides[side].present.first { $0.row == row }?.formerName
    }

    /// - Parameter half: the one whose rename is followed.
    private mutating func rename(
        _ side: PairSide, _ old: MailboxName, to new: MailboxName?, after half: MailboxHalf
    ) {
        guard let new, new != old else { return }
        guard !sides[side].present.contains(where: { $0.listing.name == new }) else {
            actions.conflicts.append("\(old) in \(side) keeps its name: there is another \(new)")
            actions.unfollowed.insert(half.row)
            return
        }
        actions.renames.append(.renameMailbox(side, from: old, to: new))
    }
}
