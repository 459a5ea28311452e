internal import MailCore

/// Who is who: links, places and contents.
extension PairRun {
    mutating func identify(_ situation: inout PairSituation, _ touched: inout [Int64: TouchedLink]) async throws {
        var singles: [PairIdentification.Single] = []
        var pairs = BothSides(Set<Int>(), Set<Int>())
        for message in situation.fresh { pairs[message.side].insert(message.pair) }
        for single in unreadSingles(touched) {
            pairs[single.side].insert(single.pair)
            singles.append(single)
        }
        for position in mailboxes.indices {
            for side in PairSide.allCases {
                let isAsked = policy.adoptsAnywhere ? !pairs[side.other].isEmpty : pairs[side.other].contains(position)
                let asksTombstones = side == .a && pairs.a.contains(position)
                guard isAsked || asksTombstones, let row = mailboxes[position].halves[side]?.row else { continue }
                for link in try await state.singles(side, in: row) {
                    if link[side]?.uid == nil { add(link, &touched) }
                    guard isAsked, link[side]?.uid != nil, touched[link.id]?.status[side] != .gone else { continue }
                    guard link.state != .unread else { continue }
                    singles.append(.init(link: link, side: side, pair: position))
                }
            }
        }
        situation.links = Array(touched.values)
        let wanted = PairIdentification(situation, singles: singles, others: try await others(situation)).wanted
        let (contents, unread) = try await read(wanted, situation.fresh, singles)
        var changes: [PairChange] = []
        situation.unreadLinks = [:]
        for (wanted, reason) in unread {
            switch wanted {
            case .fresh(let position): situation.fresh[position].unread = reason
            case .link(let position):
                if reason.isCounted { singles[position].link.attempts += 1 }
                let link = singles[position].link
                situation.unreadLinks[link.id] = reason
                add(link, &touched)
                touched[link.id]?.link.attempts = link.attempts
                changes.append(.put(link))
            }
        }
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
        // One that was passed over for an equal one may have to take its place.
        let isPassedOver = policy.duplicates == .onlyFirst
        let related = touched.values.filter { entry in
            entry.link.isMerged || entry.link.state == .unread
                || isPassedOver && (entry.status.a == .gone || entry.status.b == .gone)
        }
        let marks = Set((situation.fresh.map(\.content) + related.map(\.link.content)).compactMap { $0?.canonical })
        for link in try await state.links(canonical: marks) { add(link, &touched) }
        for single in singles where single.link.content.map({ marks.contains($0.canonical) }) ?? false {
            add(single.link, &touched)
        }
        situation.links = Array(touched.values)
    }

    /// Those that could not be read in an earlier run, and are there.
    private func unreadSingles(_ touched: [Int64: TouchedLink]) -> [PairIdentification.Single] {
        touched.values.filter { $0.link.state == .unread }.sorted { $0.link.id < $1.link.id }.flatMap { entry in
            PairSide.allCases.compactMap { side in
                guard case .present = entry.status[side], let row = entry.link[side]?.mailbox,
                    let pair = mailboxes.firstIndex(where: { $0.halves[side]?.row == row })
                else { return nil }
                return .init(link: entry.link, side: side, pair: pair)
            }
        }
    }

    /// LIMIT: mail that waits longer than this in a queue is given up by every MTA.
    private static let lateness: Int64 = 7 * 86_400

    /// The fresh messages (positions) that may be the same as one known on both sides: as one that was copied there
    /// lately, or as one that came from a mailbox that could not be looked at.
    private func others(_ situation: PairSituation) async throws -> Set<Int> {
        var found: Set<Int> = []
        for side in PairSide.allCases {
            let fresh = situation.fresh.enumerated().filter { $0.element.side == side }
            guard !fresh.isEmpty else { continue }
            func add(_ messages: [(offset: Int, element: FreshMessage)], _ are: [Bool]) {
                for (message, isIt) in zip(messages, are) where isIt { found.insert(message.offset) }
            }
            if policy.lateSides.contains(side) {
                for (pair, messages) in Dictionary(grouping: fresh, by: \.element.pair) {
                    guard let row = mailboxes[pair].halves[side]?.row else { continue }
                    let counts = messages.map(\.element.summary.octetCount)
                    let time = options.now() - Self.lateness
                    add(messages, try await state.hasCopied(counts, side, in: row, since: time))
                }
            }
            guard policy.seesMoves(side) else { continue }
            let counts = fresh.map(\.element.summary.octetCount)
            for half in mailboxes.compactMap({ $0.halves[side] }) where half.look == .failed {
                add(fresh, try await state.hasMessages(counts, side, in: half.row))
            }
        }
        return found
    }

    /// Reads messages for their content ids; those that could not be read, and why.
    private mutating func read(
        _ wanted: [PairIdentification.Wanted], _ fresh: [FreshMessage], _ singles: [PairIdentification.Single]
    ) async throws -> (
        contents: [PairIdentification.Wanted: ContentIdentity], unread: [PairIdentification.Wanted: Unread]
    ) {
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
        var unread: [PairIdentification.Wanted: Unread] = [:]
        for (place, items) in groups.sorted(by: { $0.key < $1.key }) {
            let side: PairSide = place % 2 == 0 ? .a : .b
            guard let half = mailboxes[place / 2].halves[side], let validity = half.uidValidity else { continue }
            let byUID = Dictionary(items.map { ($0.0.uid, $0.1) }) { first, _ in first }
            let (contents, refused) = try await fetch(
                items.map(\.0).sorted { $0.uid < $1.uid }, half.name, validity, side)
            // What the mailbox as a whole refuses says nothing about a message.
            if refused == nil { setLook(place / 2, side, .failed, nil) }
            for (uid, item) in byUID {
                if let content = contents[uid] {
                    result[item] = content
                } else if let refusal = refused.map({ $0[uid] ?? Refusal(.notDelivered) }) {
                    if refusal.reason != .expunged { unread[item] = Unread(refusal) }
                } else {
                    unread[item] = Unread(Refusal(.notDelivered), isCounted: false)
                }
            }
        }
        return (result, unread)
    }

    mutating func read(
        _ summaries: [MessageSummary], _ mailbox: MailboxName, _ validity: UIDValidity, _ side: PairSide
    ) async throws -> [UID: ContentIdentity] {
        try await fetch(summaries, mailbox, validity, side).contents
    }

    /// What could be read, and why the others could not; `nil`: nothing of the mailbox can be.
    private mutating func fetch(
        _ summaries: [MessageSummary], _ mailbox: MailboxName, _ validity: UIDValidity, _ side: PairSide
    ) async throws -> (contents: [UID: ContentIdentity], refused: [UID: Refusal]?) {
        var contents: [UID: ContentIdentity] = [:]
        let start = reader()
        let fetched = try await on(side, mailbox: mailbox) { store throws(StoreError) in
            try await store.fetch(summaries, from: mailbox, uidValidity: validity) { message in
                var reader = start
                reader.restart()
                while let piece = try await message.next() { reader.update(piece) }
                contents[message.uid] = reader.finish()
            }
        }
        report.comparedCount += contents.count
        report.fetchedOctets += contents.values.reduce(0) { $0 + Int64($1.octetCount) }
        return (contents, fetched?.refused)
    }
}
