import ArchiveCatalog
import ArchiveStore
import MailSync

extension Workspace {
    /// Copies the archive into the folder `destination`, or brings the copy there up to date.
    ///
    /// Sealed packs are copied while others may write; the archive's lock is held for the rest only.
    /// - Throws: `.alreadyExists` for a folder that holds something else, or a newer or diverged copy.
    public func backup(
        to destination: String, verify: BackupVerification, dryRun: Bool, progress: @escaping ProgressHandler
    ) async throws(KitError) -> BackupReport {
        var replica: Replica
        do throws(ArchiveError) {
            replica = try Replica(archive, to: destination, options(verify, dryRun, progress))
            if !dryRun { try await replica.stagePacks() }
        } catch { throw KitError(backup: error, to: destination, of: path) }
        let result = try await whileQuiet(dryRun: dryRun) { () throws(KitError) in
            do throws(ArchiveError) { return try await replica.complete() } catch {
                throw KitError(backup: error, to: destination, of: path)
            }
        }
        return BackupReport(result, destination: destination, isDryRun: dryRun)
    }

    private func options(
        _ verify: BackupVerification, _ dryRun: Bool, _ progress: @escaping ProgressHandler
    ) -> ReplicaOptions {
        let environment = WriterEnvironment.process
        var options = ReplicaOptions(
            owner: WriterLock.Owner(
                processID: environment.processID, started: environment.now(), host: environment.host,
                command: "mailarc backup"))
        options.verification = ReplicaOptions.Verification(rawValue: verify.rawValue) ?? .new
        options.isDryRun = dryRun
        options.fault = WriterOptions.process.fault
        options.progress = { subject, done, total, octets in
            progress(KitProgress(phase: "copying", subject: subject, done: done, total: total, octetsDone: octets))
        }
        return options
    }

    /// Runs `body` while nobody writes and nothing is in the databases' logs; a dry run takes things as they are.
    private func whileQuiet<Result: Sendable>(
        dryRun: Bool, _ body: () async throws(KitError) -> Result
    ) async throws(KitError) -> Result {
        if dryRun { return try await body() }
        return try await withWriter { _ throws(KitError) in
            // A log that stays, because somebody reads, keeps its catalog out of the copy.
            try? catalog.emptyLog()
            if FileFacts.octetCount("\(archive.stateDirectory)/state.db-wal") > 0 { try? openState().close() }
            let pairs = ArchivedPairs(archive: archive)
            for name in try pairs.names() where FileFacts.octetCount(pairs.path(name) + "-wal") > 0 {
                try? pairs.open(name).close()
            }
            return try await body()
        }
    }
}

extension BackupReport {
    init(_ report: ReplicaReport, destination: String, isDryRun: Bool) {
        self.init(
            destination: destination, isDryRun: isDryRun, isFirst: report.isFirst, copiedFiles: report.copiedFiles,
            copiedOctets: Int(report.copiedOctets), verifiedFiles: report.verifiedFiles,
            verifiedOctets: Int(report.verifiedOctets), removedFiles: report.removedFiles, mended: report.mended,
            erasures: report.erasures, problems: report.problems, needsAnchor: report.needsAnchor,
            ledgerSize: report.ledgerSize)
    }
}

extension KitError {
    /// An error of a backup; most are about the destination.
    init(backup error: ArchiveError, to destination: String, of path: String) {
        let isThere = error.path?.hasPrefix(destination) ?? false
        self.init(error, at: isThere ? destination : path)
        switch error.kind {
        case .alreadyExists: hint = "nothing was changed there; choose another folder"
        case .damaged, .missing:
            if isThere { hint = "mend the copy: mailarc backup \(destination) --verify full" }
        case .ioFailed: hint = "look at the disk of \(destination), then run it again: it goes on from there"
        default: break
        }
    }
}
