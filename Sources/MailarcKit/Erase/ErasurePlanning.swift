import ArchiveCatalog
import ArchiveStore
import MailCore

extension Workspace {
    /// What erasing the messages that `query` finds, or those named by `ids` or unique beginnings of them, would do.
    ///
    /// - Throws: `.notFound` if there are none; `.badQuery`.
    public func planErasure(query: String?, ids: [String]) async throws(KitError) -> ErasureSelection {
        try selection(try found(query: query, ids: ids))
    }

    /// The messages that `query` finds, then those named by `ids`, each once.
    ///
    /// - Throws: `.notFound` if there are none.
    func found(query: String?, ids: [String]) throws(KitError) -> [CatalogEntry] {
        var entries: [CatalogEntry] = []
        if let query {
            do { entries = try catalog.search(Query(parsing: query), limit: Int(Int32.max)).hits.map(\.entry) } catch {
                throw KitError(error)
            }
        }
        for id in ids { entries.append(try entry(id)) }
        guard !entries.isEmpty else {
            throw KitError(.notFound, "no message found; nothing was changed", hint: "try it first: mailarc search")
        }
        var seen: Set<RandomID> = []
        return entries.filter { seen.insert($0.keyID).inserted }
    }

    func selection(_ entries: [CatalogEntry]) throws(KitError) -> ErasureSelection {
        let messages = entries.map(\.keyID)
        let (facts, plan) = try erasurePlan(messages)
        do {
            let sample = try entries.prefix(20).map { entry in
                MessageRow(entry, places: try catalog.occurrences(of: entry.keyID))
            }
            let report = ErasurePlanReport(facts, plan, sample: sample, anchors: try anchorNames())
            return ErasureSelection(report: report, messages: messages)
        } catch let error as CatalogError { throw KitError(error) } catch let error as KitError { throw error } catch {
            throw KitError(.internalError, "the erasure cannot be planned", cause: error)
        }
    }

    /// What goes with `messages`, by the catalog and by the records themselves.
    func erasurePlan(_ messages: [RandomID]) throws(KitError) -> (facts: ErasureFacts, plan: ErasurePlan) {
        do {
            let facts = try catalog.erasureFacts(of: messages)
            let reader = ArchiveReader(archive, directory: CatalogDirectory(catalog: catalog))
            let plan = try reader.planErasure(
                of: facts.messages.map(\.keyID), parts: (facts.dyingParts, facts.sharedParts),
                records: facts.records.map(EventScope.init))
            return (facts, plan)
        } catch let error as ArchiveError { throw KitError(error, at: path) } catch let error as CatalogError {
            throw KitError(error)
        } catch { throw KitError(.internalError, "the erasure cannot be planned", cause: error) }
    }
}

extension EventScope {
    init(_ facts: ErasureRecordFacts) {
        self.init(sequence: facts.sequence, keyID: facts.keyID)
        (addresses, laterAddresses, endings) = (facts.addresses, facts.laterAddresses, facts.endings)
        mailboxes = Set(facts.mailboxes.map { Mailbox(account: $0.account, name: $0.mailbox) })
        newMailboxes = Set(facts.newMailboxes.map { Mailbox(account: $0.account, name: $0.mailbox) })
    }
}

extension ErasurePlanReport {
    init(_ facts: ErasureFacts, _ plan: ErasurePlan, sample: [MessageRow], anchors: [String]) {
        let dying = Set(facts.mailboxes.map { MailboxPlace(account: $0.account, mailbox: $0.name) })
        let places = Dictionary(grouping: facts.occurrences) {
            MailboxPlace(account: $0.account, mailbox: $0.mailbox)
        }.map { place, addresses in
            Place(
                account: place.account, mailbox: place.mailbox.text, occurrences: addresses.count,
                goes: dying.contains(place))
        }
        self.init(
            messages: plan.messages.count, octets: facts.messages.reduce(0) { $0 + Int($1.octetCount) },
            occurrences: facts.occurrences.count,
            mailboxes: places.sorted { ($0.account, $0.mailbox) < ($1.account, $1.mailbox) },
            dyingParts: plan.parts.count, sharedParts: facts.sharedParts.count, eventRecords: plan.records.count,
            deadOctets: Int(plan.deadOctetCount), onServer: facts.serverOccurrences, anchors: anchors, sample: sample)
    }
}
