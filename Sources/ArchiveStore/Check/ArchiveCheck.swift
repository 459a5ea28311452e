import ArchiveCrypto
import ArchiveLedger
import MailCore

/// Looks whether an archive is whole; never stops at the first finding, never changes anything.
///
/// Run it while nobody writes, or what is being written can look unfinished.
public struct ArchiveCheck {
    let archive: Archive
    let options: CheckOptions
    var report = CheckReport()
    /// Packs whose structure could be read, with their entries.
    var packs: [(place: PackPlace, path: String, entries: [FooterEntry])] = []
    var keys: [RandomID: CheckedKey] = [:]
    /// What leaves commit to, by key id; for level 3.
    var commitments: [RandomID: LeafCommitment] = [:]

    struct CheckedKey {
        var shard: UInt32
        var slot: UInt32
        var path: String
        var isErased: Bool
    }

    public static func run(_ archive: Archive, _ options: CheckOptions = CheckOptions()) -> CheckReport {
        var check = ArchiveCheck(archive: archive, options: options)
        check.run()
        return check.report
    }

    private init(archive: Archive, options: CheckOptions) {
        (self.archive, self.options) = (archive, options)
    }

    var layout: ArchiveLayout { archive.layout }

    private mutating func run() {
        checkTextFiles()
        checkSealedPacks()
        checkLedger()
        guard options.level >= .structure else { return }
        readJournal()
        checkEntries()
        if options.level >= .keys { checkKeys() }
        checkLeaves()
        if options.level >= .content { checkContent() }
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

    // MARK: level 0

    private mutating func checkTextFiles() {
        do throws(ArchiveError) {
            let (identity, file) = try ArchiveIdentity.read(layout)
            if !file.isAuthentic(archive.keys) || identity != archive.identity {
                find(.damaged, layout.identity, "its MAC is wrong")
            }
        } catch { find(error, layout.identity) }
        do throws(ArchiveError) {
            for name in try FileTree.names(in: layout.keys) where name.hasSuffix(".slot") {
                let path = "\(layout.keys)/\(name)"
                if SHA256.hash(try FileTree.read(path, limit: 65_536)).hex + ".slot" != name {
                    find(.wrongName, path, "its octets are not those of its name")
                }
            }
            for name in try FileTree.names(in: layout.dictionaries) {
                let path = "\(layout.dictionaries)/\(name)"
                if SHA256.hash(try FileTree.read(path, limit: 2 << 20)).hex != name {
                    find(.wrongName, path, "its octets are not those of its name")
                }
            }
        } catch { find(error, layout.keys) }
    }

    /// The public key of a writer.
    func writerKey(_ writer: [UInt8]) throws(ArchiveError) -> [UInt8] {
        let path = layout.writer(writer.hex)
        let file = try VaultFiles.parse(path) { octets throws(CryptoError) in
            try TextFile(parsing: octets, type: "mailarc-writer/1")
        }
        guard file.isAuthentic(archive.keys) else { throw ArchiveError(.damaged, "its MAC is wrong", path: path) }
        do { return try file.base64("key", count: 32) } catch {
            throw ArchiveError(.damaged, "it has no key", path: path, cause: error)
        }
    }

    private mutating func checkLedger() {
        let bundleKey = options.level >= .structure ? archive.bundleKey : nil
        do throws(LedgerError) {
            let report = try Ledger.check(
                directory: layout.log, origin: archive.identity.origin, publicKey: archive.identity.logKey,
                bundleKey: bundleKey)
            self.report.leafCount = report.size
            for finding in report.findings {
                find(
                    .ledger, "\(layout.log)/\(finding.path)", finding.description,
                    at: finding.offset.map { UInt64($0) })
            }
        } catch { find(.ledger, layout.log, "\(error)") }
    }
}
