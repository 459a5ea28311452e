internal import MailCore

/// Copies whose octets the target's store has already, under the source's own content id: they are made there.
///
/// On Gmail every label is a mailbox, and a message is in all of its labels: its octets are fetched and delivered once.
/// A content id names what cannot change of a message, its octets. RFC 8474 §5.1
extension PairRun {
    /// Copies: each message once over the line, its other places inside the target's store.
    mutating func copy(_ groups: [TransferGroup]) async throws {
        let (first, repeated) = Self.split(groups)
        try await transfer(try await relay(first))
        try await transfer(try await relay(repeated))
    }

    /// Sets apart what has the content id of a message that comes before it.
    private static func split(_ groups: [TransferGroup]) -> (first: [TransferGroup], repeated: [TransferGroup]) {
        var seen: BothSides<Set<String>> = BothSides([], [])
        var (first, repeated) = ([TransferGroup](), [TransferGroup]())
        for var group in groups {
            let isRepeated = group.items.map { item in
                item.link[group.side]?.objectID.map { !seen[group.side].insert($0).inserted } ?? false
            }
            let items = zip(group.items, isRepeated)
            group.items = items.filter { !$0.1 }.map(\.0)
            if !group.items.isEmpty { first.append(group) }
            group.items = items.filter(\.1).map(\.0)
            if !group.items.isEmpty { repeated.append(group) }
        }
        return (first, repeated)
    }

    /// Makes the copies that can be made inside the target's store; those that are left.
    private mutating func relay(_ groups: [TransferGroup]) async throws -> [TransferGroup] {
        var rest: [TransferGroup] = []
        for var group in groups {
            let ids = Set(group.items.compactMap { $0.link[group.side]?.objectID })
            if !ids.isEmpty { group.items = try await relay(group, try await state.links(group.side, objectIDs: ids)) }
            if !group.items.isEmpty { rest.append(group) }
        }
        return rest
    }

    /// A message of one side, by row of its mailbox.
    struct Place: Hashable {
        var mailbox: Int64
        var uid: UID
    }

    /// Notes whose flags are to change, or have changed: until that is dealt with they are not those a copy should have.
    mutating func noteChanging(_ actions: [PairAction]) {
        changing = BothSides([], [])
        for case .setFlags(_, let link) in actions {
            for side in PairSide.allCases {
                guard let end = link[side], let uid = end.uid else { continue }
                changing[side].insert(Place(mailbox: end.mailbox, uid: uid))
            }
        }
    }

    /// Messages of one mailbox of the target's store that are copied together.
    private struct Relay {
        var mailbox: MailboxName
        var uidValidity: UIDValidity
        var items: [(item: TransferGroup.Item, uid: UID, draft: PairLink, end: LinkEnd)] = []
    }

    private mutating func relay(
        _ group: TransferGroup, _ known: [String: [PairLink]]
    ) async throws -> [TransferGroup.Item] {
        let side = group.side.other
        guard !known.isEmpty, let row = rowOfName[side][group.target],
            let traits = try await traits(of: group.target, side)
        else { return group.items }
        var rest: [TransferGroup.Item] = []
        var relays: [Int64: Relay] = [:]
        var uids: Set<Place> = []
        for item in group.items {
            let links = item.link[group.side]?.objectID.flatMap { known[$0] } ?? []
            guard let link = links.first(where: { isSource($0, for: item, group, row, traits) }), let end = link[side],
                let uid = end.uid, let content = link.content, let name = name(of: end.mailbox, side)
            else {
                rest.append(item)
                continue
            }
            var placed = LinkEnd(
                mailbox: row, uidValidity: end.uidValidity, uid: uid, flags: end.flags, octetCount: end.octetCount)
            placed.internalDate = end.internalDate
            guard uids.insert(Place(mailbox: end.mailbox, uid: uid)).inserted else {
                rest.append(item)
                continue
            }
            let draft = sending(item.link, content, to: row, side, traits)
            let relay = Relay(mailbox: name, uidValidity: end.uidValidity)
            relays[end.mailbox, default: relay].items.append((item, uid, draft, placed))
        }
        for (_, relay) in relays.sorted(by: { $0.key < $1.key }) {
            var items = relay.items[...]
            while !items.isEmpty {
                var batch = relay
                batch.items = Array(items.prefix(options.batchLimit))
                items = items.dropFirst(batch.items.count)
                rest += try await carryOut(batch, group.target, side)
            }
        }
        return rest
    }

    /// Whether `link` is the same message, and its end there is what a delivery would make.
    private func isSource(
        _ link: PairLink, for item: TransferGroup.Item, _ group: TransferGroup, _ row: Int64, _ traits: DeliveryTraits
    ) -> Bool {
        guard link.state == .linked, link.pending == nil, let own = link[group.side],
            let end = link[group.side.other], end.mailbox != row, let uid = end.uid,
            !changing[group.side.other].contains(Place(mailbox: end.mailbox, uid: uid))
        else { return false }
        guard let count = item.message.octetCount, own.octetCount == count,
            let date = item.message.internalDate, own.internalDate == date
        else { return false }
        let flags = policy.deletedFlag == .ignored ? item.message.flags.removing(.deleted) : item.message.flags
        return FlagSet(flags.flags.filter { traits.keeps($0) }) == end.flags
    }

    private func name(of row: Int64, _ side: PairSide) -> MailboxName? {
        let half = mailboxes.lazy.compactMap { $0.halves[side] }.first { $0.row == row }
        return half.flatMap { $0.isThere && $0.look != .failed ? $0.name : nil }
    }

    /// Copies a batch inside its store; what is still to be copied another way.
    private mutating func carryOut(
        _ relay: Relay, _ target: MailboxName, _ side: PairSide
    ) async throws -> [TransferGroup.Item] {
        guard try await admit(octets: 0, messages: relay.items.count) else { return relay.items.map(\.item) }
        // ORDER: as with messages that come from the other side: known before anything is done.
        let ids = try await state.apply("sent", relay.items.map { .put($0.draft) })
        var copied: CopyReport?
        do throws(StoreError) {
            copied = try await ends[side].store.copy(
                UIDSet(relay.items.map(\.uid)), from: relay.mailbox, uidValidity: relay.uidValidity, to: target)
        } catch {
            guard [.refused, .noSuchMailbox, .uidValidityChanged].contains(error.kind) else {
                for (id, item) in zip(ids, relay.items) { hold(item.draft.withID(id), item.item.message) }
                guard !error.endsRun else { throw SideError(side: side, error: error) }
                report.update(side, target) { $0.failure = error }
                return []
            }
        }
        var rest: [TransferGroup.Item] = []
        var arrivals: [(link: PairLink, end: LinkEnd, message: PairMessage)] = []
        for (id, entry) in zip(ids, relay.items) {
            let link = entry.draft.withID(id)
            if copied?.missing.contains(entry.uid) ?? true {
                // Nothing was done: it comes from the other side, under the same row.
                rest.append((entry.item.message, entry.item.link.withID(id)))
            } else if let uid = copied?.mapping[entry.uid], let validity = copied?.uidValidity {
                var end = entry.end
                (end.uid, end.uidValidity) = (uid, validity)
                arrivals.append((link, end, entry.item.message))
                tellArrival(of: entry.item.message, in: target, uid, end.octetCount)
            } else {
                sentLinks.append(link)
                tellArrival(of: entry.item.message, in: target, nil, entry.end.octetCount)
            }
        }
        let count = relay.items.count - rest.count
        report.update(side, target) { $0.copiedCount += count }
        report.relayedCount += count
        advance(target, by: count)
        let row = relay.items.first?.end.mailbox ?? 0
        try await state.apply("relayed", try await arrived(arrivals, in: row, side), isDurable: false)
        return rest
    }
}
