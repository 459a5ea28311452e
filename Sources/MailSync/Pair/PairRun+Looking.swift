internal import MailCore

extension PairRun {
    /// Observes both sides and finds out who is who: all that a plan is made from.
    mutating func look() async throws -> (PairSituation, PairTree.Actions) {
        let (rows, pairs) = try await state.tree()
        let a = try await list(.a, rows)
        let b = try await list(.b, rows)
        let tree = PairTree(
            pairs: pairs, sides: BothSides(a, b), naming: options.naming, selection: options.selection, policy: policy)
        (mailboxes, droppedPairs) = (tree.mailboxes, tree.droppedPairs)
        var touched: [Int64: TouchedLink] = [:]
        var fresh: [FreshMessage] = []
        for side in PairSide.allCases { try await observe(side, &touched, &fresh) }
        try await addGone(&touched)
        let policyName = "\(policy)" + selectionMark
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

    private mutating func list(_ side: PairSide, _ all: [PairMailboxRow]) async throws -> PairTree.Side {
        let (listed, isWhole) = try await on(side) { store throws(StoreError) in try await store.mailboxes() }
        let hierarchy = try await on(side) { store throws(StoreError) in try await store.hierarchy() }
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

    private mutating func observe(
        _ side: PairSide, _ touched: inout [Int64: TouchedLink], _ fresh: inout [FreshMessage]
    ) async throws {
        var requests: [ObservationRequest] = []
        var positions: [MailboxName: Int] = [:]
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
                cursor = MailboxCursor(status: status, knownUIDs: try await state.knownUIDs(side, half.row))
            }
            requests.append(ObservationRequest(mailbox: half.name, cursor: cursor))
            positions[half.name] = position
        }
        let results = try await observe(side, requests)
        for request in requests {
            guard let position = positions[request.mailbox] else { continue }
            switch results[request.mailbox] {
            case .success(let observation):
                try await take(observation, side, position, &touched, &fresh)
            case .failure(let error):
                report.update(side, request.mailbox) { $0.failure = error }
                setLook(position, side, .failed, nil)
            case nil: setLook(position, side, .failed, nil)
            }
        }
    }

    private func observe(_ side: PairSide, _ requests: [ObservationRequest]) async throws -> Observer.Results {
        let observer = Observer(store: ends[side].store, concurrency: traits[side].fetchConcurrency)
        do { return try await observer.observe(requests) } catch let error as StoreError {
            throw SideError(side: side, error: error)
        }
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
            let name = half.name
            let whole = try await on(side, mailbox: name) { store throws(StoreError) in
                try await store.observe(name, since: nil)
            }
            guard let whole else { return setLook(position, side, .failed, nil) }
            diff = MailboxDiff(row: half.row, observation: whole, hasPersistentUIDs: traits[side].hasPersistentUIDs)
            (links, seen) = try await state.visit(side, diff)
        }
        setLook(position, side, seen.look, seen.status)
        looks[half.row] = (side, seen.look, seen.status)
        for (link, status) in links { touch(link, side, status, &touched) }
        fresh += (seen.fresh ?? []).map { FreshMessage(side: side, pair: position, summary: $0) }
    }

    private mutating func setLook(
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
            let rows = mailboxes.compactMap { $0.halves[side] }.filter { $0.look == .gone }.map(\.row)
            for link in try await state.links(side, in: rows) { touch(link, side, .gone, &touched) }
        }
    }

    private func touch(
        _ link: PairLink, _ side: PairSide, _ status: EndStatus, _ touched: inout [Int64: TouchedLink]
    ) {
        var entry = touched[link.id] ?? TouchedLink(link, a: assumed(link, .a), b: assumed(link, .b))
        entry.status[side] = link[side]?.uid == nil ? .none : status
        touched[link.id] = entry
    }

    private func add(_ link: PairLink, _ touched: inout [Int64: TouchedLink]) {
        guard touched[link.id] == nil else { return }
        touched[link.id] = TouchedLink(link, a: assumed(link, .a), b: assumed(link, .b))
    }

    /// Of an end no look spoke about.
    private func assumed(_ link: PairLink, _ side: PairSide) -> EndStatus {
        guard let end = link[side], end.uid != nil else { return .none }
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

    // MARK: Who is who

    private mutating func identify(_ situation: inout PairSituation, _ touched: inout [Int64: TouchedLink]) async throws
    {
        var singles: [PairIdentification.Single] = []
        var pairs = BothSides(Set<Int>(), Set<Int>())
        for message in situation.fresh { pairs[message.side].insert(message.pair) }
        for position in mailboxes.indices {
            for side in PairSide.allCases {
                let isAsked = policy.adoptsAnywhere ? !pairs[side.other].isEmpty : pairs[side.other].contains(position)
                let asksTombstones = side == .a && pairs.a.contains(position)
                guard isAsked || asksTombstones, let row = mailboxes[position].halves[side]?.row else { continue }
                for link in try await state.singles(side, in: row) {
                    if link[side]?.uid == nil { add(link, &touched) }
                    guard isAsked, link[side]?.uid != nil, touched[link.id]?.status[side] != .gone else { continue }
                    singles.append(.init(link: link, side: side, pair: position))
                }
            }
        }
        situation.links = Array(touched.values)
        let wanted = PairIdentification(situation, singles: singles).wanted
        let contents = try await read(wanted, situation.fresh, singles)
        var changes: [PairChange] = []
        for (wanted, content) in contents {
            switch wanted {
            case .fresh(let position): situation.fresh[position].content = content
            case .link(let position):
                singles[position].link.content = content
                changes.append(.put(singles[position].link))
                touched[singles[position].link.id]?.link.content = content
            }
        }
        if !options.isDryRun { try await state.apply("contents", changes) }
        let marks = Set(situation.fresh.compactMap { $0.content?.canonical })
        for link in try await state.links(canonical: marks) { add(link, &touched) }
        for single in singles where single.link.content.map({ marks.contains($0.canonical) }) ?? false {
            add(single.link, &touched)
        }
        situation.links = Array(touched.values)
    }

    /// Reads messages for their content ids.
    private mutating func read(
        _ wanted: [PairIdentification.Wanted], _ fresh: [FreshMessage], _ singles: [PairIdentification.Single]
    ) async throws -> [PairIdentification.Wanted: ContentIdentity] {
        var groups: [Int: [(MessageSummary, PairIdentification.Wanted)]] = [:]
        for item in wanted {
            switch item {
            case .fresh(let position):
                let message = fresh[position]
                groups[message.pair * 2 + message.side.rawValue, default: []].append((message.summary, item))
            case .link(let position):
                let single = singles[position]
                guard let end = single.link[single.side], let uid = end.uid else { continue }
                let summary = MessageSummary(
                    uid: uid, flags: end.flags, internalDate: end.internalDate, octetCount: end.octetCount)
                groups[single.pair * 2 + single.side.rawValue, default: []].append((summary, item))
            }
        }
        var result: [PairIdentification.Wanted: ContentIdentity] = [:]
        for (place, items) in groups.sorted(by: { $0.key < $1.key }) {
            let side: PairSide = place % 2 == 0 ? .a : .b
            guard let half = mailboxes[place / 2].halves[side], let validity = half.uidValidity else { continue }
            let byUID = Dictionary(items.map { ($0.0.uid, $0.1) }) { first, _ in first }
            let contents = try await read(items.map(\.0).sorted { $0.uid < $1.uid }, half.name, validity, side)
            for (uid, content) in contents {
                if let item = byUID[uid] { result[item] = content }
            }
        }
        return result
    }

    mutating func read(
        _ summaries: [MessageSummary], _ mailbox: MailboxName, _ validity: UIDValidity, _ side: PairSide
    ) async throws -> [UID: ContentIdentity] {
        var contents: [UID: ContentIdentity] = [:]
        let start = reader()
        _ = try await on(side, mailbox: mailbox) { store throws(StoreError) in
            try await store.fetch(summaries, from: mailbox, uidValidity: validity) { message in
                var reader = start
                reader.restart()
                while let piece = try await message.next() { reader.update(piece) }
                contents[message.uid] = reader.finish()
            }
        }
        report.comparedCount += contents.count
        report.fetchedOctets += contents.values.reduce(0) { $0 + Int64($1.octetCount) }
        return contents
    }
}
