internal import MailCore

/// Some messages on their way from one mailbox to one other.
struct TransferGroup {
    var side: PairSide
    var mailbox: MailboxName
    var uidValidity: UIDValidity
    var target: MailboxName
    var items: [(message: PairMessage, link: PairLink)] = []
}

extension PairRun {
    /// Acts in the order of effects: mailboxes, what is only noted, copies and moves, flags, deletions, mailboxes.
    mutating func execute(_ plan: PairPlan) async throws {
        for action in plan.actions { try await executeTree(action, isLast: false) }
        try await executeRecords(plan.actions)
        let actions = plan.actions.map { named($0) }
        for group in groups(actions) { try await copy(group) }
        for group in groups(actions, moves: true) { try await move(group) }
        try await resolveSent()
        try await setFlags(actions)
        try await expunge(actions)
        for action in plan.actions { try await executeTree(action, isLast: true) }
    }

    // MARK: Mailboxes

    private mutating func executeTree(_ action: PairAction, isLast: Bool) async throws {
        switch action {
        case .createMailbox(let side, let name, let role) where !isLast:
            try await freeName(name, side)
            let made: Void? = try await on(side, mailbox: name) { store throws(StoreError) in
                try await store.create(name, role: role, isSubscribed: true)
            }
            guard made != nil else { return }
            advance(name)
            report.createdMailboxes.append("\(name) in \(side)")
            try await noteCreated(side, name, role)
        case .renameMailbox(let side, let old, let new) where !isLast: try await rename(side, old, new)
        case .removeMailbox(let side, let name) where isLast: try await remove(side, name)
        default: break
        }
    }

    /// ORDER: a mailbox that was called `name` has its new name in the state before another one gets the old name.
    private func freeName(_ name: MailboxName, _ side: PairSide) async throws {
        for (row, base) in baseRows[side] where base.name == name {
            guard let now = listings[side][row]?.name, now != name else { continue }
            try await state.apply("rename", [.renameMailbox(row, now)])
        }
    }

    private mutating func noteCreated(_ side: PairSide, _ name: MailboxName, _ role: MailboxRole?) async throws {
        let wanted = mailboxes.firstIndex { $0.names[side] == name && $0.halves[side.other]?.isThere == true }
        guard let position = wanted ?? mailboxes.firstIndex(where: { $0.names[side] == name }) else { return }
        let listing = MailboxListing(name: name, role: role)
        var row = mailboxes[position].halves[side]?.row
        let lost = mailboxes.firstIndex { $0.halves[side]?.look == .gone && $0.halves[side]?.name == name }
        if row == nil, let lost {
            // The row of a mailbox that had this name goes over to the new one.
            row = mailboxes[lost].halves[side]?.row
            mailboxes[lost].halves[side] = nil
            try await writePair(lost, isTombstone: false)
        }
        if let row {
            // Another mailbox under the old name: its id is not the old one's.
            try await state.apply("mailbox", [.cursor(row, listing, UIDValidity(0), nil)])
        } else {
            row = try await state.apply("mailbox", [.insertMailbox(side, listing, UIDValidity(0))]).first
        }
        guard let row else { return }
        var half = MailboxHalf(row: row, name: name, role: role, look: .complete)
        half.uidNext = .min
        mailboxes[position].halves[side] = half
        rowOfName[side][name] = row
        unfinished.insert(row)
        try await writePair(position, isTombstone: false)
    }

    private mutating func writePair(_ position: Int, isTombstone: Bool) async throws {
        let mailbox = mailboxes[position]
        let pair = PairTree.Pair(
            id: mailbox.id, a: mailbox.halves.a?.row, b: mailbox.halves.b?.row, isTombstone: isTombstone)
        try await state.apply("pair", [.pair(pair)])
    }

    private mutating func rename(_ side: PairSide, _ old: MailboxName, _ new: MailboxName) async throws {
        do { try await ends[side].store.rename(old, to: new) } catch {
            guard !error.endsRun else { throw SideError(side: side, error: error) }
            // A parent's rename may have taken it along.
            let listed = try await on(side) { store throws(StoreError) in try await store.mailboxes() }
            guard listed.listings.contains(where: { $0.name == new }) else {
                return report.update(side, old) { $0.failure = error }
            }
        }
        advance(new)
        report.renamedMailboxes.append("\(old) to \(new) in \(side)")
        guard let position = mailboxes.firstIndex(where: { $0.halves[side]?.name == old }),
            let row = mailboxes[position].halves[side]?.row
        else { return }
        mailboxes[position].halves[side]?.name = new
        mailboxes[position].names[side] = new
        rowOfName[side][new] = row
        listings[side][row]?.name = new
        renamed[side][old] = new
        var changes: [PairChange] = [.renameMailbox(row, new)]
        if let other = mailboxes[position].halves[side.other] { changes.append(.renameMailbox(other.row, other.name)) }
        try await state.apply("rename", changes)
    }

    private mutating func remove(_ side: PairSide, _ name: MailboxName) async throws {
        let name = renamed[side][name] ?? name
        guard let position = mailboxes.firstIndex(where: { $0.halves[side]?.name == name }),
            let row = mailboxes[position].halves[side]?.row, !held.contains(row)
        else { return }
        do { try await ends[side].store.remove(name) } catch {
            guard !error.endsRun else { throw SideError(side: side, error: error) }
            report.conflicts.append("\(name) in \(side) was not removed: \(error.message)")
            unfinished.insert(row)
            return
        }
        advance(name)
        report.removedMailboxes.append("\(name) in \(side)")
        mailboxes[position].halves[side]?.look = .gone
        listings[side][row] = nil
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

    // MARK: Deletions

    private mutating func expunge(_ actions: [PairAction]) async throws {
        var order: [Address] = []
        var groups: [Address: [(PairMessage, PairLink?)]] = [:]
        for case .expunge(let message, let link, _) in actions {
            guard !isCopyMissing(link, message) else {
                hold(link, message)
                continue
            }
            let address = Address(message, renamed)
            if groups[address] == nil { order.append(address) }
            groups[address, default: []].append((message, link))
        }
        for address in order {
            var rest = (groups[address] ?? [])[...]
            while !rest.isEmpty {
                let batch = rest.prefix(options.batchLimit)
                rest = rest.dropFirst(batch.count)
                try await expunge(Array(batch), address)
            }
        }
    }

    /// ORDER: a content's last message is not deleted while the copy that was to take its place is not there.
    private func isCopyMissing(_ link: PairLink?, _ message: PairMessage) -> Bool {
        if failedContents.isEmpty, failedSizes.isEmpty { return false }
        if let content = link?.content, failedContents.contains(content.canonical) { return true }
        return failedSizes.contains { isPlausible($0, message.octetCount) }
    }

    private mutating func expunge(_ batch: [(PairMessage, PairLink?)], _ address: Address) async throws {
        let uids = UIDSet(batch.map(\.0.uid))
        let gone = try await on(address.side, mailbox: address.mailbox) { store throws(StoreError) in
            try await store.expunge(uids, from: address.mailbox, uidValidity: address.uidValidity)
        }
        var changes: [PairChange] = []
        for (message, link) in batch {
            guard let gone, gone.contains(message.uid) else {
                hold(link, message)
                continue
            }
            if let link, link.id != 0 { changes.append(.drop(link.id)) }
        }
        let count = gone?.intersection(uids).count ?? 0
        report.update(address.side, address.mailbox) { $0.expungedCount += count }
        advance(address.mailbox, by: count)
        try await state.apply("expunged", changes)
    }

    mutating func hold(_ link: PairLink?, _ message: PairMessage?) {
        for side in PairSide.allCases {
            if let row = link?[side]?.mailbox { held.insert(row) }
        }
        if let message, let row = rowOfName[message.side][message.mailbox] { held.insert(row) }
        unfinished.formUnion(held)
    }

    // MARK: Flags

    private mutating func setFlags(_ actions: [PairAction]) async throws {
        var order: [Address] = []
        var groups: [Address: [(PairAction.FlagStep, Int)]] = [:]
        var links: [PairLink] = []
        var open: [Int] = []
        for case .setFlags(let steps, let link) in actions {
            links.append(movedLinks[link.id].map { Self.link(link, at: $0) } ?? link)
            open.append(steps.count)
            for var step in steps {
                guard relocate(&step.message, link) else { continue }
                let address = Address(step.message, renamed)
                if groups[address] == nil { order.append(address) }
                groups[address, default: []].append((step, links.count - 1))
            }
        }
        for address in order {
            var rest = (groups[address] ?? [])[...]
            while !rest.isEmpty {
                let batch = rest.prefix(options.batchLimit)
                rest = rest.dropFirst(batch.count)
                try await setFlags(Array(batch), address, &links, &open)
            }
        }
        let isHeld = links.indices.filter { open[$0] > 0 }
        for position in isHeld { hold(links[position], nil) }
    }

    private static func link(_ link: PairLink, at moved: PairLink) -> PairLink {
        var result = moved
        for side in PairSide.allCases { result[side]?.flags = link[side]?.flags ?? [] }
        return result
    }

    /// The place the message has after this run's moves; false when nobody knows it.
    private func relocate(_ message: inout PairMessage, _ link: PairLink) -> Bool {
        guard let moved = movedLinks[link.id] else { return true }
        guard moved.pending == nil, let end = moved[message.side], let uid = end.uid else { return false }
        (message.uid, message.uidValidity) = (uid, end.uidValidity)
        let side = message.side
        if let half = mailboxes.lazy.compactMap({ $0.halves[side] }).first(where: { $0.row == end.mailbox }) {
            message.mailbox = half.name
        }
        return true
    }

    private mutating func setFlags(
        _ batch: [(PairAction.FlagStep, Int)], _ address: Address, _ links: inout [PairLink], _ open: inout [Int]
    ) async throws {
        let kept = try await traits(of: address.mailbox, address.side)
        var changes: [FlagChange] = []
        for (step, position) in batch {
            let lost = FlagSet(step.adding.flags.filter { kept?.keeps($0) == false })
            let shown = (links[position][address.side]?.flags ?? []).subtracting(lost)
            links[position][address.side]?.flags = shown
            let adding = step.adding.subtracting(lost)
            guard !adding.isEmpty || !step.removing.isEmpty else { continue }
            let isMoved = movedLinks[links[position].id] != nil
            changes.append(
                FlagChange(
                    uid: step.message.uid, adding: adding, removing: step.removing,
                    unchangedSince: isMoved ? nil : step.unchangedSince))
        }
        var outcomes: [UID: FlagOutcome] = [:]
        if !changes.isEmpty {
            let sent = changes
            let answer = try await on(address.side, mailbox: address.mailbox) { store throws(StoreError) in
                try await store.setFlags(sent, in: address.mailbox, uidValidity: address.uidValidity)
            }
            guard let answer else { return }
            outcomes = answer
        }
        var writes: [PairChange] = []
        let wanted = Set(changes.map(\.uid))
        for (step, position) in batch {
            guard !wanted.contains(step.message.uid) || outcomes[step.message.uid] == .changed else { continue }
            open[position] -= 1
            if open[position] == 0 { writes.append(.put(links[position])) }
        }
        let count = outcomes.values.count { $0 == .changed }
        report.update(address.side, address.mailbox) { $0.flagChangeCount += count }
        advance(address.mailbox, by: count)
        try await state.apply("flags", writes)
    }

    mutating func traits(of mailbox: MailboxName, _ side: PairSide) async throws -> DeliveryTraits? {
        if let known = deliveryTraits[side][mailbox] { return known }
        let traits = try await on(side, mailbox: mailbox) { store throws(StoreError) in
            try await store.deliveryTraits(of: mailbox)
        }
        deliveryTraits[side][mailbox] = traits
        return traits
    }

    // MARK: The end

    /// Cursors: of every mailbox about which nothing is left to do.
    mutating func finish(_ plan: PairPlan) async throws {
        unfinished.formUnion(held)
        var changes = droppedPairs.sorted().map { PairChange.dropPair($0) }
        for mailbox in mailboxes {
            var pair = PairTree.Pair(
                id: mailbox.id, a: mailbox.halves.a?.row, b: mailbox.halves.b?.row, isTombstone: mailbox.isTombstone)
            for side in PairSide.allCases {
                guard let half = mailbox.halves[side] else { continue }
                if half.look == .gone, !unfinished.contains(half.row) {
                    changes.append(.dropMailbox(half.row))
                    pair.rows[side] = nil
                } else if let (_, look, status) = looks[half.row], let listing = listings[side][half.row] {
                    let isDone = look == .complete && !unfinished.contains(half.row)
                    changes.append(.cursor(half.row, listing, status.uidValidity, isDone ? status : nil))
                } else if unfinished.contains(half.row), let listing = listings[side][half.row] {
                    let validity = half.uidValidity ?? baseRows[side][half.row]?.uidValidity ?? UIDValidity(0)
                    changes.append(.cursor(half.row, listing, validity, nil))
                }
            }
            changes.append(pair.rows.a == nil && pair.rows.b == nil ? .dropPair(pair.id) : .pair(pair))
        }
        try await state.apply("cursors", changes)
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
