import MailCore

extension SyncRun {
    /// Works a mailbox off that is too large to be held: its UIDs first, then part by part what is known of them.
    ///
    /// A part's arrivals are durable before the next is looked at; what left is known when every part was seen.
    /// LIMIT: after a change of UIDVALIDITY the old links of the mailbox are held as a whole, some 300 octets each.
    /// - Throws: a `StoreError` that ends the run.
    mutating func executeInParts(_ mailbox: MatchedMailbox, _ traits: StoreTraits) async throws {
        guard let store = source.store as? any PartwiseStore else { return }
        let name = mailbox.listing.name
        do {
            let census = try await store.census(of: name)
            ledger.update(name) { $0.serverCount = census.uids.count }
            var whole = MailboxPlan(mailbox, census, policy: options.policy)
            var unseen = UIDSet()
            var failure: StoreError?
            for part in MailboxPart.parts(of: census.uids, count: options.partCount) {
                let work = try await look(part, of: mailbox, census, store, &unseen)
                if options.isDryRun {
                    report.plannedActions += work.arrivals
                } else {
                    try await executeArrivals([work], traits)
                }
                failure = work.error
                if failure != nil { break }
                whole.absorb(work.plan)
            }
            // What went meanwhile is gone for the census, too; what is there and was not told is hidden.
            if !unseen.isEmpty {
                let again = try await store.census(of: name)
                let hidden = again.uids.intersection(unseen)
                if !hidden.isEmpty || again.status.uidValidity != census.status.uidValidity { whole.doubt() }
                ledger.update(name) { $0.serverCount -= unseen.count - hidden.count }
            }
            if !whole.isComplete { whole.doubt() }
            ledger.update(name) { $0.erasedCount = whole.erasedCount }
            let work = MailboxWork(mailbox: mailbox, plan: whole, messages: BaseMessages())
            if let failure { work.fail(failure) }
            works.append(work)
            if options.isDryRun { waiting.append(work) } else { try await conclude([work]) }
        } catch let error as StoreError {
            if error.endsRun { throw error }
            fail(mailbox, error)
        }
    }

    private mutating func look(
        _ part: MailboxPart, of mailbox: MatchedMailbox, _ census: MailboxCensus, _ store: any PartwiseStore,
        _ unseen: inout UIDSet
    ) async throws -> MailboxWork {
        let validity = census.status.uidValidity
        var summaries: [MessageSummary] = []
        if !part.uids.isEmpty {
            summaries = try await store.describe(part.uids, of: mailbox.listing.name, uidValidity: validity)
        }
        summaries = Self.ascending(summaries).filter { part.uids.contains($0.uid) }
        unseen = unseen.union(part.uids.subtracting(UIDSet(summaries.lazy.map(\.uid))))
        var status = census.status
        status.messageCount = summaries.count
        let observation = MailboxObservation(status: status, content: .full(summaries), isComplete: true)
        var messages = BaseMessages()
        if let side {
            messages = try await state.messages(
                side.id, mailbox: stateName(mailbox), validity: validity, part: part.range,
                objectIDs: summaries.compactMap(\.objectID))
        }
        let plan = MailboxPlan(
            mailbox: mailbox, messages: messages, observation: observation, hasPersistentUIDs: true,
            policy: options.policy, part: part)
        return MailboxWork(mailbox: mailbox, plan: plan, messages: messages)
    }
}
