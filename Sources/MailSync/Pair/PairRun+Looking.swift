internal import MailCore

extension PairRun {
    /// Observes both sides and finds out who is who: all that a plan is made from.
    mutating func look() async throws -> (PairSituation, PairTree.Actions) {
        (listings, baseRows, rowOfName) = (BothSides([:], [:]), BothSides([:], [:]), BothSides([:], [:]))
        (looks, rest) = ([:], BothSides([:], [:]))
        let (rows, pairs) = try await state.tree()
        let isWhole = options.selection.mailboxes.isEmpty
        async let listedA = Self.list(ends.a, .a, looksAhead: isWhole)
        async let listedB = Self.list(ends.b, .b, looksAhead: isWhole)
        let a = try await take(await listedA, .a, rows)
        let b = try await take(await listedB, .b, rows)
        let tree = PairTree(
            pairs: pairs, sides: BothSides(a, b), naming: options.naming, selection: options.selection, policy: policy)
        (mailboxes, droppedPairs, replacedRows) = (tree.mailboxes, tree.droppedPairs, tree.replacedRows)
        report.unmatched = tree.unmatched(options.selection)
        var touched: [Int64: TouchedLink] = [:]
        var fresh: [FreshMessage] = []
        let (looksA, looksB) = (try await looks(of: .a), try await looks(of: .b))
        let seen = await Self.observe(looksA, looksB, atOnce: options.readAhead > 1)
        for side in PairSide.allCases { await ends[side].store.lookAhead(at: []) }
        try await take(try seen.a.get(), looksA, &touched, &fresh)
        try await take(try seen.b.get(), looksB, &touched, &fresh)
        try await settleRest(&fresh)
        try await addGone(&touched)
        let policyName = policy.mark + selectionMark
        let isNewPolicy = try await state.fact("policy") != policyName
        for link in try await state.openLinks(all: isNewPolicy) { add(link, &touched) }
        if !options.isDryRun, isNewPolicy { try await state.apply("policy", [.fact("policy", policyName)]) }
        var situation = PairSituation(
            policy: policy, now: options.now(), mailboxes: mailboxes, links: Array(touched.values), fresh: fresh)
        (situation.selection, situation.allowsMassDelete) = (options.selection, options.allowsMassDelete)
        try await identify(&situation, &touched)
        try await search(situation)
        for position in mailboxes.indices where mailboxes[position].id < 0 {
            if !options.isDryRun { try await insert(position) }
        }
        situation.mailboxes = mailboxes
        return (situation, tree.actions)
    }

    private mutating func insert(_ position: Int) async throws {
        let mailbox = mailboxes[position]
        let pair = PairTree.Pair(id: 0, a: mailbox.halves.a?.row, b: mailbox.halves.b?.row)
        if let id = try await state.apply("pair", [.pair(pair)]).first { mailboxes[position].id = id }
    }

    // MARK: Mailboxes

    /// What a side tells of itself.
    private struct Listed: Sendable {
        var listings: [MailboxListing]
        var isWhole: Bool
        var traits: StoreTraits
        var hierarchy: StoreHierarchy
    }

    /// - Parameter looksAhead: while the other end's server greets and lists, there is time for it.
    private nonisolated static func list(
        _ end: PairEnd, _ side: PairSide, looksAhead: Bool
    ) async -> Result<Listed, SideError> {
        do throws(StoreError) {
            // The listing comes first: what an account tells of itself arrives with it, in one round trip.
            let (listings, isWhole) = try await end.store.mailboxes()
            if looksAhead { await end.store.lookAhead(at: listings.map(\.name)) }
            return .success(
                Listed(
                    listings: listings, isWhole: isWhole, traits: try await end.store.traits,
                    hierarchy: try await end.store.hierarchy()))
        } catch { return .failure(SideError(side: side, error: error)) }
    }

    private mutating func take(
        _ result: Result<Listed, SideError>, _ side: PairSide, _ all: [PairMailboxRow]
    ) async throws -> PairTree.Side {
        let found = try result.get()
        let (listed, isWhole, hierarchy) = (found.listings, found.isWhole, found.hierarchy)
        if !isWhole {
            report.isShownWhole = false
            report.notes.append("\(side) did not list all its mailboxes: those it left out wait for another run")
        }
        traits[side] = found.traits
        let rows = all.filter { $0.side == side }.map { PairTree.Row(id: $0.id, base: $0.base) }
        for row in rows { baseRows[side][row.id] = row.base }
        try await refuseOutage(side, rows, listed, isWhole)
        let matched = PairTree.match(rows, listed, isComplete: isWhole, policy: policy, side: side)
        var present: [PairTree.Present] = []
        var changes: [PairChange] = []
        for (listing, row) in matched where row == nil {
            changes.append(.insertMailbox(side, listing, listing.status?.uidValidity ?? UIDValidity(0)))
        }
        var ids = options.isDryRun ? [] : try await state.apply("mailboxes", changes)
        var next: Int64 = side == .a ? -1 : -1_000_000_001
        for (listing, row) in matched {
            var id = row?.id ?? next
            if row == nil {
                next -= 1
                if !ids.isEmpty { id = ids.removeFirst() }
            }
            let former = row.flatMap { $0.base.name == listing.name ? nil : $0.base.name }
            present.append(.init(row: id, listing: listing, formerName: former))
            (listings[side][id], rowOfName[side][listing.name]) = (listing, id)
        }
        return PairTree.Side(rows: rows, present: present, isComplete: isWhole, hierarchy: hierarchy)
    }

    /// LIMIT: below 10 messages an emptied account is a plausible user action and not an outage.
    private static let outageThreshold = 10

    private func refuseOutage(
        _ side: PairSide, _ rows: [PairTree.Row], _ listed: [MailboxListing], _ isWhole: Bool
    ) async throws {
        guard isWhole, !rows.isEmpty, !options.allowsMassDelete else { return }
        let name = ends[side].name
        if listed.isEmpty { throw SyncError(.outage, "\(name) lists no mailbox at all, where \(rows.count) were") }
        if rows.contains(where: \.base.name.isInbox), !listed.contains(where: \.name.isInbox) {
            throw SyncError(.outage, "\(name) lists no INBOX, where one was")
        }
        guard listed.allSatisfy({ $0.status?.messageCount == 0 }) else { return }
        let count = try await state.linkCount()
        if count >= Self.outageThreshold {
            throw SyncError(.outage, "every mailbox of \(name) is empty, where \(count) messages were")
        }
    }

    // MARK: Messages

    /// The mailboxes of one side that are looked at, and how.
    private struct Looks: Sendable {
        var side: PairSide
        var observer: Observer
        var requests: [ObservationRequest] = []
        var positions: [MailboxName: Int] = [:]
        /// Those too large to be described at once.
        var large: [Int] = []
    }

    private mutating func looks(of side: PairSide) async throws -> Looks {
        let isPartwise = isPartwise(side)
        let observer = Observer(
            store: ends[side].store, concurrency: traits[side].fetchConcurrency,
            limit: isPartwise ? 2 * options.partCount : nil)
        var looks = Looks(side: side, observer: observer)
        for position in mailboxes.indices {
            guard let half = mailboxes[position].halves[side], half.look == .complete else { continue }
            guard let listing = listings[side][half.row] else { continue }
            let base = baseRows[side][half.row]
            if let base, isUnchanged(base, listing) {
                setLook(position, side, .complete, listing.status)
                continue
            }
            var cursor: MailboxCursor?
            if let status = base?.status, !options.looksAtEverything, traits[side].hasPersistentUIDs {
                cursor = MailboxCursor(
                    status: status, knownUIDs: try await state.knownUIDs(side, half.row, status.uidValidity))
            }
            let givesChanges = cursor?.status.highestModSeq != nil
            if isPartwise, !givesChanges, let count = listing.status?.messageCount, count > options.partCount {
                looks.large.append(position)
                continue
            }
            var request = ObservationRequest(mailbox: half.name, cursor: cursor)
            request.isCounted = listing.status != nil
            looks.requests.append(request)
            looks.positions[half.name] = position
        }
        return looks
    }

    private typealias Seen = Result<Observer.Results, any Error>

    private nonisolated static func observe(_ a: Looks, _ b: Looks, atOnce: Bool) async -> BothSides<Seen> {
        guard atOnce else { return BothSides(await observe(a), await observe(b)) }
        async let seen = observe(a)
        let other = await observe(b)
        return BothSides(await seen, other)
    }

    private nonisolated static func observe(_ looks: Looks) async -> Seen {
        do { return .success(try await looks.observer.observe(looks.requests)) } catch let error as StoreError {
            return .failure(SideError(side: looks.side, error: error))
        } catch { return .failure(error) }
    }

    private mutating func take(
        _ results: Observer.Results, _ looks: Looks, _ touched: inout [Int64: TouchedLink],
        _ fresh: inout [FreshMessage]
    ) async throws {
        let side = looks.side
        var large = looks.large
        for request in looks.requests {
            guard let position = looks.positions[request.mailbox] else { continue }
            switch results[request.mailbox] {
            case .success(let observation):
                try await take(observation, side, position, &touched, &fresh)
            case .failure(let error) where isPartwise(side) && error.kind == .limitExceeded: large.append(position)
            case .failure(let error):
                report.update(side, request.mailbox) { $0.failure = error }
                setLook(position, side, .failed, nil)
            case nil: setLook(position, side, .failed, nil)
            }
        }
        for position in large { try await lookInParts(side, position, &touched, &fresh) }
    }

    private func isUnchanged(_ base: BaseMailbox, _ listing: MailboxListing) -> Bool {
        guard !options.looksAtEverything, let saved = base.status, let status = listing.status else { return false }
        guard saved == status, base.name == listing.name, base.mailboxID == listing.mailboxID else { return false }
        return status.uidValidity.value != 0 && status.uidNext != nil && status.highestModSeq != nil
    }

    private mutating func take(
        _ observation: MailboxObservation, _ side: PairSide, _ position: Int, _ touched: inout [Int64: TouchedLink],
        _ fresh: inout [FreshMessage]
    ) async throws {
        guard let half = mailboxes[position].halves[side] else { return }
        var diff = MailboxDiff(
            row: half.row, observation: observation, hasPersistentUIDs: traits[side].hasPersistentUIDs)
        var (links, seen) = try await state.visit(side, diff)
        if seen.fresh == nil {
            // The delta contradicts what is known: nothing of it is believed.
            if isPartwise(side), seen.status.messageCount > options.partCount {
                return try await lookInParts(side, position, &touched, &fresh)
            }
            let name = half.name
            let whole = try await on(side, mailbox: name) { store throws(StoreError) in
                try await store.observe(name, since: nil)
            }
            guard let whole else { return setLook(position, side, .failed, nil) }
            diff = MailboxDiff(row: half.row, observation: whole, hasPersistentUIDs: traits[side].hasPersistentUIDs)
            (links, seen) = try await state.visit(side, diff)
        }
        setLook(position, side, seen.look, seen.status)
        noteDoubt(seen.look, half.name, side)
        looks[half.row] = (side, seen.look, seen.status)
        for (link, status) in links { touch(link, side, status, &touched) }
        fresh += (seen.fresh ?? []).map { FreshMessage(side: side, pair: position, summary: $0) }
    }

    /// Says where nothing can be taken as gone.
    private mutating func noteDoubt(_ look: MailboxHalf.Look, _ name: MailboxName, _ side: PairSide) {
        let reason: String
        switch look {
        case .incomplete: (reason, report.isShownWhole) = ("is not shown whole", false)
        case .volatile: reason = "gives its messages other UIDs each time"
        case .complete, .failed, .gone: return
        }
        let note = "\(name) in \(side) \(reason): nothing counts as gone there"
        if !report.notes.contains(note) { report.notes.append(note) }
    }

    mutating func setLook(
        _ position: Int, _ side: PairSide, _ look: MailboxHalf.Look, _ status: MailboxStatus?
    ) {
        mailboxes[position].halves[side]?.look = look
        guard let status else { return }
        mailboxes[position].halves[side]?.uidValidity = status.uidValidity
        mailboxes[position].halves[side]?.uidNext = status.uidNext
        mailboxes[position].halves[side]?.highestModSeq = status.highestModSeq
        mailboxes[position].halves[side]?.messageCount = status.messageCount
    }

    /// Every link with an end in a mailbox that is not there any more.
    private mutating func addGone(_ touched: inout [Int64: TouchedLink]) async throws {
        for side in PairSide.allCases {
            let rows =
                mailboxes.compactMap { $0.halves[side] }.filter { $0.look == .gone }.map(\.row)
                + replacedRows[side].sorted()
            for link in try await state.links(side, in: rows) { touch(link, side, .gone, &touched) }
        }
    }

    func touch(
        _ link: PairLink, _ side: PairSide, _ status: EndStatus, _ touched: inout [Int64: TouchedLink]
    ) {
        var entry = touched[link.id] ?? TouchedLink(link, a: assumed(link, .a), b: assumed(link, .b))
        entry.status[side] = link[side]?.uid == nil ? .none : status
        touched[link.id] = entry
    }

    func add(_ link: PairLink, _ touched: inout [Int64: TouchedLink]) {
        guard touched[link.id] == nil else { return }
        touched[link.id] = TouchedLink(link, a: assumed(link, .a), b: assumed(link, .b))
    }

    /// Of an end no look spoke about.
    private func assumed(_ link: PairLink, _ side: PairSide) -> EndStatus {
        guard let end = link[side], end.uid != nil else { return .none }
        if replacedRows[side].contains(end.mailbox) { return .gone }
        for mailbox in mailboxes {
            guard let half = mailbox.halves[side], half.row == end.mailbox else { continue }
            switch half.look {
            case .complete, .incomplete, .volatile: return .present(end.flags)
            case .gone: return .gone
            case .failed: return .unknown
            }
        }
        return .unknown
    }
}
