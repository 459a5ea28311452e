import ArchiveCrypto
import ArchiveLedger
import Glibc

/// Files that nothing proves but a check of the whole: each is tried in the place of the one found wrong.
extension ArchiveRepair {
    /// LIMIT: how often files are added that others turn out to need.
    private static let rounds = 5

    /// Tries each replica's files in the place of those found wrong; what is still wrong.
    mutating func mendByTrial(_ findings: [CheckFinding]) throws(ArchiveError) -> [CheckFinding] {
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
        let judgement: Judgement
        do throws(ArchiveError) {
            judgement = try judge(tree.trial, readsPacks: false)
        } catch {
            guard error.kind == .wrongKey || error.kind == .anchorUnavailable else { throw error }
            return nil
        }
        guard judgement.leafCount >= floor.leafCount else { return nil }
        if let archive = judgement.archive {
            let pointer = try archive.vault.files.pointer()
            guard (pointer.epoch, pointer.revision) >= floor.vault, try archive.isLedgerComplete() else { return nil }
        }
        return judgement.findings.filter { !$0.path.hasPrefix("packs/") && !$0.path.hasPrefix("index/") }
    }
}

extension Archive {
    /// Whether the ledger has every leaf that the journal does not bring back.
    func isLedgerComplete() throws(ArchiveError) -> Bool {
        let state = JournalState(try JournalFile.read(layout, keys: keys).records)
        return try openLedger().size + UInt64(state.leaves.count) >= state.counters.ledgerSize
    }
}
