import ArchiveCrypto
public import ArchiveLedger
import MailCore

/// Looks whether an archive is whole; never stops at the first finding, never changes anything.
///
/// Run it while nobody writes, or what is being written can look unfinished.
public struct ArchiveCheck {
    let layout: ArchiveLayout
    let identity: ArchiveIdentity
    let options: CheckOptions
    /// `nil`: there are no keys, and only level 0 can be done.
    let archive: Archive?
    var keyHierarchy: KeyHierarchy? { archive?.keys }
    var report = CheckReport()
    /// Packs whose structure could be read, with their entries.
    var packs: [(place: PackPlace, path: String, entries: [FooterEntry])] = []
    /// Authentic records of replaced packs, by the SHA-256 of the pack.
    var gone: [[UInt8]: GoneFile] = [:]
    var keys: [RandomID: CheckedKey] = [:]
    /// Where the journal says the keys of its blobs are.
    var slots: [RandomID: (shard: UInt32, slot: UInt32)] = [:]
    /// What leaves commit to, by key id; for level 3.
    var commitments: [RandomID: LeafCommitment] = [:]
    /// Keys that no blob was found for; leaves may say why.
    var unusedKeys: Set<RandomID> = []
    /// Blobs that are gone, as leaves say.
    var lost: Set<RandomID> = []
    /// What the ledger says of erasures.
    var erasures = ErasureLeaves()

    struct CheckedKey {
        var shard: UInt32
        var slot: UInt32
        var path: String
        var isErased: Bool
    }

    public static func run(_ archive: Archive, _ options: CheckOptions = CheckOptions()) -> CheckReport {
        var check = ArchiveCheck(
            layout: archive.layout, identity: archive.identity, options: options, archive: archive)
        check.run()
        return check.report
    }

    /// What a custodian can check who has no key: level 0 of the archive at `path`.
    ///
    /// Names, headers, checksums, signatures, the sequence of packs, the ledger up to its signed root. The public keys
    /// are those of the archive itself: keep a checkpoint elsewhere to notice that all of it was replaced.
    /// - Throws: `.notAnArchive`, `.unsupported`, `.ioFailed` for `MAILARC` alone; whatever else is wrong is in the report.
    public static func runWithoutKeys(
        at path: String, trusting checkpoint: CheckpointNote? = nil,
        progress: (@Sendable (_ done: Int, _ total: Int, _ subject: String) -> Void)? = nil
    ) throws(ArchiveError) -> CheckReport {
        let layout = ArchiveLayout(path)
        var options = CheckOptions(level: .custodian)
        options.trustedCheckpoint = checkpoint
        options.progress = progress
        var check = ArchiveCheck(
            layout: layout, identity: try ArchiveIdentity.read(layout).identity, options: options, archive: nil)
        check.run()
        return check.report
    }

    private init(layout: ArchiveLayout, identity: ArchiveIdentity, options: CheckOptions, archive: Archive?) {
        (self.layout, self.identity, self.options, self.archive) = (layout, identity, options, archive)
    }

    private mutating func run() {
        let archive = options.level >= .structure ? archive : nil
        checkTextFiles()
        checkHeaders()
        checkSealedPacks(archive)
        checkParity()
        checkLedger(archive?.bundleKey)
        guard let archive else { return }
        readJournal(archive)
        checkEntries()
        checkFooterCopies(archive)
        if options.level >= .keys { checkKeys(archive) }
        checkLeaves(archive)
        if options.level >= .content { checkContent(archive) }
    }

    // MARK: findings

    mutating func find(_ kind: CheckFinding.Kind, _ path: String, _ what: String, at offset: UInt64? = nil) {
        report.add(CheckFinding(kind: kind, path: layout.relative(path), offset: offset, what: what))
    }

    /// Notes an error under its own path, or `path`.
    mutating func find(_ error: ArchiveError, _ path: String) {
        let kind: CheckFinding.Kind = error.kind == .missing ? .missing : .damaged
        find(kind, error.path ?? path, error.message, at: error.offset)
    }

    private mutating func checkLedger(_ bundleKey: BundleKey?) {
        let logKeys = checkedLogKeys()
        do throws(LedgerError) {
            let report = try Ledger.check(
                directory: layout.log, origin: identity.origin, keys: logKeys, bundleKey: bundleKey)
            self.report.leafCount = report.size
            for finding in report.findings {
                find(
                    finding.kind == .rolledBack ? .rolledBack : .ledger, "\(layout.log)/\(finding.path)",
                    finding.description,
                    at: finding.offset.map { UInt64($0) })
            }
            checkTrusted(report, logKeys)
        } catch { find(.ledger, layout.log, "\(error)") }
    }
}
