internal import MailCore

extension PairRun {
    /// Brings messages from one side to the other, batch by batch: begun in plan order, to two mailboxes at once, while
    /// those that follow are read.
    mutating func transfer(_ groups: [TransferGroup]) async throws {
        var queue = CopyQueue(batches(groups), options) { ends[$0].store is any PipelinedDeliveryStore }
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
                while failure == nil, case let read = queue.nextToJournal(), !read.isEmpty {
                    do { try await journal(read, &queue) } catch { failure = error }
                }
                while failure == nil, let (place, shipment) = queue.nextToDeliver() {
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
        var batches: [CopyBatch] = []
        for group in groups {
            let (weight, octetLimit) = SpoolRoom.weighing(ends[group.side.other].store, options)
            let limit = throttle.batch(octetLimit, options.batchLimit)
            var batch = CopyBatch(group)
            for item in group.items {
                let octets = item.message.octetCount ?? 0
                let isFull =
                    batch.items.count >= limit.messages || batch.octetCount + octets > limit.octets
                    || batch.weight + weight(octets) > options.batchMemoryLimit
                if isFull, !batch.items.isEmpty {
                    batches.append(batch)
                    (batch.items, batch.octetCount, batch.weight) = ([], 0, 0)
                }
                batch.items.append(item)
                batch.octetCount += octets
                batch.weight += weight(octets)
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

    /// Journals what was read of several batches at once, and lets it wait for its delivery.
    private mutating func journal(
        _ read: [(place: Int, read: CopyReader.Batch)], _ queue: inout CopyQueue
    ) async throws {
        guard let first = read.first?.place else { return }
        try await lookUpTraits(for: queue.batches[first...])
        var shipments: [(place: Int, shipment: CopyShipment)] = []
        for (place, batch) in read {
            if let shipment = try await shipment(batch, queue.batches[place]) {
                shipments.append((place, shipment))
            } else {
                _ = queue.end(place)
            }
        }
        // ORDER: known before the first octet leaves, so that after a crash what arrived is found and not sent again.
        var ids = try await state.apply("sent", shipments.flatMap { $0.shipment.drafts.map { .put($0) } })[...]
        for (place, var shipment) in shipments {
            for position in shipment.drafts.indices { shipment.drafts[position].id = ids.removeFirst() }
            queue.wait(place, shipment)
        }
    }

    /// What is to be delivered of a batch that was read; `nil` when nothing of it can go.
    private mutating func shipment(_ read: CopyReader.Batch, _ batch: CopyBatch) async throws -> CopyShipment? {
        let spooled = throttle.isOverBudget && read.spooled.isEmpty ? [] : try await taken(read, batch)
        guard !spooled.isEmpty else { return nil }
        let side = batch.side.other
        guard let row = rowOfName[side][batch.target], let traits = try await traits(of: batch.target, side) else {
            fail(spooled.map { batch.items[$0.position] })
            return nil
        }
        let drafts = spooled.map { message in
            sending(batch.items[message.position].link, message.content, to: row, side, traits)
        }
        return CopyShipment(batch: batch, spooled: spooled, drafts: drafts, row: row, traits: traits)
    }

    /// A link whose message is on its way to a mailbox of `side`.
    func sending(
        _ link: PairLink, _ content: ContentIdentity?, to row: Int64, _ side: PairSide, _ traits: DeliveryTraits
    ) -> PairLink {
        let half = mailboxes.lazy.compactMap { $0.halves[side] }.first { $0.row == row }
        var link = link
        (link.content, link.state, link.since) = (content, .sent, options.now())
        link.pending = PairLink.Pending(
            .copy, side: side, mailbox: row, uidValidity: half?.uidValidity ?? traits.uidValidity,
            uidNext: half?.uidNext)
        return link
    }

    /// Notes that messages are in their new places, each with its link and its end on `side`.
    ///
    /// QUIRK: Gmail keeps one of equal messages in a mailbox and tells the UID of the one that was there. A message that
    /// became one with another waits for that one to go.
    mutating func arrived(
        _ arrivals: [(link: PairLink, end: LinkEnd, message: PairMessage)], in row: Int64, _ side: PairSide
    ) async throws -> [PairChange] {
        guard let validity = arrivals.first?.end.uidValidity else { return [] }
        let half = mailboxes.lazy.compactMap { $0.halves[side] }.first { $0.row == row }
        let isKnownValidity = half?.uidValidity == validity
        var newest = max(newestUIDs[side][row] ?? 0, isKnownValidity ? (half?.uidNext?.value ?? 1) - 1 : 0)
        var known: UIDSet?
        var own: Set<UID> = []
        var changes: [PairChange] = []
        for (link, end, message) in arrivals {
            var link = link
            guard let uid = end.uid else { continue }
            if uid.value <= newest, known == nil { known = try await state.knownUIDs(side, row, validity) }
            newest = max(newest, uid.value)
            if !own.insert(uid).inserted || known?.contains(uid) ?? false {
                (link.state, link.reason, link.pending, link.attempts) = (.waiting, PairLink.merged, nil, 0)
                link[side] = nil
                report.conflicts.append("\(message) is one with an equal message there, which \(side) keeps once")
            } else {
                link[side] = end
                link.arrive()
            }
            changes.append(.put(link))
        }
        newestUIDs[side][row] = newest
        return changes
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
            } else if link.attempts < PairPlanner.readAttempts {
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
        options.deeds?(PairDeed(.quarantined, message, reason))
        return .put(link)
    }

    func tellArrival(of message: PairMessage, in target: MailboxName, _ uid: UID?, _ octetCount: Int?) {
        guard let deeds = options.deeds else { return }
        var deed = PairDeed(.copied, message.side.other, target, uid: uid, from: PairDeed.Origin(message))
        deed.octetCount = octetCount
        deeds(deed)
    }

    /// Writes what became of a batch; what nobody told about stays on its way.
    private mutating func settle(
        _ spooled: [SpooledMessage], _ drafts: [PairLink], _ outcomes: [Int: DeliveryOutcome],
        _ batch: CopyBatch, _ row: Int64, _ traits: DeliveryTraits
    ) async throws {
        let side = batch.side.other
        var changes: [PairChange] = []
        var arrivals: [(link: PairLink, end: LinkEnd, message: PairMessage)] = []
        var count = 0
        for (message, draft) in zip(spooled, drafts) {
            let source = batch.items[message.position]
            switch outcomes[message.position] {
            case .delivered(let validity?, let uid?):
                let kept = FlagSet(message.flags.flags.filter { traits.keeps($0) })
                    .subtracting(message.change.leavesOut)
                var end = LinkEnd(
                    mailbox: row, uidValidity: validity, uid: uid, flags: kept, octetCount: message.octetCount)
                end.internalDate = message.internalDate
                arrivals.append((draft, end, source.message))
                tellArrival(of: source.message, in: batch.target, uid, message.octetCount)
                count += 1
                note(message.change, source.message)
            case .delivered:
                sentLinks.append(draft)
                tellArrival(of: source.message, in: batch.target, nil, message.octetCount)
                count += 1
                note(message.change, source.message)
            case .refused(let refusal):
                changes.append(
                    quarantine(
                        source.link.withID(draft.id, draft.content), source.message, refusal.reason.rawValue,
                        refusal.detail))
                fail([source])
            case nil: fail([source])
            }
            if case .delivered = outcomes[message.position] { report.deliveredOctets += Int64(message.octetCount) }
        }
        changes += try await arrived(arrivals, in: row, side)
        report.update(side, batch.target) { $0.copiedCount += count }
        advance(batch.target, by: count)
        // Lost with the power, it is found out again: the links are on their way, and what arrived is found.
        try await state.apply("delivered", changes, isDurable: false)
    }
}

extension PairRun {
    /// Tells in what a message is another in its new place.
    fileprivate mutating func note(_ change: DeliveryChange, _ message: PairMessage) {
        if change.addsLineEnd { report.notes.append("\(message) was taken only with a line end behind its last line") }
        if !change.leavesOut.isEmpty { report.notes.append("\(message) was taken only without \(change.leavesOut)") }
    }
}

extension PairLink {
    func withID(_ id: Int64) -> PairLink {
        var link = self
        link.id = id
        return link
    }

    fileprivate func withID(_ id: Int64, _ content: ContentIdentity?) -> PairLink {
        var link = withID(id)
        link.content = content
        return link
    }
}
