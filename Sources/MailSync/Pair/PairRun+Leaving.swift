internal import MailCore

/// What may be deleted in A because B has it: a message at a time is only ever in A, in both, or, once B's copy was read
/// back and found equal, in B.
///
/// ORDER: both read → equal octet for octet → the link is `moved` in the state → UID EXPUNGE in A → A's end is dropped.
/// Killed anywhere, the next run reads and compares again, or finds the message gone and knows why.
extension PairRun {
    func checkSourceDeletion() throws {
        guard options.sourceDeletionAge != nil else { return }
        guard policy.goneInA == .keep, policy.newInB == .keep else {
            throw SyncError(
                .requestRefused, "with this strategy the destination would lose what is deleted in the source")
        }
        guard abilities.a.expungesExactly else {
            throw SyncError(
                .requestRefused, "\(ends.a.name) cannot delete one message without others (no UIDPLUS)")
        }
        guard traits.a.hasPersistentUIDs, !abilities.a.isReadOnly else {
            throw SyncError(.requestRefused, "\(ends.a.name) cannot be changed, or its UIDs do not last")
        }
    }

    /// Deletes in A what is old enough and verified in B.
    mutating func deleteCopied() async throws {
        guard options.sourceDeletionAge != nil, !throttle.isOverBudget else { return }
        for mailbox in mailboxes {
            guard let half = mailbox.halves.a else { continue }
            let links = try await removable(half)
            for (row, links) in Dictionary(grouping: links, by: { $0.ends.b?.mailbox ?? 0 }).sorted(by: {
                $0.key < $1.key
            }) {
                guard let partner = mailboxes.lazy.compactMap({ $0.halves.b }).first(where: { $0.row == row }) else {
                    continue
                }
                var rest = links[...]
                while !rest.isEmpty {
                    try Task.checkCancellation()
                    let batch = Array(rest.prefix(options.batchLimit))
                    rest = rest.dropFirst(batch.count)
                    let octets = batch.reduce(0) { $0 + ($1.ends.a?.octetCount ?? 0) }
                    guard try await admit(octets: octets, messages: batch.count) else { return }
                    try await deleteCopied(batch, half, partner)
                }
            }
        }
    }

    /// What a dry run says of it: what is linked already, and what is to be copied.
    func plannedLeaving(_ plan: PairPlan) async throws -> [PairAction] {
        guard let age = options.sourceDeletionAge else { return [] }
        var actions: [PairAction] = []
        for mailbox in mailboxes {
            guard let half = mailbox.halves.a else { continue }
            for link in try await removable(half) {
                guard let end = link.ends.a, let uid = end.uid else { continue }
                let message = PairMessage(
                    side: .a, mailbox: half.name, uidValidity: end.uidValidity, uid: uid, flags: end.flags,
                    internalDate: end.internalDate, octetCount: end.octetCount)
                actions.append(.expunge(message, link, .verifiedInB))
            }
        }
        for case .copy(let message, _, let link) in plan.actions where message.side == .a {
            if isOld(message.internalDate, age) { actions.append(.expunge(message, link, .verifiedInB)) }
        }
        return actions
    }

    private func isOld(_ date: InternalDate?, _ age: Int64) -> Bool {
        date.map { options.now() - $0.secondsSinceEpoch >= age } ?? false
    }

    /// The links of a mailbox of A whose messages are in both, selected and old enough.
    private func removable(_ half: MailboxHalf) async throws -> [PairLink] {
        guard let age = options.sourceDeletionAge, half.look == .complete else { return [] }
        let validity = half.uidValidity ?? baseRows.a[half.row]?.uidValidity
        return try await state.links(.a, in: [half.row]).filter { link in
            guard link.state == .linked || link.state == .moved, link.pending == nil else { return false }
            guard let end = link.ends.a, let uid = end.uid, link.ends.b?.uid != nil else { return false }
            guard end.uidValidity == validity, isOld(end.internalDate, age) else { return false }
            let summary = MessageSummary(
                uid: uid, flags: end.flags, internalDate: end.internalDate, octetCount: end.octetCount)
            return options.selection.contains(summary, found: half.found)
        }
    }

    private mutating func deleteCopied(
        _ batch: [PairLink], _ half: MailboxHalf, _ partner: MailboxHalf
    ) async throws {
        let sources = try await contents(batch, .a, half.name)
        let copies = try await contents(batch, .b, partner.name)
        var leaving: [(uid: UID, link: PairLink)] = []
        var unequal = 0
        for var link in batch {
            guard let uid = link.ends.a?.uid, let copyUID = link.ends.b?.uid, let source = sources[uid],
                let copy = copies[copyUID]
            else { continue }
            guard source.raw == copy.raw, source.octetCount == copy.octetCount else {
                unequal += 1
                continue
            }
            (link.content, link.state, link.since) = (source, .moved, options.now())
            leaving.append((uid, link))
        }
        if unequal > 0 {
            report.conflicts.append(
                "\(unequal) messages of \(half.name) in A stay: what was read back from B is not octet for octet the same"
            )
        }
        guard let validity = leaving.first?.link.ends.a?.uidValidity else { return }
        // ORDER: the state knows why the message is about to leave before it leaves.
        try await state.apply("leaving", leaving.map { .put($0.link) })
        let uids = UIDSet(leaving.map(\.uid))
        let gone = try await on(.a, mailbox: half.name) { store throws(StoreError) in
            try await store.expunge(uids, from: half.name, uidValidity: validity)
        }
        guard let gone else { return }
        let left = leaving.filter { gone.contains($0.uid) }
        try await state.apply(
            "left",
            left.map { entry in
                var link = entry.link
                link.ends.a = nil
                return .put(link)
            })
        for entry in left {
            var deed = PairDeed(.expunged, .a, half.name, uid: entry.uid)
            (deed.octetCount, deed.reason) = (entry.link.content?.octetCount, PairAction.Reason.verifiedInB.rawValue)
            options.deeds?(deed)
        }
        report.update(.a, half.name) { $0.expungedCount += left.count }
        advance(half.name, by: left.count)
    }

    /// Each message of one side as it is now.
    private mutating func contents(
        _ links: [PairLink], _ side: PairSide, _ mailbox: MailboxName
    ) async throws -> [UID: ContentIdentity] {
        guard let validity = links.first?[side]?.uidValidity else { return [:] }
        let summaries = links.compactMap { link -> MessageSummary? in
            guard let end = link[side], let uid = end.uid, end.uidValidity == validity else { return nil }
            return MessageSummary(
                uid: uid, flags: end.flags, internalDate: end.internalDate, octetCount: end.octetCount)
        }
        return try await read(summaries.sorted { $0.uid < $1.uid }, mailbox, validity, side)
    }
}
