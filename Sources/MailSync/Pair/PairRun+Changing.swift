internal import MailCore

/// Messages deleted, and their flags.
extension PairRun {
    mutating func expunge(_ actions: [PairAction]) async throws {
        var order: [Address] = []
        var groups: [Address: [Departure]] = [:]
        for case .expunge(let message, let link, let reason) in actions {
            guard !isCopyMissing(link, message) else {
                hold(link, message)
                continue
            }
            let address = Address(message, renamed)
            if groups[address] == nil { order.append(address) }
            groups[address, default: []].append((message, link, reason))
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

    private typealias Departure = (message: PairMessage, link: PairLink?, reason: PairAction.Reason)

    private mutating func expunge(_ batch: [Departure], _ address: Address) async throws {
        let uids = UIDSet(batch.map(\.message.uid))
        let gone = try await on(address.side, mailbox: address.mailbox) { store throws(StoreError) in
            try await store.expunge(uids, from: address.mailbox, uidValidity: address.uidValidity)
        }
        var changes: [PairChange] = []
        for (message, link, reason) in batch {
            guard let gone, gone.contains(message.uid) else {
                hold(link, message)
                continue
            }
            if let deeds = options.deeds {
                var deed = PairDeed(.expunged, message, reason.rawValue)
                deed.mailbox = address.mailbox
                deeds(deed)
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

    /// Part by part: what is worked out of an action is more than the action, and is gone with its part.
    mutating func setFlags(_ actions: [PairAction]) async throws {
        var rest = actions[...]
        while !rest.isEmpty {
            let part = rest.prefix(options.partCount)
            rest = rest.dropFirst(part.count)
            try await setFlags(part)
        }
    }

    private mutating func setFlags(_ actions: ArraySlice<PairAction>) async throws {
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
            let outcome = wanted.contains(step.message.uid) ? outcomes[step.message.uid] : .changed
            guard outcome == .changed || outcome == .changedWithoutKeywords else { continue }
            if outcome == .changedWithoutKeywords { leaveOutKeywords(of: step, &links[position]) }
            if wanted.contains(step.message.uid) { tellFlags(of: step, in: address.mailbox) }
            open[position] -= 1
            if open[position] == 0 { writes.append(.put(links[position])) }
        }
        let count = outcomes.values.count { $0 == .changed || $0 == .changedWithoutKeywords }
        report.update(address.side, address.mailbox) { $0.flagChangeCount += count }
        advance(address.mailbox, by: count)
        try await state.apply("flags", writes)
    }

    private func tellFlags(of step: PairAction.FlagStep, in mailbox: MailboxName) {
        guard let deeds = options.deeds else { return }
        var deed = PairDeed(.flagged, step.message.side, mailbox, uid: step.message.uid)
        (deed.adding, deed.removing) = (step.adding, step.removing)
        deeds(deed)
    }

    /// What a side refuses to keep is no difference in the next run.
    private func leaveOutKeywords(of step: PairAction.FlagStep, _ link: inout PairLink) {
        let side = step.message.side
        let added = FlagSet(step.adding.flags.filter { !$0.isSystemFlag })
        let removed = FlagSet(step.removing.flags.filter { !$0.isSystemFlag })
        let shown = (link[side]?.flags ?? []).subtracting(added).union(removed)
        link[side]?.flags = shown
    }

    mutating func traits(of mailbox: MailboxName, _ side: PairSide) async throws -> DeliveryTraits? {
        if let known = deliveryTraits[side][mailbox] { return known }
        let traits = try await on(side, mailbox: mailbox) { store throws(StoreError) in
            try await store.deliveryTraits(of: mailbox)
        }
        deliveryTraits[side][mailbox] = traits
        return traits
    }

    /// LIMIT: mailboxes asked about at once.
    private static let traitsCount = 100

    /// Asks what the targets of `batches` keep, many in one flight, if it is not known of the first.
    mutating func lookUpTraits(for batches: ArraySlice<CopyBatch>) async throws {
        guard let side = batches.first?.side.other, let first = batches.first?.target,
            deliveryTraits[side][first] == nil, let store = ends[side].store as? any PipelinedDeliveryStore
        else { return }
        var names: [MailboxName] = []
        for batch in batches where batch.side.other == side && names.last != batch.target {
            guard names.count < Self.traitsCount else { break }
            if deliveryTraits[side][batch.target] == nil { names.append(batch.target) }
        }
        guard names.count > 1 else { return }
        let wanted = names
        let traits = try await on(side) { _ throws(StoreError) in try await store.deliveryTraits(of: wanted) }
        for (name, traits) in zip(names, traits) { deliveryTraits[side][name] = traits }
    }
}
