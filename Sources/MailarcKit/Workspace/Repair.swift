import ArchiveCatalog
import ArchiveLedger
import ArchiveStore
import MailCore
import MailSync

/// What a repair may do.
public struct RepairRequest: Sendable {
    /// Folders with copies of the archive (`mailarc backup`), asked in this order.
    public var replicas: [String] = []
    /// Tell in the ledger what is gone for good, and go on without it.
    public var acceptsLoss = false
    /// Only say what could be mended.
    public var isDryRun = false

    public init() {}
}

extension Workspace {
    /// Makes the archive at `path` whole again as far as copies of what is damaged can be had.
    ///
    /// Files first, by hash, signature or trial; then what derives from others: footer copies, checkpoint, catalog, sync
    /// state. What was put in place is told in the ledger.
    /// - Throws: `.wrongKey`, `.anchor`, `.busy`; `.diskFull`, `.ioFailed`: the next repair goes on from there.
    public static func repair(
        at path: String, unlocking: Unlocking, _ request: RepairRequest, progress: @escaping ProgressHandler
    ) async throws(KitError) -> RepairReport {
        for replica in request.replicas where !FileTree.exists(replica) {
            throw KitError(.notFound, "\(replica): there is no such folder", hint: "name the folder of a copy")
        }
        let open = try opener(for: [path] + request.replicas, unlocking: unlocking)
        var options = RepairOptions(owner: owner)
        options.replicas = request.replicas
        options.isDryRun = request.isDryRun
        options.fault = WriterOptions.process.fault
        options.progress = { phase, subject in progress(KitProgress(phase: phase, subject: subject, done: 0)) }
        let files: ArchiveStore.RepairReport
        do throws(ArchiveError) { files = try ArchiveRepair.run(at: path, options, open: open) } catch {
            throw KitError(error, at: path)
        }
        var report = RepairReport(files, isDryRun: request.isDryRun, at: path)
        guard !request.isDryRun else { return report }
        guard files.isSound || request.acceptsLoss else { return report }
        let archive: Archive
        do throws(ArchiveError) { archive = try open(path) } catch {
            guard error.kind == .damaged || error.kind == .missing else { throw KitError(error, at: path) }
            return report
        }
        try await settle(archive, files, request, &report, progress)
        if request.acceptsLoss {
            var check = CheckOptions(level: .keys)
            check.progress = { done, total, subject in
                progress(KitProgress(phase: "checking", subject: subject, done: done, total: total))
            }
            do throws(ArchiveError) {
                report.left = ArchiveCheck.run(try open(path), check).findings.map { Finding($0, level: 2, at: path) }
            } catch {
                throw KitError(error, at: path)
            }
        }
        return report
    }

    private static var owner: WriterLock.Owner {
        let environment = WriterEnvironment.process
        return WriterLock.Owner(
            processID: environment.processID, started: environment.now(), host: environment.host,
            command: "mailarc repair")
    }

    /// What needs a writer: the tale of what was done, what is lost, and everything that derives from packs.
    private static func settle(
        _ archive: Archive, _ files: ArchiveStore.RepairReport, _ request: RepairRequest, _ report: inout RepairReport,
        _ progress: @escaping ProgressHandler
    ) async throws(KitError) {
        let storage = CatalogStorage(archive: archive)
        var options = WriterOptions.process
        options.acceptsLoss = request.acceptsLoss
        var summary = LossSummary()
        do throws(ArchiveError) {
            // The catalog is made anew below wherever anything of it could be wrong.
            let writer = try ArchiveWriter(
                archive, directory: NoDirectory(), environment: .process, options: options)
            do throws(ArchiveError) {
                try await writer.recordRepair(files.mended.map(\.digest).filter { $0.count == 32 })
                if request.acceptsLoss {
                    summary = try await writer.acceptLoss(of: files.lostPacks) { _ in }
                }
            } catch {
                try? await writer.close()
                throw error
            }
            try await writer.close()
        } catch { throw KitError(error, at: archive.path) }
        report.lost = summary.targets.map { LostBlob(kind: $0.kind.rawValue, id: $0.keyID.description) }
        try settleState(archive, &report)
        let isCatalogSound = try catalogIsSound(storage)
        guard !isCatalogSound || !files.mended.isEmpty || !summary.targets.isEmpty else { return }
        let whole: Archive
        do throws(ArchiveError) { whole = try archive.reopened() } catch { throw KitError(error, at: archive.path) }
        _ = try await rebuild(whole, progress: progress)
        if !isCatalogSound { report.mended.append(MendedFile(path: "catalog", source: "made anew from the packs")) }
    }

    private static func catalogIsSound(_ storage: CatalogStorage) throws(KitError) -> Bool {
        guard let (catalog, _) = try? storage.openNewest(readOnly: true) else { return false }
        let defects = (try? catalog.integrityCheck()) ?? ["it cannot be read"]
        try close(catalog)
        return defects.isEmpty
    }

    /// The sync state is a cache: without it the next pull pairs everything by content again.
    private static func settleState(_ archive: Archive, _ report: inout RepairReport) throws(KitError) {
        try settlePairs(archive, &report)
        let file = "\(archive.stateDirectory)/state.db"
        guard FileTree.exists(file) else { return }
        do throws(KitError) {
            let state = try openState(of: archive)
            let isSound = state.integrityCheck().isEmpty
            try? state.close()
            guard !isSound else { return }
        } catch { guard error.kind == .damaged else { throw error } }
        for suffix in ["", "-wal", "-shm"] {
            do throws(ArchiveError) { try FileTree.remove(file + suffix) } catch {
                throw KitError(error, at: archive.path)
            }
        }
        report.mended.append(
            MendedFile(path: "state/state.db", source: "removed: the next pull pairs by content again"))
    }

    private static func settlePairs(_ archive: Archive, _ report: inout RepairReport) throws(KitError) {
        let pairs = ArchivedPairs(archive: archive)
        for name in try pairs.names() {
            do throws(KitError) {
                let state = try pairs.open(name)
                let isSound = state.integrityCheck().isEmpty
                try? state.close()
                guard !isSound else { continue }
            } catch { guard error.kind == .damaged else { throw error } }
            try pairs.remove(name)
            report.mended.append(
                MendedFile(path: "state/\(name)", source: "removed: the next sync pairs by content again"))
        }
    }
}

/// Knows nothing: for a writer that takes no mail.
private struct NoDirectory: BlobDirectory {
    func blob(contentID: [UInt8]) -> KnownContent? { nil }
    func location(keyID: RandomID) -> BlobLocation? { nil }
}

extension RepairReport {
    init(_ files: ArchiveStore.RepairReport, isDryRun: Bool, at path: String) {
        self.init(
            isDryRun: isDryRun, found: files.foundCount,
            mended: files.mended.map { MendedFile(path: $0.path, source: $0.source) },
            left: files.left.map { Finding($0, level: 2, at: path) },
            lost: [])
    }
}
