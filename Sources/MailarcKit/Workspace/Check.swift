import ArchiveCatalog
import ArchiveStore
import MailCore

extension Workspace {
    /// Verifies the archive up to `level`; what is wrong is in the report.
    ///
    /// - Parameter sample: the share of blobs that level 3 reads, over 0 and at most 1.
    public func check(
        level: Int, sample: Double, progress: @escaping ProgressHandler
    ) async throws(KitError) -> CheckReport {
        var options = CheckOptions(level: CheckLevel(rawValue: level) ?? .content)
        options.sampleRate = sample
        options.sampleSeed = UInt64(bitPattern: Clock.now())
        options.progress = { done, total, subject in
            progress(KitProgress(phase: "checking", subject: subject, done: done, total: total))
        }
        let result = ArchiveCheck.run(archive, options)
        var report = CheckReport(result, level: level, sample: sample)
        if level >= CheckLevel.structure.rawValue { report.findings += try catalogFindings() }
        return report
    }

    /// Verifies what can be verified without any key: level 0.
    public static func checkWithoutKeys(
        at path: String, progress: @escaping ProgressHandler
    ) async throws(KitError) -> CheckReport {
        do throws(ArchiveError) {
            let report = try ArchiveCheck.runWithoutKeys(at: path) { done, total, subject in
                progress(KitProgress(phase: "checking", subject: subject, done: done, total: total))
            }
            return CheckReport(report, level: 0, sample: 1)
        } catch { throw KitError(error, at: path) }
    }

    /// The catalog is a cache; damage to it is named all the same, and mended by rebuild-catalog.
    private func catalogFindings() throws(KitError) -> [Finding] {
        do {
            return try catalog.integrityCheck().map {
                Finding(level: 1, path: "catalog", offset: nil, problem: "\($0); mailarc rebuild-catalog mends it")
            }
        } catch { throw KitError(error) }
    }
}

extension CheckReport {
    init(_ report: ArchiveStore.CheckReport, level: Int, sample: Double) {
        self.init(
            level: level, sample: sample, packs: report.packCount, blobs: report.blobCount,
            messages: report.messageCount, octets: Int(report.octetCount), leaves: report.leafCount,
            findings: report.findings.map { finding in
                Finding(level: level, path: finding.path, offset: finding.offset, problem: finding.what)
            })
    }
}
