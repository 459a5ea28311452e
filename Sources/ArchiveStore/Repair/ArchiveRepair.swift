import ArchiveCrypto
import ArchiveLedger
import Glibc
import MailCore

/// Makes damaged files whole again: from what the archive holds twice, and from replicas (ARCHIVE.md §2.11).
///
/// Nothing is guessed. A file that is named by its SHA-256 is proven by its name; a signed one by its signature; of every
/// other a replica's file is tried in a second tree of hard links, which must pass the check that the archive failed, and
/// must be no older. Each file is put in place by itself: broken off, the next repair goes on.
package struct ArchiveRepair {
    package typealias Opener = (_ path: String) throws(ArchiveError) -> Archive

    let layout: ArchiveLayout
    let options: RepairOptions
    private let open: Opener
    let files: RepairFiles
    var report = RepairReport()
    /// The archive as far as it opens.
    var archive: Archive?
    /// What no older file may undercut.
    var floor = Floor()

    struct Floor {
        var leafCount: UInt64 = 0
        var vault: (epoch: UInt32, revision: UInt32) = (0, 0)
    }

    /// Mends the archive at `path`; the caller holds no lock on it.
    ///
    /// - Parameter open: opens the archive at a path with the secrets at hand.
    /// - Throws: `.locked`; `.wrongKey`, `.anchorUnavailable` if nothing is wrong but the secrets; `.ioFailed`, `.diskFull`.
    package static func run(
        at path: String, _ options: RepairOptions, open: @escaping Opener
    ) throws(ArchiveError) -> RepairReport {
        let layout = ArchiveLayout(path)
        guard FileTree.exists(layout.root) else {
            throw ArchiveError(.notAnArchive, "there is no such folder", path: path)
        }
        try ReplicaSwitch.finishIfAny(layout)
        let lock = try WriterLock(layout.lock, owner: options.owner)
        defer { lock.release() }
        var repair = ArchiveRepair(layout: layout, options: options, open: open)
        do throws(ArchiveError) {
            try repair.run()
            try RepairTrial(layout: layout).remove()
        } catch {
            try? RepairTrial(layout: layout).remove()
            throw error
        }
        return repair.report
    }

    private init(layout: ArchiveLayout, options: RepairOptions, open: @escaping Opener) {
        (self.layout, self.options, self.open) = (layout, options, open)
        files = RepairFiles(fault: options.fault)
    }

    var replicas: [ArchiveLayout] { options.replicas.map { ArchiveLayout($0) } }

    private mutating func run() throws(ArchiveError) {
        options.progress?("checking", "")
        let before = try judge(layout, readsPacks: true)
        archive = before.archive
        report.foundCount = before.findings.count
        try setFloor(before.leafCount)
        let mended = try mendNamed(before.findings)
        let isPack = { (finding: CheckFinding) in
            ["packs/", "index/", "parity/"].contains { finding.path.hasPrefix($0) }
        }
        var rest = before.findings.filter { isPack($0) && !mended.contains($0.path) }
        var others = before.findings.filter { !isPack($0) }
        if !options.isDryRun, !mended.isEmpty {
            // One damaged file can be behind many findings.
            let now = try judge(layout, readsPacks: false)
            archive = now.archive ?? archive
            others = now.findings.filter { !isPack($0) }
        }
        if options.isDryRun, !mended.isEmpty {
            // What comes of a missing pack goes with it.
            others.removeAll { $0.what.hasPrefix("no pack has ") }
            rest.removeAll { $0.kind == .broken }
        }
        others = try mendByTrial(others)
        if archive == nil, !options.isDryRun, let opened = try judge(layout, readsPacks: false).archive {
            // Only now there are keys to look into packs with.
            archive = opened
            let again = try mendNamed(rest)
            rest.removeAll { again.contains($0.path) }
        }
        if let refusal = before.refusal, others.contains(where: { $0.path == layout.relative(layout.keys) }) {
            throw refusal
        }
        if others.isEmpty, !rest.isEmpty, !options.isDryRun {
            // A pack may have been blamed for what was wrong elsewhere.
            rest = try judge(layout, readsPacks: true).findings
        }
        report.left = rest + others
    }

    // MARK: judging

    struct Judgement {
        var archive: Archive?
        var findings: [CheckFinding]
        var leafCount: UInt64
        /// No slot opens here, and a replica has slots that are missing here: lost, or removed on purpose.
        var refusal: ArchiveError?
    }

    /// Everything a check of level 2 says of the tree at `layout`, or what keeps it from being opened.
    func judge(_ layout: ArchiveLayout, readsPacks: Bool) throws(ArchiveError) -> Judgement {
        var options = CheckOptions(level: .keys)
        options.readsPacks = readsPacks
        do throws(ArchiveError) {
            let archive = try open(layout.root)
            let report = ArchiveCheck.run(archive, options)
            return Judgement(archive: archive, findings: report.findings, leafCount: report.leafCount)
        } catch {
            let keyless = try? ArchiveCheck.runWithoutKeys(at: layout.root)
            let findings = keyless?.findings ?? []
            let isTheirFault = error.kind == .wrongKey || error.kind == .anchorUnavailable
            let mayLackSlots = error.kind == .wrongKey && findings.isEmpty && lacksSlotsOfReplicas(layout)
            guard !isTheirFault || !findings.isEmpty || mayLackSlots else { throw error }
            let isMissing = error.kind == .missing || error.kind == .notAnArchive
            let path =
                switch error.kind {
                case .notAnArchive: layout.identity
                case .wrongKey where mayLackSlots: layout.keys
                default: error.path ?? layout.identity
                }
            let own = CheckFinding(
                kind: isMissing ? .missing : .damaged, path: layout.relative(path), offset: error.offset,
                what: error.message)
            return Judgement(
                archive: nil, findings: findings + [own], leafCount: keyless?.leafCount ?? 0,
                refusal: mayLackSlots ? error : nil)
        }
    }

    /// Whether a replica has key slots that are missing in the archive itself.
    private func lacksSlotsOfReplicas(_ layout: ArchiveLayout) -> Bool {
        guard layout.root == self.layout.root else { return false }
        return replicas.contains { replica in
            ((try? FileTree.names(in: replica.keys)) ?? []).contains {
                $0.hasSuffix(".slot") && !FileTree.exists("\(layout.keys)/\($0)")
            }
        }
    }

    private mutating func setFloor(_ leafCount: UInt64) throws(ArchiveError) {
        floor.leafCount = leafCount
        for name in try FileTree.names(in: layout.vault) {
            let words = name.split(separator: ".")
            guard words.count == 3, words[0] == "root", let epoch = UInt32(words[1]), let revision = UInt32(words[2])
            else { continue }
            if (epoch, revision) > floor.vault { floor.vault = (epoch, revision) }
        }
    }

    static func digest(of path: String) throws(ArchiveError) -> [UInt8]? {
        guard let file = try? SystemFile(path, .read) else { return nil }
        var hash = SHA256()
        var at: UInt64 = 0
        while true {
            let octets = try file.readUpTo(1 << 20, at: at)
            guard !octets.isEmpty else { return hash.digest() }
            hash.update(octets)
            at += UInt64(octets.count)
        }
    }
}
