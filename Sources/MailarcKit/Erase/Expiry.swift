import ArchiveCatalog
import ArchiveStore
import MailCore

extension Workspace {
    /// What erasing the messages whose time is over would do: those that rules keep until then in every place where they
    /// are or were.
    ///
    /// - Parameter time: the present, in seconds since 1970.
    public func planExpiry(at time: Int64) async throws(KitError) -> ErasureSelection {
        let entries: [CatalogEntry]
        do throws(CatalogError) { entries = try catalog.expiring(by: time) } catch { throw KitError(error) }
        return try selection(entries)
    }

    /// Retains for good, in each place where they are, what `query` finds, or what is named by `ids` or unique beginnings
    /// of them.
    ///
    /// - Throws: `.notFound` where nothing is found, or is kept for a time.
    public func retain(query: String?, ids: [String]) async throws(KitError) -> RetainReport {
        let messages = try found(query: query, ids: ids).map(\.keyID)
        return try await withWriter { writer throws(KitError) in
            var report = RetainReport()
            var events: [OccurrenceEvent] = []
            do throws(CatalogError) {
                for message in messages {
                    let places = Set(try catalog.occurrences(of: message).filter { $0.until == nil }.map(\.address))
                    let rows = try catalog.deliveries(of: message).filter {
                        $0.facts.keptUntil != nil && places.contains($0.address)
                    }
                    events += rows.map { row in
                        var facts = row.facts
                        facts.keptUntil = nil
                        return .delivered(at: row.address, facts: facts)
                    }
                    if !rows.isEmpty { report.messages += 1 }
                    report.occurrences += rows.count
                }
            } catch { throw KitError(error) }
            guard !events.isEmpty else {
                throw KitError(.notFound, "none of these messages is kept for a time only", hint: "see: mailarc show")
            }
            let destination = ArchiveDestination(account: "", writer: writer, catalog: catalog, archive: archive)
            do {
                try await destination.record(events)
                _ = try await destination.commit()
            } catch { throw KitError(storing: error, at: path) }
            return report
        }
    }
}
