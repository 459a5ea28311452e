internal import MailCore

extension PairRun {
    /// Copies, or moves, by source and target mailbox, in plan order.
    func groups(_ actions: [PairAction], moves: Bool = false) -> [TransferGroup] {
        var order: [Address: [MailboxName: Int]] = [:]
        var groups: [TransferGroup] = []
        for action in actions {
            let (message, target, link): (PairMessage, MailboxName, PairLink)
            switch action {
            case .copy(let copied, let name, let draft) where !moves: (message, target, link) = (copied, name, draft)
            case .move(let moved, let name, let draft) where moves: (message, target, link) = (moved, name, draft)
            default: continue
            }
            let address = Address(message, renamed)
            let side = moves ? message.side : message.side.other
            let name = renamed[side][target] ?? target
            let position: Int
            if let known = order[address]?[name] {
                position = known
            } else {
                position = groups.count
                order[address, default: [:]][name] = position
                groups.append(
                    TransferGroup(
                        side: message.side, mailbox: address.mailbox, uidValidity: address.uidValidity, target: name))
            }
            groups[position].items.append((message, link))
        }
        return groups
    }

    // MARK: Moves

    mutating func move(_ group: TransferGroup) async throws {
        let side = group.side
        guard let row = rowOfName[side][group.target] else { return fail(group.items) }
        let half = mailboxes.lazy.compactMap { $0.halves[side] }.first { $0.row == row }
        var rest = group.items[...]
        while !rest.isEmpty {
            let batch = rest.prefix(options.batchLimit)
            rest = rest.dropFirst(batch.count)
            var drafts = batch.map { item in
                var link = item.link
                link.pending = PairLink.Pending(
                    .move, side: side, mailbox: row, uidValidity: half?.uidValidity, uidNext: half?.uidNext)
                return link
            }
            let ids = try await state.apply("sent", drafts.map { .put($0) })
            for position in drafts.indices { drafts[position].id = ids[position] }
            let uids = UIDSet(batch.map(\.message.uid))
            let moved = try await on(side, mailbox: group.mailbox) { store throws(StoreError) in
                try await store.move(uids, from: group.mailbox, uidValidity: group.uidValidity, to: group.target)
            }
            var changes: [PairChange] = []
            for (item, draft) in zip(batch, drafts) {
                var link = draft
                guard let moved else {
                    hold(link, item.message)
                    continue
                }
                if let uid = moved.mapping[item.message.uid], let validity = moved.uidValidity {
                    link[side]?.mailbox = row
                    link[side]?.uid = uid
                    link[side]?.uidValidity = validity
                    link.pending = nil
                    changes.append(.put(link))
                } else if moved.missing.contains(item.message.uid) {
                    link.pending = nil
                    changes.append(.put(link))
                    hold(link, item.message)
                } else {
                    sentLinks.append(link)
                }
                movedLinks[link.id] = link
                guard !moved.missing.contains(item.message.uid) else { continue }
                let uid = moved.mapping[item.message.uid]
                options.deeds?(PairDeed(.moved, side, group.target, uid: uid, from: PairDeed.Origin(item.message)))
            }
            let count = moved.map { batch.count - $0.missing.intersection(uids).count } ?? 0
            report.update(side, group.target) { $0.movedCount += count }
            advance(group.target, by: count)
            try await state.apply("moved", changes)
        }
    }

    // MARK: What arrived under an unknown UID

    /// Looks in the target mailboxes for messages whose UIDs the store did not tell.
    mutating func resolveSent() async throws {
        let byRow = Dictionary(grouping: sentLinks) { $0.pending?.mailbox ?? 0 }
        for (row, links) in byRow.sorted(by: { $0.key < $1.key }) {
            guard let side = links.first?.pending?.side, let pending = links.first?.pending,
                let name = mailboxes.lazy.compactMap({ $0.halves[side] }).first(where: { $0.row == row })?.name
            else { continue }
            let seen = try await on(side, mailbox: name) { store throws(StoreError) in
                try await store.observe(name, since: nil)
            }
            guard let seen, case .full(let summaries) = seen.content else { continue }
            let known = try await state.knownUIDs(side, row)
            let sameUIDs = pending.uidValidity == nil || pending.uidValidity == seen.status.uidValidity
            let candidates = summaries.filter { summary in
                !known.contains(summary.uid) && (!sameUIDs || summary.uid >= (pending.uidNext ?? .min))
            }
            try await place(links, candidates, name, seen.status.uidValidity, row, side)
        }
        sentLinks = []
    }

    private mutating func place(
        _ links: [PairLink], _ candidates: [MessageSummary], _ name: MailboxName, _ validity: UIDValidity, _ row: Int64,
        _ side: PairSide
    ) async throws {
        let contents = try await read(candidates, name, validity, side)
        var free = candidates
        var changes: [PairChange] = []
        var unfound: [PairLink] = []
        for link in links {
            func isIt(_ summary: MessageSummary, exactly: Bool) -> Bool {
                guard let content = contents[summary.uid], let own = link.content else { return false }
                return exactly ? content.raw == own.raw : content.isSame(as: own, .loose)
            }
            let found = free.firstIndex { isIt($0, exactly: true) } ?? free.firstIndex { isIt($0, exactly: false) }
            guard let found else {
                unfound.append(link)
                continue
            }
            changes.append(.put(placed(link, free.remove(at: found), validity, row, side, name)))
        }
        // QUIRK: servers that rewrite messages (Exchange) and do not tell UIDs: as many new ones as were taken are these.
        if unfound.count == free.count {
            for (link, summary) in zip(unfound, free) {
                changes.append(.put(placed(link, summary, validity, row, side, name)))
            }
        } else {
            for link in unfound where link.pending?.kind == .copy {
                var link = link
                (link.state, link.pending) = (.unplaced, nil)
                changes.append(.put(link))
                report.conflicts.append("a message was delivered to \(name) in \(side) and is not found there")
            }
        }
        try await state.apply("placed", changes)
    }

    private mutating func placed(
        _ link: PairLink, _ summary: MessageSummary, _ validity: UIDValidity, _ row: Int64, _ side: PairSide,
        _ name: MailboxName
    ) -> PairLink {
        var link = link
        var end = LinkEnd(mailbox: row, uidValidity: validity, summary)
        if link.pending?.kind == .move {
            end.flags = link[side]?.flags ?? end.flags
        } else if let sent = link[side.other]?.flags, let traits = deliveryTraits[side][name] {
            // The flags it was delivered with: what somebody set since is a change.
            let kept = FlagSet(sent.flags.filter { traits.keeps($0) })
            end.flags = end.flags.contains(.deleted) ? kept : kept.removing(.deleted)
        }
        link[side] = end
        link.arrive()
        if movedLinks[link.id] != nil { movedLinks[link.id] = link }
        return link
    }
}
