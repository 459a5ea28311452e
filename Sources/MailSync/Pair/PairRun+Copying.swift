internal import MailCore

extension PairRun {
    /// Copies batch by batch: begun in plan order, two mailboxes at once, while those that follow are read.
    mutating func copy(_ groups: [TransferGroup]) async throws {
        var queue = CopyQueue(batches(groups), options)
        let source = CopyReader(ends: ends, key: key, options: options)
        try await withThrowingTaskGroup(of: CopyStep.self) { group in
            var failure: (any Error)?
            while true {
                while failure == nil, let place = queue.nextToRead() {
                    try Task.checkCancellation()
                    let batch = queue.batches[place]
                    if !throttle.isOverBudget, try await admit(octets: batch.octetCount, messages: batch.items.count) {
                        group.addTask { .read(place, await source.read(batch)) }
                    } else {
                        fail(batch.items)
                        queue.isRead(place, CopyReader.Batch(outcome: .success(FetchReport())))
                    }
                }
                while failure == nil, let (place, read) = queue.nextToDeliver() {
                    try await lookUpTraits(for: queue.batches[place...])
                    guard let shipment = try await shipment(read, queue.batches[place]) else {
                        _ = queue.end(place)
                        continue
                    }
                    queue.begin(place, shipment)
                    let store = ends[shipment.batch.side.other].store
                    group.addTask { .delivered(place, await shipment.deliver(to: store)) }
                }
                if queue.isResting, failure != nil || queue.isDone { break }
                switch try await group.next() {
                case .read(let place, let batch)?: queue.isRead(place, batch)
                case .delivered(let place, let arrival)?:
                    guard let shipment = queue.end(place) else { continue }
                    // ORDER: what did arrive is noted before anything is thrown.
                    do { try await settle(shipment, arrival) } catch { failure = failure ?? error }
                case nil: break
                }
            }
            if let failure { throw failure }
        }
    }

    private func batches(_ groups: [TransferGroup]) -> [CopyBatch] {
        let limit = throttle.batch(options.batchOctetLimit, options.batchLimit)
        var batches: [CopyBatch] = []
        for group in groups {
            var batch = CopyBatch(group)
            for item in group.items {
                let octets = item.message.octetCount ?? 0
                if !batch.items.isEmpty, batch.items.count >= limit.messages || batch.octetCount + octets > limit.octets
                {
                    batches.append(batch)
                    (batch.items, batch.octetCount) = ([], 0)
                }
                batch.items.append(item)
                batch.octetCount += octets
            }
            batches.append(batch)
        }
        return batches
    }

    /// What could be read, in order; the others go to quarantine or wait for the next run.
    private mutating func taken(_ read: CopyReader.Batch, _ batch: CopyBatch) async throws -> [SpooledMessage] {
        report.fetchedOctets += read.spooled.values.reduce(0) { $0 + Int64($1.octetCount) }
        let fetched = try await on(batch.side, mailbox: batch.mailbox) { _ throws(StoreError) in
            try read.outcome.get()
        }
        var changes: [PairChange] = []
        for position in batch.items.indices where read.spooled[position] == nil {
            let (message, link) = batch.items[position]
            let refusal = fetched?.refused[message.uid] ?? Refusal(.notDelivered)
            if fetched != nil, refusal.reason != .expunged {
                changes.append(quarantine(link, message, refusal.reason.rawValue, refusal.detail))
            }
            fail([batch.items[position]])
        }
        try await state.apply("quarantine", changes)
        return read.spooled.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Journals a batch that was read; `nil` when nothing of it can go.
    private mutating func shipment(_ read: CopyReader.Batch, _ batch: CopyBatch) async throws -> CopyShipment? {
        let spooled = throttle.isOverBudget && read.spooled.isEmpty ? [] : try await taken(read, batch)
        guard !spooled.isEmpty else { return nil }
        let side = batch.side.other
        guard let row = rowOfName[side][batch.target], let traits = try await traits(of: batch.target, side) else {
            fail(spooled.map { batch.items[$0.position] })
            return nil
        }
        let half = mailboxes.lazy.compactMap { $0.halves[side] }.first { $0.row == row }
        var drafts = spooled.map { message in
            var link = batch.items[message.position].link
            (link.content, link.state) = (message.content, .sent)
            link.pending = PairLink.Pending(
                .copy, side: side, mailbox: row, uidValidity: half?.uidValidity ?? traits.uidValidity,
                uidNext: half?.uidNext)
            return link
        }
        // ORDER: known before the first octet leaves, so that after a crash what arrived is found and not sent again.
        let ids = try await state.apply("sent", drafts.map { .put($0) })
        for position in drafts.indices { drafts[position].id = ids[position] }
        return CopyShipment(batch: batch, spooled: spooled, drafts: drafts, row: row, traits: traits)
    }

    private mutating func settle(_ shipment: CopyShipment, _ arrival: CopyArrival) async throws {
        let (batch, side) = (shipment.batch, shipment.batch.side.other)
        try await settle(
            shipment.spooled, shipment.drafts, arrival.outcomes, batch, shipment.row, shipment.traits)
        guard let failure = arrival.failure else { return }
        if failure.endsRun { throw SideError(side: side, error: failure) }
        if let inner = Self.inner(failure) { throw inner }
        report.update(side, batch.target) { $0.failure = failure }
    }

    mutating func fail(_ items: [(message: PairMessage, link: PairLink)]) {
        for (message, link) in items {
            if let content = link.content {
                failedContents.insert(content.canonical)
            } else {
                failedSizes.append(message.octetCount)
            }
            if let row = givenUp[link.id] { held.insert(row) }
            hold(link, message)
        }
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
        _ batch: CopyBatch, _ row: Int64, _ traits: DeliveryTraits
    ) async throws {
        let side = batch.side.other
        var changes: [PairChange] = []
        var count = 0
        for (message, draft) in zip(spooled, drafts) {
            var link = draft
            let source = batch.items[message.position]
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
        report.update(side, batch.target) { $0.copiedCount += count }
        advance(batch.target, by: count)
        // Lost with the power, it is found out again: the links are on their way, and what arrived is found.
        try await state.apply("delivered", changes, isDurable: false)
    }
}

extension PairLink {
    fileprivate func withID(_ id: Int64, _ content: ContentIdentity?) -> PairLink {
        var link = self
        (link.id, link.content) = (id, content)
        return link
    }
}
