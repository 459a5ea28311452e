import ArchiveCatalog
import ArchiveLedger
import ArchiveStore
import MailCore
import MailSync

/// A checkpoint that was kept elsewhere, to notice that an archive is older than it was.
public struct TrustedCheckpoint: Sendable {
    let note: CheckpointNote

    /// - Parameter path: where `octets` come from, for the error.
    public init(_ octets: [UInt8], from path: String) throws(KitError) {
        guard let note = CheckpointNote(parsing: octets) else {
            throw KitError(
                .usage, "\(path) is no checkpoint", hint: "keep one: mailarc check --write-checkpoint FILE")
        }
        self.note = note
    }
}

extension Workspace {
    /// Verifies the archive up to `level`; what is wrong is in the report.
    ///
    /// - Parameter sample: the share of blobs that level 3 reads, over 0 and at most 1.
    public func check(
        level: Int, sample: Double, trusting checkpoint: TrustedCheckpoint? = nil,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> CheckReport {
        var options = CheckOptions(level: CheckLevel(rawValue: level) ?? .content)
        options.sampleRate = sample
        options.sampleSeed = UInt64(bitPattern: Clock.now())
        options.trustedCheckpoint = checkpoint?.note
        options.progress = { done, total, subject in
            progress(KitProgress(phase: "checking", subject: subject, done: done, total: total))
        }
        let result = ArchiveCheck.run(archive, options)
        var report = CheckReport(result, level: level, sample: sample, at: path)
        if level >= CheckLevel.structure.rawValue { try checkDatabases(&report) }
        if hadNoCatalog { report.notes.append("the catalog was missing or damaged, and was made anew") }
        // What is damaged makes no catalog to compare with.
        if level >= CheckLevel.derived.rawValue, report.verdict <= .lost {
            let comparison = CatalogComparison(archive: archive, catalog: catalog, progress: progress)
            for difference in try comparison.differences() { report.add(cache: "catalog", difference, at: path) }
        }
        return report
    }

    /// Verifies what can be verified without any key: level 0.
    public static func checkWithoutKeys(
        at path: String, trusting checkpoint: TrustedCheckpoint? = nil, progress: @escaping ProgressHandler
    ) async throws(KitError) -> CheckReport {
        do throws(ArchiveError) {
            let report = try ArchiveCheck.runWithoutKeys(at: path, trusting: checkpoint?.note) { done, total, subject in
                progress(KitProgress(phase: "checking", subject: subject, done: done, total: total))
            }
            return CheckReport(report, level: 0, sample: 1, at: path)
        } catch { throw KitError(error, at: path) }
    }

    /// Copies the signed checkpoint of the archive at `path` to `file`, in one step; it is neither mail nor secret.
    public static func writeCheckpoint(of path: String, to file: String) throws(KitError) {
        do throws(ArchiveError) { try FileTree.replace(file, with: ArchiveCheck.checkpoint(at: path)) } catch {
            throw KitError(error, at: path)
        }
    }

    /// Catalog and state are caches; damage to them is named all the same.
    private func checkDatabases(_ report: inout CheckReport) throws(KitError) {
        do {
            for problem in try catalog.integrityCheck() { report.add(cache: "catalog", problem, at: path) }
        } catch { throw KitError(error) }
        // States serve the next sync, and there is none where nothing can be written; SQLite would want files beside them.
        guard !storage.isOnReadOnlyMedium else { return }
        try checkPairs(&report)
        guard FileFacts.octetCount("\(archive.stateDirectory)/state.db") > 0 else { return }
        do throws(KitError) {
            let state = try openState()
            defer { try? state.close() }
            for problem in state.integrityCheck() { report.add(cache: "state/state.db", problem, at: path) }
        } catch {
            guard error.kind == .damaged else { throw error }
            report.add(cache: "state/state.db", error.message, at: path)
        }
    }

    private func checkPairs(_ report: inout CheckReport) throws(KitError) {
        let pairs = ArchivedPairs(archive: archive)
        for name in try pairs.names() {
            do throws(KitError) {
                let state = try pairs.open(name)
                defer { try? state.close() }
                for problem in state.integrityCheck() { report.add(cache: "state/\(name)", problem, at: path) }
            } catch {
                guard error.kind == .damaged else { throw error }
                report.add(cache: "state/\(name)", error.message, at: path)
            }
        }
    }
}

extension CheckReport {
    init(_ report: ArchiveStore.CheckReport, level: Int, sample: Double, at path: String) {
        self.init(
            level: level, sample: sample, verdict: .clean, packs: report.packCount, blobs: report.blobCount,
            messages: report.messageCount, octets: Int(report.octetCount), leaves: report.leafCount,
            lostMessages: report.lostMessageCount, lostBlobs: report.lostBlobCount,
            findings: report.findings.map { Finding($0, level: level, at: path) }, notes: report.notes)
        verdict = report.findings.map { CheckVerdict($0.gravity) }.max() ?? (lostBlobs > 0 ? .lost : .clean)
    }

    mutating func add(cache file: String, _ problem: String, at path: String) {
        let finding = CheckFinding(kind: .damaged, path: file, offset: nil, what: problem)
        findings.append(Finding(finding, level: level, at: path))
        verdict = max(verdict, .stale)
    }
}

extension CheckVerdict {
    init(_ gravity: CheckFinding.Gravity) {
        self =
            switch gravity {
            case .cache: .stale
            case .damage: .damaged
            case .tampering: .tampered
            }
    }
}

extension Finding {
    init(_ finding: CheckFinding, level: Int, at path: String) {
        self.init(
            level: level, path: finding.path, offset: finding.offset, problem: finding.what,
            kind: finding.kind.rawValue, verdict: CheckVerdict(finding.gravity), mend: Self.mend(finding, path))
    }

    /// The command that mends it.
    private static func mend(_ finding: CheckFinding, _ path: String) -> String {
        switch finding.path.prefix(while: { $0 != "/" }) {
        case "catalog", "state": "mailarc repair -a \(path)"
        case "parity": "mailarc repair --add-parity -a \(path)"
        case "index": "mailarc repair -a \(path)"
        case "keys" where finding.kind == .returned && finding.path.hasSuffix(".slot"):
            "mailarc key remove \(finding.path.dropFirst(5).prefix(12)) -a \(path)"
        default:
            finding.kind == .rolledBack
                ? "nothing here; a newer copy: mailarc check -a COPY --trusted-checkpoint FILE"
                : "mailarc repair --from COPY -a \(path)"
        }
    }
}
