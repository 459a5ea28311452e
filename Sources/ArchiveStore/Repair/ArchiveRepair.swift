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
    private let files: RepairFiles
    var report = RepairReport()
    /// The archive as far as it opens.
    var archive: Archive?
    /// What no older file may undercut.
    private var floor = Floor()

    private struct Floor {
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

    private var replicas: [ArchiveLayout] { options.replicas.map { ArchiveLayout($0) } }

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
        if others.isEmpty, !rest.isEmpty, !options.isDryRun {
            // A pack may have been blamed for what was wrong elsewhere.
            rest = try judge(layout, readsPacks: true).findings
        }
        report.left = rest + others
    }

    // MARK: judging

    private struct Judgement {
        var archive: Archive?
        var findings: [CheckFinding]
        var leafCount: UInt64
    }

    /// Everything a check of level 2 says of the tree at `layout`, or what keeps it from being opened.
    private func judge(_ layout: ArchiveLayout, readsPacks: Bool) throws(ArchiveError) -> Judgement {
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
            guard !isTheirFault || !findings.isEmpty || missesSlots(layout) else { throw error }
            let isMissing = error.kind == .missing || error.kind == .notAnArchive
            let path = error.kind == .notAnArchive ? layout.identity : error.path ?? layout.identity
            let own = CheckFinding(
                kind: isMissing ? .missing : .damaged, path: layout.relative(path), offset: error.offset,
                what: error.message)
            return Judgement(archive: nil, findings: findings + [own], leafCount: keyless?.leafCount ?? 0)
        }
    }

    private func missesSlots(_ layout: ArchiveLayout) -> Bool {
        ((try? FileTree.names(in: layout.keys)) ?? []).allSatisfy { !$0.hasSuffix(".slot") }
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

    // MARK: files that prove themselves

    /// Mends what is named by its octets or signed; the paths mended.
    private mutating func mendNamed(_ findings: [CheckFinding]) throws(ArchiveError) -> Set<String> {
        var mended: Set<String> = []
        for path in Set(findings.map(\.path)).sorted() {
            options.progress?("mending", path)
            let parts = path.split(separator: "/").map(String.init)
            guard parts.count > 1, let name = parts.last else { continue }
            let digest = [UInt8](hex: String(name.prefix { $0 != "." })).flatMap { $0.count == 32 ? $0 : nil }
            var source: (String, [UInt8])?
            switch (parts[0], digest) {
            case ("packs", let digest?) where !name.contains("."): source = try mendPack(digest)
            case ("packs", .some) where name.hasSuffix(ArchiveLayout.goneSuffix): source = try mendGone(path)
            case ("index", _):
                source = try mendHashed(path, digest)
                if source == nil { source = try dropped(path, "made anew from the packs") }
            case ("parity", _): source = try dropped(path, "removed: --add-parity makes it anew")
            case ("dict", let digest?) where !name.contains("."), ("keys", let digest?) where name.hasSuffix(".slot"):
                source = try mendHashed(path, digest)
            default: continue
            }
            guard let source else { continue }
            mended.insert(path)
            report.mended.append(RepairReport.Mended(path: path, source: source.0, digest: source.1))
        }
        return mended
    }

    private func mendHashed(_ path: String, _ digest: [UInt8]?) throws(ArchiveError) -> (String, [UInt8])? {
        guard let digest else { return nil }
        for replica in replicas {
            let source = "\(replica.root)/\(path)"
            if options.isDryRun {
                guard try Self.digest(of: source) == digest else { continue }
            } else {
                guard try files.copy(source, to: "\(layout.root)/\(path)", ifDigestIs: digest) != nil else { continue }
            }
            return (replica.root, digest)
        }
        return nil
    }

    /// A cache that is worth nothing any more.
    private func dropped(_ path: String, _ how: String) throws(ArchiveError) -> (String, [UInt8]) {
        if !options.isDryRun { try FileTree.remove("\(layout.root)/\(path)") }
        return (how, [])
    }

    private func mendPack(_ digest: [UInt8]) throws(ArchiveError) -> (String, [UInt8])? {
        let path = layout.relative(layout.pack(digest.hex))
        if let archive, try archive.gone(digest) != nil {
            return FileTree.exists(layout.pack(digest.hex)) ? try dropped(path, "removed: others took its place") : nil
        }
        // What is wrong is not the pack: its writer's key, perhaps.
        guard try Self.digest(of: layout.pack(digest.hex)) != digest else { return nil }
        if let mended = try mendHashed(path, digest) { return mended }
        guard let archive else { return nil }
        let target = options.isDryRun ? layout.repairing + ".pack" : layout.pack(digest.hex)
        defer { if options.isDryRun { try? FileTree.remove(target) } }
        let places = [layout.pack(digest.hex)] + replicas.map { $0.pack(digest.hex) }
        let assembly = PackAssembly(
            digest: digest, files: places.compactMap { try? SystemFile($0, .read) },
            copy: PackIndex(layout: layout, keys: archive.keys).copy(of: digest), keys: archive.keys)
        if !assembly.files.isEmpty, assembly.frame() != nil {
            let made = try files.write(target, ifDigestIs: digest) { output throws(ArchiveError) in
                _ = try assembly.write(to: output)
            }
            if let made { return ("put together from what is whole of it", made) }
        }
        let reckoned = try files.write(target, ifDigestIs: digest) { output throws(ArchiveError) in
            _ = try ParityAccess.rebuild(digest, archive) { octets throws(ArchiveError) in try output.append(octets) }
        }
        return reckoned.map { ("reckoned from parity", $0) }
    }

    /// The record of a replaced pack: from a replica that has one whose signature holds.
    private func mendGone(_ path: String) throws(ArchiveError) -> (String, [UInt8])? {
        guard let archive else { return nil }
        for replica in replicas {
            let source = "\(replica.root)/\(path)"
            guard let (gone, signed, signature) = try? GoneFile.read(source, archive: archive.id),
                let key = archive.writerKey(gone.signer),
                GoneFile.verify(signature, of: signed, publicKey: key)
            else { continue }
            guard !options.isDryRun else { return (replica.root, []) }
            return try files.copy(source, to: "\(layout.root)/\(path)").map { (replica.root, $0) }
        }
        return nil
    }

    private static func digest(of path: String) throws(ArchiveError) -> [UInt8]? {
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

    // MARK: files that are tried

    /// LIMIT: how often files are added that others turn out to need.
    private static let rounds = 5

    /// Tries each replica's files in the place of those found wrong; what is still wrong.
    private mutating func mendByTrial(_ findings: [CheckFinding]) throws(ArchiveError) -> [CheckFinding] {
        var left = findings
        for replica in replicas where !left.isEmpty {
            guard let candidates = try fit(left, replica) else { continue }
            for path in candidates.paths.sorted() {
                options.progress?("mending", path)
                let source = "\(replica.root)/\(path)"
                var digest: [UInt8] = []
                if !options.isDryRun { digest = try files.copy(source, to: "\(layout.root)/\(path)") ?? [] }
                report.mended.append(RepairReport.Mended(path: path, source: replica.root, digest: digest))
            }
            left = candidates.left
        }
        return left
    }

    /// The files of `replica` with which less is wrong and nothing new.
    private func fit(
        _ findings: [CheckFinding], _ replica: ArchiveLayout
    ) throws(ArchiveError) -> (paths: Set<String>, left: [CheckFinding])? {
        let known = Set(findings.map(\.path))
        var wanted = known
        for _ in 0..<Self.rounds {
            var candidates: Set<String> = []
            for path in wanted.union(try files(in: wanted, replica)) where try differs(path, replica) {
                candidates.insert(path)
            }
            guard !candidates.isEmpty else { return nil }
            guard let after = try attempt(candidates, replica) else { return nil }
            let bad = Set(after.map(\.path))
            if after.count < findings.count, bad.isSubset(of: known.union(candidates)) {
                let good = candidates.subtracting(bad)
                guard good != candidates else { return (candidates, after) }
                guard !good.isEmpty, let confirmed = try attempt(good, replica), confirmed.count < findings.count,
                    Set(confirmed.map(\.path)).isSubset(of: known)
                else { return nil }
                return (good, confirmed)
            }
            guard !bad.isSubset(of: wanted) else { return nil }
            wanted.formUnion(bad)
        }
        return nil
    }

    /// What a replica has in those of `paths` that are folders: where nothing tells which file is missing.
    private func files(in paths: Set<String>, _ replica: ArchiveLayout) throws(ArchiveError) -> Set<String> {
        var found: Set<String> = []
        for path in paths where path == "keys" || path == "dict" || path == "writers" {
            for name in try FileTree.names(in: "\(replica.root)/\(path)") where !name.hasSuffix(".tmp") {
                found.insert("\(path)/\(name)")
            }
        }
        return found
    }

    private func differs(_ path: String, _ replica: ArchiveLayout) throws(ArchiveError) -> Bool {
        let source = "\(replica.root)/\(path)"
        var status = stat()
        guard unsafe stat(source, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        let theirs = try Self.digest(of: source)
        return try Self.digest(of: "\(layout.root)/\(path)") != theirs
    }

    /// What a check says with these files of the replica; `nil` if they would take the archive back in time.
    private func attempt(_ candidates: Set<String>, _ replica: ArchiveLayout) throws(ArchiveError) -> [CheckFinding]? {
        let tree = RepairTrial(layout: layout)
        try tree.make(candidates, from: replica)
        let judgement = try judge(tree.trial, readsPacks: false)
        guard judgement.leafCount >= floor.leafCount else { return nil }
        if let archive = judgement.archive {
            let pointer = try archive.vault.files.pointer()
            guard (pointer.epoch, pointer.revision) >= floor.vault, try archive.isLedgerComplete() else { return nil }
        }
        return judgement.findings.filter { !$0.path.hasPrefix("packs/") && !$0.path.hasPrefix("index/") }
    }
}

extension Archive {
    /// The public key of a writer, if its file is authentic.
    func writerKey(_ writer: [UInt8]) -> [UInt8]? {
        guard let octets = try? FileTree.read(layout.writer(writer.hex), limit: GoneFile.maximumLength),
            let file = try? TextFile(parsing: octets, type: "mailarc-writer/1"), file.isAuthentic(keys),
            (try? file.hex("writer", count: 8)) == writer
        else { return nil }
        return try? file.base64("key", count: 32)
    }

    /// Whether the ledger has every leaf that the journal does not bring back.
    func isLedgerComplete() throws(ArchiveError) -> Bool {
        let state = JournalState(try JournalFile.read(layout, keys: keys).records)
        return try openLedger().size + UInt64(state.leaves.count) >= state.counters.ledgerSize
    }
}
