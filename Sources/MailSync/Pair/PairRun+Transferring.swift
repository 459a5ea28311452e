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

    // MARK: Copies

    mutating func copy(_ group: TransferGroup) async throws {
        let side = group.side.other
        guard let row = rowOfName[side][group.target], let traits = try await traits(of: group.target, side) else {
            return fail(group.items)
        }
        var rest = group.items[...]
        let limit = throttle.batch(options.memoryLimit, options.batchLimit)
        while !rest.isEmpty {
            try Task.checkCancellation()
            guard !throttle.isOverBudget else { return fail(Array(rest)) }
            var octets = 0
            var batch: [(message: PairMessage, link: PairLink)] = []
            while let next = rest.first, batch.count < limit.messages {
                let sum = octets + (next.message.octetCount ?? 0)
                if !batch.isEmpty, sum > limit.octets { break }
                octets = sum
                batch.append(next)
                rest = rest.dropFirst()
            }
            guard try await admit(octets: octets, messages: batch.count) else { return fail(batch + rest) }
            try await copy(batch, group, row, traits)
        }
    }

    private mutating func fail(_ items: [(message: PairMessage, link: PairLink)]) {
        for (message, link) in items {
            if let content = link.content {
                failedContents.insert(content.canonical)
            } else {
                failedSizes.append(message.octetCount)
            }
            hold(link, message)
        }
    }

    private mutating func copy(
        _ batch: [(message: PairMessage, link: PairLink)], _ group: TransferGroup, _ row: Int64,
        _ traits: DeliveryTraits
    ) async throws {
        let spooled = try await fetch(batch, group)
        guard !spooled.isEmpty else { return }
        let side = group.side.other
        let half = mailboxes.lazy.compactMap { $0.halves[side] }.first { $0.row == row }
        var drafts = spooled.map { message in
            var link = batch[message.position].link
            (link.content, link.state) = (message.content, .sent)
            link.pending = PairLink.Pending(
                .copy, side: side, mailbox: row, uidValidity: half?.uidValidity ?? traits.uidValidity,
                uidNext: half?.uidNext)
            return link
        }
        // ORDER: known before the first octet leaves, so that after a crash what arrived is found and not sent again.
        let ids = try await state.apply("sent", drafts.map { .put($0) })
        for position in drafts.indices { drafts[position].id = ids[position] }
        var outcomes: [Int: DeliveryOutcome] = [:]
        var failure: StoreError?
        do {
            var next = 0
            try await ends[side].store.deliver(to: group.target, traits) {
                guard next < spooled.count else { return nil }
                next += 1
                return spooled[next - 1]
            } each: { message, outcome in
                if let message = message as? SpooledMessage { outcomes[message.position] = outcome }
            }
        } catch { failure = error }
        try await settle(spooled, drafts, outcomes, batch, group, row, traits)
        guard let failure else { return }
        if failure.endsRun { throw SideError(side: side, error: failure) }
        if let inner = Self.inner(failure) { throw inner }
        report.update(side, group.target) { $0.failure = failure }
    }

    private mutating func fetch(
        _ batch: [(message: PairMessage, link: PairLink)], _ group: TransferGroup
    ) async throws -> [SpooledMessage] {
        let positions = Dictionary(batch.indices.map { (batch[$0].message.uid, $0) }) { first, _ in first }
        var spooled: [Int: SpooledMessage] = [:]
        let (start, limit, spooling) = (reader(), options.memoryLimit, options.spooling)
        let isIgnoring = policy.deletedFlag == .ignored
        let summaries = batch.map(\.message.summary).sorted { $0.uid < $1.uid }
        let fetched = try await on(group.side, mailbox: group.mailbox) { store throws(StoreError) in
            try await store.fetch(summaries, from: group.mailbox, uidValidity: group.uidValidity) { message in
                guard let position = positions[message.uid] else { return }
                let source = batch[position].message
                let spool = SpooledMessage(
                    position: position, flags: isIgnoring ? source.flags.removing(.deleted) : source.flags,
                    internalDate: source.internalDate)
                var reader = start
                reader.restart()
                try await spool.take(message, reader, memoryLimit: limit, spooling)
                spooled[position] = spool
            }
        }
        report.fetchedOctets += spooled.values.reduce(0) { $0 + Int64($1.octetCount) }
        var changes: [PairChange] = []
        for position in batch.indices where spooled[position] == nil {
            let (message, link) = batch[position]
            let refusal = fetched?.refused[message.uid] ?? Refusal(.notDelivered)
            if fetched != nil, refusal.reason != .expunged {
                changes.append(quarantine(link, message, refusal.reason.rawValue, refusal.detail))
            }
            fail([batch[position]])
        }
        try await state.apply("quarantine", changes)
        return spooled.sorted { $0.key < $1.key }.map(\.value)
    }

    private mutating func quarantine(
        _ link: PairLink, _ message: PairMessage, _ reason: String, _ detail: String
    ) -> PairChange {
        var link = link
        if link.state != .quarantined { (link.attempts, link.since) = (0, options.now()) }
        (link.state, link.reason, link.pending) = (.quarantined, reason, nil)
        link.attempts += 1
        report.quarantine.append(
            PairQuarantine(message: message, reason: reason, detail: detail, attempts: link.attempts))
        return .put(link)
    }

    /// Writes what became of a batch; what nobody told about stays on its way.
    private mutating func settle(
        _ spooled: [SpooledMessage], _ drafts: [PairLink], _ outcomes: [Int: DeliveryOutcome],
        _ batch: [(message: PairMessage, link: PairLink)], _ group: TransferGroup, _ row: Int64,
        _ traits: DeliveryTraits
    ) async throws {
        let side = group.side.other
        var changes: [PairChange] = []
        var count = 0
        for (message, draft) in zip(spooled, drafts) {
            var link = draft
            let source = batch[message.position]
            switch outcomes[message.position] {
            case .delivered(let validity?, let uid?):
                let kept = FlagSet(message.flags.flags.filter { traits.keeps($0) })
                var end = LinkEnd(
                    mailbox: row, uidValidity: validity, uid: uid, flags: kept, octetCount: message.octetCount)
                end.internalDate = message.internalDate
                link[side] = end
                (link.state, link.pending, link.reason, link.attempts) = (.linked, nil, nil, 0)
                changes.append(.put(link))
                count += 1
            case .delivered:
                arrived.insert(link.id)
                sentLinks.append(link)
                count += 1
            case .refused(let refusal):
                changes.append(
                    quarantine(
                        source.link.withID(link.id, link.content), source.message, refusal.reason.rawValue,
                        refusal.detail))
                fail([source])
            case nil: fail([source])
            }
            if case .delivered = outcomes[message.position] { report.deliveredOctets += Int64(message.octetCount) }
        }
        report.update(side, group.target) { $0.copiedCount += count }
        advance(group.target, by: count)
        try await state.apply("delivered", changes)
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
                    arrived.insert(link.id)
                }
                movedLinks[link.id] = link
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
            changes.append(.put(placed(link, free.remove(at: found), validity, row, side)))
        }
        // QUIRK: servers that rewrite messages (Exchange) and do not tell UIDs: as many new ones as were taken are these.
        if unfound.count == free.count {
            for (link, summary) in zip(unfound, free) {
                changes.append(.put(placed(link, summary, validity, row, side)))
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
        _ link: PairLink, _ summary: MessageSummary, _ validity: UIDValidity, _ row: Int64, _ side: PairSide
    ) -> PairLink {
        var link = link
        var end = LinkEnd(mailbox: row, uidValidity: validity, summary)
        if link.pending?.kind == .move { end.flags = link[side]?.flags ?? end.flags }
        link[side] = end
        (link.state, link.pending, link.reason, link.attempts) = (.linked, nil, nil, 0)
        if movedLinks[link.id] != nil { movedLinks[link.id] = link }
        return link
    }
}

extension PairLink {
    fileprivate func withID(_ id: Int64, _ content: ContentIdentity?) -> PairLink {
        var link = self
        (link.id, link.content) = (id, content)
        return link
    }
}
