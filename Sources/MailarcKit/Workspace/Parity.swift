import ArchiveStore

extension Workspace {
    /// Puts every sealed pack into a stripe of parity, from which one damaged or lost pack of a stripe is made again.
    public func addParity(isDryRun: Bool, progress: @escaping ProgressHandler) async throws(KitError) -> ParityReport {
        if isDryRun {
            do throws(ArchiveError) {
                let plan = try ParityPlan(archive)
                return ParityReport(
                    packs: plan.keptPackCount + plan.packCount, newStripes: plan.stripes.count,
                    newOctets: Int(plan.octetCount), damaged: [])
            } catch { throw KitError(error, at: path) }
        }
        return try await withWriter { writer throws(KitError) in
            do throws(ArchiveError) {
                let summary = try await writer.renewParity { done, total in
                    progress(KitProgress(phase: "reckoning parity", done: done, total: total))
                }
                return ParityReport(
                    packs: summary.packCount, newStripes: summary.newStripeCount,
                    newOctets: Int(summary.newOctetCount), damaged: summary.damaged)
            } catch { throw KitError(error, at: path) }
        }
    }
}
