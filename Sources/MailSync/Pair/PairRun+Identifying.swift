internal import MailCore

/// Who is who: links, places and contents.
extension PairRun {
    mutating func identify(_ situation: inout PairSituation, _ touched: inout [Int64: TouchedLink]) async throws {
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
