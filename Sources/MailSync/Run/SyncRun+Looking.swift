import MailCore

extension SyncRun {
    /// Looks at the mailboxes of a wave and plans each but those too large for one look.
    ///
    /// - Throws: a `StoreError` that ends the run.
    mutating func look(
        _ wave: [MatchedMailbox], _ traits: StoreTraits
    ) async throws -> (works: [MailboxWork], large: [MatchedMailbox]) {
        var requests: [ObservationRequest] = []
        var observed: Observer.Results = [:]
        // Where UIDs mean nothing by themselves, only the whole mailbox tells what is new.
        let isPartwise = source.store is any PartwiseStore && traits.hasPersistentUIDs
        var large: [MatchedMailbox] = []
        for look in wave {
            if look.base == nil, let empty = Self.emptyObservation(look.listing) {
                observed[look.listing.name] = .success(empty)
                continue
            }
            let cursor = try await cursor(look, traits)
            if isPartwise, cursor == nil, let count = look.listing.status?.messageCount, count > options.partCount {
                large.append(look)
            } else {
                var request = ObservationRequest(mailbox: look.listing.name, cursor: cursor)
                request.isCounted = look.listing.status != nil
                requests.append(request)
            }
        }
        // A mailbox may have grown since it was listed.
        let limit = isPartwise ? 2 * options.partCount : nil
        let observer = Observer(store: source.store, concurrency: traits.fetchConcurrency, limit: limit)
        observed.merge(try await observer.observe(requests)) { _, new in new }
        var result: [MailboxWork] = []
        var doubtful: [MatchedMailbox] = []
        for look in wave {
            if isPartwise, case .failure(let error)? = observed[look.listing.name], error.kind == .limitExceeded {
                large.append(look)
                continue
            }
            guard let work = try await plan(look, observed[look.listing.name], traits) else { continue }
            guard work.plan.needsFullLook else {
                result.append(work)
                continue
            }
            let isLarge = isPartwise && work.plan.status.messageCount > options.partCount
            if isLarge { large.append(look) } else { doubtful.append(look) }
        }
        // What a delta hid or invented shows in a full look.
        let again = try await observer.observe(
            doubtful.map { ObservationRequest(mailbox: $0.listing.name, cursor: nil) })
        for look in doubtful {
            guard let work = try await plan(look, again[look.listing.name], traits) else { continue }
            if work.plan.needsFullLook {
                fail(look, StoreError(.protocolViolation, "gave changes where all messages were asked for"))
            } else {
                result.append(work)
            }
        }
        return (result, large)
    }

    /// A new mailbox that is empty by its status need not be opened.
    private static func emptyObservation(_ listing: MailboxListing) -> MailboxObservation? {
        guard let status = listing.status, status.messageCount == 0, status.uidNext != nil else { return nil }
        return MailboxObservation(status: status, content: .full([]), isComplete: true)
    }

    /// `nil` when only a full look will do.
    private func cursor(_ look: MatchedMailbox, _ traits: StoreTraits) async throws -> MailboxCursor? {
        guard let side, let base = look.base, let status = base.status, !options.looksAtEverything,
            traits.hasPersistentUIDs, !base.hasStaleLinks, status.uidValidity == base.uidValidity,
            look.listing.status.map({ $0.uidValidity == status.uidValidity }) ?? true
        else { return nil }
        let known = try await state.knownUIDs(side.id, mailbox: stateName(look), validity: status.uidValidity)
        return MailboxCursor(status: status, knownUIDs: known)
    }

    /// A rename is in the state by now, except in a dry run.
    func stateName(_ look: MatchedMailbox) -> MailboxName {
        options.isDryRun ? look.base?.name ?? look.listing.name : look.listing.name
    }

    mutating func fail(_ look: MatchedMailbox, _ error: StoreError) {
        ledger.update(look.listing.name) {
            $0.failure = error
            $0.serverCount = look.listing.status?.messageCount ?? 0
        }
    }

    private mutating func plan(
        _ look: MatchedMailbox, _ result: Result<MailboxObservation, StoreError>?, _ traits: StoreTraits
    ) async throws -> MailboxWork? {
        guard let result else { return nil }
        let observation: MailboxObservation
        switch result {
        case .success(let value): observation = Self.sorted(value)
        case .failure(let error):
            fail(look, error)
            return nil
        }
        let messages = try await baseMessages(look, observation)
        let plan = MailboxPlan(
            mailbox: look, messages: messages, observation: observation,
            hasPersistentUIDs: traits.hasPersistentUIDs, policy: options.policy)
        return MailboxWork(mailbox: look, plan: plan, messages: messages)
    }

    private func baseMessages(
        _ look: MatchedMailbox, _ observation: MailboxObservation
    ) async throws -> BaseMessages {
        guard let side else { return BaseMessages() }
        let summaries: [MessageSummary]
        var uids: [UID]?
        switch observation.content {
        case .full(let all): summaries = all
        case .delta(let changed, let vanished):
            summaries = changed
            let known = try await state.knownUIDs(
                side.id, mailbox: stateName(look), validity: observation.status.uidValidity)
            uids = changed.map(\.uid) + Array(vanished.intersection(known).uids)
        }
        return try await state.messages(
            side.id, mailbox: stateName(look), validity: observation.status.uidValidity, uids: uids,
            objectIDs: summaries.compactMap(\.objectID))
    }

    /// The contract says ascending, each once; a store that breaks it must not break us.
    static func ascending(_ summaries: [MessageSummary]) -> [MessageSummary] {
        let isAscending = zip(summaries, summaries.dropFirst()).allSatisfy { $0.uid < $1.uid }
        guard !isAscending else { return summaries }
        let latest = Dictionary(summaries.map { ($0.uid, $0) }) { _, last in last }
        return latest.values.sorted { $0.uid < $1.uid }
    }

    private static func sorted(_ observation: MailboxObservation) -> MailboxObservation {
        var result = observation
        switch observation.content {
        case .full(let all): result.content = .full(ascending(all))
        case .delta(let changed, let vanished):
            result.content = .delta(changed: ascending(changed), vanished: vanished)
        }
        return result
    }
}
