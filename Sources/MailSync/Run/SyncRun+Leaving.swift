import MailCore

/// Deletes in the source what is archived: a message is only ever in both, or, once it was read back, in the archive.
///
/// ORDER: durable and in the ledger → both sides read → equal octet for octet → still as it was archived → what is about
/// to leave is in the journal → UID EXPUNGE → the archive records that it left. Killed anywhere, the next run reads and
/// compares again, or finds it gone and knows why.
extension SyncRun {
    /// - Throws: `.requestRefused`, before anything is done, where the source cannot delete one message alone.
    func checkDeletion(_ traits: StoreTraits) async throws {
        guard let deletion = options.deletion else { return }
        guard destination is any VerifyingDestination else {
            throw SyncError(.requestRefused, "the destination cannot be read back")
        }
        let abilities = try await deletion.store.abilities
        guard abilities.expungesExactly, !abilities.isReadOnly else {
            throw SyncError(
                .requestRefused, "\(source.account) cannot delete one message without others (no UIDPLUS)")
        }
        guard traits.hasPersistentUIDs else {
            throw SyncError(.requestRefused, "the UIDs of \(source.account) do not last")
        }
    }

    /// Records what a run that died was deleting and did delete, so that nobody takes it for an outage.
    mutating func settleLeaving() async throws {
        guard !options.isDryRun, let side, let store = source.store as? any PartwiseStore else { return }
        let begun = try await state.begunLeaving(side.id)
        guard !begun.isEmpty else { return }
        for entry in begun {
            do {
                let there = try await store.describe(entry.uids, of: entry.mailbox, uidValidity: entry.uidValidity)
                let gone = entry.uids.subtracting(UIDSet(there.lazy.map(\.uid)))
                try await recordLeft(gone, entry.mailbox, entry.uidValidity)
            } catch let error as StoreError {
                // Another name or other UIDs since: the comparison of the mailbox sees what left.
                guard !error.endsRun else { throw error }
            }
        }
        try await state.endLeaving(side.id)
    }

    /// Deletes what is old enough in every mailbox that is archived as it is.
    mutating func deleteInSource(_ tree: MailboxTreePlan) async throws {
        guard let deletion = options.deletion else { return }
        let works = Dictionary(works.map { ($0.name, $0) }) { first, _ in first }
        for mailbox in tree.present {
            let (name, work) = (mailbox.listing.name, works[mailbox.listing.name])
            guard ledger[name].failure == nil, work?.hasFailed != true, work?.plan.isComplete != false else { continue }
            do {
                if options.isDryRun {
                    try await planDeletion(mailbox, work, deletion)
                } else {
                    try await deleteInSource(name, deletion)
                }
            } catch let error as StoreError {
                if error.endsRun { throw error }
                ledger.update(name) { $0.failure = error }
            }
        }
    }

    /// What a dry run says of it: what is archived already, and what is to be.
    private mutating func planDeletion(
        _ mailbox: MatchedMailbox, _ work: MailboxWork?, _ deletion: SourceDeletion
    ) async throws {
        let name = mailbox.listing.name
        var uids = UIDSet()
        for action in work?.arrivals ?? [] {
            switch action {
            case .archive(let summary, _), .place(let summary, _, _):
                if deletion.isOld(summary.internalDate) { uids.insert(summary.uid) }
            default: continue
            }
        }
        var last: UID?
        while let side {
            let batch = try await state.oldLinks(
                side.id, mailbox: stateName(mailbox), until: deletion.now() - deletion.age, after: last,
                limit: SourceDeletion.batchCount)
            guard let end = batch.links.last?.uid else { break }
            let leaving = work?.plan.departures
            for link in batch.links where leaving?.contains(link.uid, batch.uidValidity) != true {
                uids.insert(link.uid)
            }
            last = end
        }
        report.plannedActions += uids.uids.map { .deleteInSource(uid: $0, mailbox: name) }
    }

    private mutating func deleteInSource(_ name: MailboxName, _ deletion: SourceDeletion) async throws {
        guard let side = try await state.side(source.account) else { return }
        var last: UID?
        while true {
            try Task.checkCancellation()
            let batch = try await state.oldLinks(
                side.id, mailbox: name, until: deletion.now() - deletion.age, after: last,
                limit: SourceDeletion.batchCount)
            guard let end = batch.links.last?.uid else { return }
            last = end
            try await delete(batch.links, name, batch.uidValidity, deletion)
        }
    }

    private mutating func delete(
        _ links: [Link], _ name: MailboxName, _ validity: UIDValidity, _ deletion: SourceDeletion
    ) async throws {
        let verified = try await verified(links, name, validity, deletion)
        guard !verified.isEmpty else { return }
        deletion.passed(.verified)
        // Who changed it meanwhile has a use for it: the next run records the change first.
        let flags = Dictionary(links.map { ($0.uid, $0.flags) }) { first, _ in first }
        let now = try await deletion.store.described(UIDSet(verified.keys.sorted()), of: name, uidValidity: validity)
        let leaving = UIDSet(now.filter { $0.flags == flags[$0.uid] }.map(\.uid))
        ledger.update(name) { $0.touchedCount += now.count - leaving.count }
        guard !leaving.isEmpty else { return }
        let session = try await open()
        let operation = Operation(
            seq: session.nextOperation, kind: SyncState.leaving(validity), mailbox: name, uids: leaving)
        self.session?.nextOperation += 1
        // ORDER: the journal knows what is about to leave before it leaves.
        try await state.journal(side?.id ?? 0, run: session.run, [operation])
        deletion.passed(.journalled)
        let gone = try await deletion.store.expunge(leaving, from: name, uidValidity: validity)
        deletion.passed(.expunged)
        ledger.update(name) { report in
            report.deleted += gone.uids.compactMap { uid in
                verified[uid].map { DeletedInSource(uidValidity: validity, uid: uid, evidence: $0) }
            }
        }
        try await recordLeft(gone, name, validity)
        try await state.apply(
            side?.id ?? 0, run: session.run, [StateChange(.operation(operation.seq, state: .done))], sequence: nil)
        deletion.passed(.recorded)
    }

    /// The messages that are, read now, the same octets on both sides.
    private func verified(
        _ links: [Link], _ name: MailboxName, _ validity: UIDValidity, _ deletion: SourceDeletion
    ) async throws -> [UID: ReadBack] {
        guard let destination = destination as? any VerifyingDestination else { return [:] }
        let summaries = links.map { link in
            MessageSummary(
                uid: link.uid, flags: link.flags, internalDate: link.internalDate, octetCount: link.octetCount)
        }
        let hashes = SourceHashes()
        let fetched = try await source.store.fetch(summaries, from: name, uidValidity: validity) { message in
            let hash = deletion.hashing.start()
            var count = 0
            while let octets = try await message.next() {
                hash.update(octets[...])
                count += octets.count
            }
            hashes.found[message.uid] = (hash.finish(), count)
        }
        let archived = try await destination.readBack(fetched.delivered, of: name, uidValidity: validity)
        var result: [UID: ReadBack] = [:]
        for link in links where fetched.delivered.contains(link.uid) {
            guard let held = archived[link.uid], held.message == link.message, let source = hashes.found[link.uid],
                source.digest == held.sha256, source.count == held.octetCount
            else {
                ledger.update(name) { $0.unverifiedCount += 1 }
                continue
            }
            result[link.uid] = held
        }
        return result
    }

    /// The archive and the state know that `uids` left, together.
    private mutating func recordLeft(_ uids: UIDSet, _ name: MailboxName, _ validity: UIDValidity) async throws {
        let session = try await open()
        guard let side, !uids.isEmpty else { return }
        let links = try await state.linksThatLeave(
            side.id, mailbox: name, validity: validity, uids: Array(uids.uids))
        // Recorded already, or of a mailbox that is not known any more.
        guard !links.isEmpty else { return }
        for link in links {
            ledger.update(name) { $0.expungedCount += 1 }
            let address = OccurrenceAddress(
                account: source.account, mailbox: name, uidValidity: validity, uid: link.uid)
            try await session.committer.add([
                StateChange(
                    .unlink(link.uid, mailbox: name, validity: validity), event: .gone(at: address, movedTo: nil))
            ])
        }
        try await session.committer.add([StateChange(.recount(name))])
        try await session.committer.flush()
    }
}

/// What one `fetch` call, which hands one message over at a time, gave.
private final class SourceHashes: @unchecked Sendable {
    // SAFETY: written by the consumer of one fetch, read when it has returned.
    var found: [UID: (digest: [UInt8], count: Int)] = [:]
}

extension SyncStore {
    /// The messages of `uids` that are there, with the flags they have now.
    fileprivate func described(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        if let store = self as? any PartwiseStore {
            return try await store.describe(uids, of: mailbox, uidValidity: uidValidity)
        }
        let look = try await observe(mailbox, since: nil)
        guard look.status.uidValidity == uidValidity, case .full(let all) = look.content else { return [] }
        return all.filter { uids.contains($0.uid) }
    }
}
