import ArchiveCatalog
import ArchiveStore
import MailCore
import MailSync

extension Workspace {
    /// Erases what `selection` names: keys, words, events, links; nothing brings it back from this folder.
    ///
    /// - Parameter basis: a word that stands in the ledger: `gdpr-17`, `retention`, `court`, `request`.
    /// - Parameter forgets: leave no tombstones; the next pull takes again what is still on the server.
    /// - Throws: `.busy` while another process writes. Killed on the way, the next command goes on.
    public func erase(
        _ selection: ErasureSelection, basis: String, forgets: Bool
    ) async throws(KitError) -> ErasureReport {
        try await withWriter { writer throws(KitError) in
            if try pendingErasure() != nil {
                throw KitError(
                    .busy, "another erasure waits for an anchor", hint: "see which: mailarc anchor list -a \(path)")
            }
            let (facts, plan) = try erasurePlan(selection.messages)
            guard !plan.messages.isEmpty else { throw KitError(.notFound, "the messages are gone already") }
            let erasure: PendingErasure
            do throws(ArchiveError) {
                erasure = try await writer.beginErasure(plan, basis: basis, forgets: forgets)
            } catch {
                throw KitError(error, at: path)
            }
            var report = ErasureReport(
                plan: ErasurePlanReport(
                    facts, plan, sample: selection.report.sample, anchors: selection.report.anchors),
                basis: basis, intent: erasure.intent, epoch: 0, keys: erasure.targets.count, anchors: [],
                isForgotten: forgets, isPending: false,
                writerHosts: try writerHosts().hosts.filter { $0.adopted > 0 })
            do throws(KitError) {
                let outcome = try await ErasureRun(workspace: self, writer: writer).run(erasure)
                (report.epoch, report.anchors) = (outcome.epoch, outcome.anchors)
            } catch {
                guard error.kind == .anchor else { throw error }
                (report.isPending, report.reason) = (true, error.message)
            }
            return report
        }
    }

    func pendingErasure() throws(KitError) -> PendingErasure? {
        do { return try archive.pendingErasure() } catch { throw KitError(error, at: path) }
    }

    /// Goes on with an erasure that broke off, where nobody else is at it and its anchors can be reached.
    func resumeErasure() async throws(KitError) {
        do throws(KitError) {
            try await withWriter(resumesErasure: true) { writer throws(KitError) in
                guard let erasure = try pendingErasure() else { return }
                _ = try await ErasureRun(workspace: self, writer: writer).run(erasure)
            }
        } catch {
            guard [.busy, .diskFull, .ioFailed, .anchor].contains(error.kind) else { throw error }
        }
    }

    /// A writer must not work with what was remembered before an erasure, nor find contents that are about to go.
    func checkErasures(resumes: Bool) throws(KitError) {
        let busy = KitError(.busy, "an erasure changed the archive meanwhile", hint: "run it again")
        do {
            guard try archive.isOfPresentEpoch() else { throw busy }
            guard !resumes, let erasure = try archive.pendingErasure() else { return }
            guard try catalog.erasureFacts(of: erasure.messages).messages.isEmpty else { throw busy }
        } catch { throw wrapped(error) }
    }

    var stateFile: String { "\(archive.stateDirectory)/state.db" }

    /// Names of the anchors outside the archive.
    func anchorNames() throws(KitError) -> [String] {
        do { return try archive.anchors().anchors.filter { $0.kind != .inside }.map(\.name) } catch {
            throw KitError(error, at: path)
        }
    }

    /// The error of any layer below as the one people see.
    func wrapped(_ error: any Error) -> KitError {
        switch error {
        case let error as KitError: error
        case let error as ArchiveError: KitError(error, at: path)
        case let error as CatalogError: KitError(error)
        case let error as SyncError: KitError(error, at: path)
        default: KitError(.internalError, "the erasure broke off; the next command goes on", cause: error)
        }
    }
}
