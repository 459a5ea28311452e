import ArchiveCatalog
import ArchiveStore

extension Workspace {
    /// Writes packs anew that hold what is dead, without it; what was erased is gone from the folder afterwards.
    ///
    /// - Parameter minimumDeadShare: packs with a larger share of dead octets are taken, 0 to 1; those that hold
    ///   something erased always, small ones where several become one.
    public func compact(
        minimumDeadShare: Double, isDryRun: Bool, progress: @escaping ProgressHandler
    ) async throws(KitError) -> CompactionReport {
        var options = CompactionOptions()
        options.minimumDeadShare = minimumDeadShare
        options.packTarget = WriterOptions.process.packTarget
        if isDryRun {
            do throws(ArchiveError) {
                return CompactionReport(
                    CompactionPlan(try ArchiveContents(archive).packs, options), freedOctets: nil)
            } catch { throw KitError(error, at: path) }
        }
        options.progress = { done, total, octets in
            progress(KitProgress(phase: "compacting", done: done, total: total, octetsDone: Int(octets)))
        }
        let settled = options
        let catalog = catalog
        return try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) {
                let summary = try await writer.compact(settled) { change in
                    try Self.follow(change, catalog)
                    FaultPoint.fromEnvironment?.pass("catalog")
                }
                return CompactionReport(
                    summary.plan, freedOctets: Int(summary.plan.octetCount) - Int(summary.newOctetCount))
            } catch {
                if let catalogError = error.cause as? CatalogError { throw KitError(catalogError) }
                throw KitError(error, at: path)
            }
        }
    }

    private static func follow(_ change: CompactedPacks, _ catalog: Catalog) throws(CatalogError) {
        let successor = change.successor.map { PackRow(id: $0.id, digest: $0.digest, octetCount: $0.octetCount) }
        let ledger = LedgerState(size: change.ledgerSize, root: change.ledgerRoot)
        guard !change.replaced.isEmpty else {
            return try catalog.apply(CatalogGroup(packs: successor.map { [$0] } ?? [], ledger: ledger))
        }
        try catalog.move(
            PackMove(successor: successor, blobs: change.moved, replaced: change.replaced, ledger: ledger))
    }
}

extension CompactionReport {
    init(_ plan: CompactionPlan, freedOctets: Int?) {
        self.init(
            isDryRun: freedOctets == nil, packs: plan.candidates.map(CompactionRow.init),
            newPacks: plan.newPackCount, liveOctets: Int(plan.liveOctetCount), deadOctets: Int(plan.deadOctetCount),
            erasedOctets: Int(plan.erasedOctetCount), freedOctets: freedOctets)
    }
}

extension CompactionRow {
    init(_ candidate: CompactionPlan.Candidate) {
        let pack = candidate.pack
        self.init(
            pack: pack.place.relativePath, reason: candidate.reason.rawValue, octets: Int(pack.octetCount),
            deadOctets: Int(pack.deadOctetCount), erasedOctets: Int(pack.erasedOctetCount))
    }
}
