import ArchiveLedger
import Glibc
import MailCore

/// The folder a backup goes to: nothing, a beginning, or an older self of the archive — or it is refused.
struct ReplicaDestination: Sendable {
    let layout: ArchiveLayout
    /// Held until the value goes away; `nil` in a dry run.
    let lock: WriterLock?
    /// Leaves of the archive there; `nil` if there is none yet.
    let ledgerSize: UInt64?

    /// - Throws: `.alreadyExists` for another archive, a newer or diverged one, or a folder with other things in it;
    ///   `.damaged` when it cannot be told; `.locked`.
    init(_ path: String, of archive: Archive, _ options: ReplicaOptions) throws(ArchiveError) {
        layout = ArchiveLayout(path)
        if !options.isDryRun { try FileTree.makeDirectory(layout.root) }
        try Self.refuseOverlap(archive.layout.root, layout.root)
        lock =
            options.isDryRun || !FileTree.exists(layout.root) ? nil : try WriterLock(layout.lock, owner: options.owner)
        if lock != nil { try ReplicaSwitch.finish(layout, fault: options.fault) }
        guard FileTree.exists(layout.identity) else {
            ledgerSize = nil
            try Self.refuseStrangers(layout, archive.id)
            return
        }
        let isTolerant = options.verification == .full
        do throws(ArchiveError) {
            guard try ArchiveIdentity.parse(layout).identity.archive == archive.id else {
                throw ArchiveError(.alreadyExists, "another archive is there", path: layout.root)
            }
        } catch { guard isTolerant, error.kind == .notAnArchive else { throw error } }
        ledgerSize = try Self.olderSelf(layout, archive, isTolerant: isTolerant)
    }

    /// What a staged file belongs to: `incoming/archive`.
    static func marker(_ layout: ArchiveLayout) -> String { layout.incoming + "/archive" }

    /// True when `incoming/` is a beginning of `archive`'s backup.
    static func isBegun(_ layout: ArchiveLayout, _ archive: RandomID) -> Bool {
        (try? FileTree.read(marker(layout), limit: 64)) == Array("\(archive)\n".utf8)
    }

    private static func refuseOverlap(_ source: String, _ destination: String) throws(ArchiveError) {
        guard let source = resolved(source), let destination = resolved(destination) else { return }
        if source == destination || destination.hasPrefix(source + "/") || source.hasPrefix(destination + "/") {
            throw ArchiveError(.alreadyExists, "the copy and the archive lie one in the other", path: destination)
        }
    }

    private static func resolved(_ path: String) -> String? {
        guard let name = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(name) }
        return unsafe String(cString: name)
    }

    private static func refuseStrangers(_ layout: ArchiveLayout, _ archive: RandomID) throws(ArchiveError) {
        let ours: Set<String> = ["lock", "lost+found"]
        let names = try FileTree.names(in: layout.root).filter { !ours.contains($0) }
        if !names.isEmpty, !isBegun(layout, archive) {
            throw ArchiveError(.alreadyExists, "the folder holds something else", path: layout.root)
        }
    }

    /// The size of the ledger there, which must be a beginning of the source's.
    private static func olderSelf(
        _ layout: ArchiveLayout, _ archive: Archive, isTolerant: Bool
    ) throws(ArchiveError) -> UInt64 {
        guard let old = try checkpoint(layout, isTolerant: isTolerant), old.origin == archive.identity.origin else {
            throw ArchiveError(
                .damaged, "the copy's checkpoint cannot be read, so its age cannot be told",
                path: "\(layout.log)/checkpoint")
        }
        var journal: JournalState?
        do throws(ArchiveError) {
            journal = JournalState(try JournalFile.read(layout, keys: archive.keys).records)
        } catch {
            guard isTolerant else { throw error }
        }
        let ledger = try archive.openLedger()
        let size = max(old.size, journal?.counters.ledgerSize ?? 0)
        guard size <= ledger.size else {
            throw ArchiveError(
                .alreadyExists, "the copy is newer than the archive: \(size) ledger leaves, here \(ledger.size)",
                path: layout.root)
        }
        do throws(LedgerError) {
            var isSame = try ledger.root(at: old.size) == old.root
            for (index, text) in journal?.leaves ?? [] {
                let hash = try ledger.leafHash(at: index)
                isSame = isSame && hash == .leaf(text)
            }
            if isSame { return old.size }
        } catch { throw ArchiveError(error, archive.layout) }
        throw ArchiveError(
            .alreadyExists, "the copy has a history of its own: it was written to since the last backup",
            path: layout.root)
    }

    /// The checkpoint there; where it is damaged and that may be, the youngest kept one.
    private static func checkpoint(_ layout: ArchiveLayout, isTolerant: Bool) throws(ArchiveError) -> Checkpoint? {
        var paths = ["\(layout.log)/checkpoint"]
        if isTolerant {
            let kept = try FileTree.names(in: "\(layout.log)/checkpoints").compactMap { UInt64($0) }.sorted(by: >)
            paths += kept.map { "\(layout.log)/checkpoints/\($0)" }
        }
        for path in paths {
            if let octets = try? FileTree.read(path, limit: CheckpointNote.maximumOctetCount),
                let note = CheckpointNote(parsing: octets)
            {
                return note.checkpoint
            }
        }
        return nil
    }
}
