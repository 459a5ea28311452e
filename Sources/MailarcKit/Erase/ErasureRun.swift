import ArchiveCatalog
import ArchiveCrypto
import ArchiveStore
import ArchiveVFS
import Glibc
import MailCore
import MailSync

/// One erasure from its first change on; what a crash left goes on here, too (Documentation/Erasure.md).
///
/// The caller holds the writer's lock, and lets the workspace be opened anew afterwards.
struct ErasureRun {
    let workspace: Workspace
    let writer: ArchiveWriter
    private var archive: Archive { workspace.archive }
    private var catalog: Catalog { workspace.catalog }
    private var storage: CatalogStorage { workspace.storage }

    /// What the vault said when its keys were gone.
    struct Outcome {
        var epoch: UInt32
        var anchors: [String]
    }

    init(workspace: Workspace, writer: ArchiveWriter) { (self.workspace, self.writer) = (workspace, writer) }

    /// Does whatever is not done yet, in this order; every step can be done again.
    func run(_ erasure: PendingErasure) async throws(KitError) -> Outcome {
        let living: Set<RandomID>
        do { living = try archive.living(erasure.targets) } catch { throw workspace.wrapped(error) }
        if !living.isEmpty {
            try await rewriteEvents(erasure)
            try takeFromCatalog(erasure)
            let copies = try rotateDatabases(erasure)
            do {
                let change = try await writer.changeVault(VaultChange(erasing: living, secrets: copies.secrets))
                FaultPoint.fromEnvironment?.pass("erase-vault")
                return try await finish(erasure, change)
            } catch {
                // Nobody holds the keys of the copies; the next attempt makes its own.
                if (error as? ArchiveError)?.kind == .anchorUnavailable { try discard(copies.generation) }
                throw workspace.wrapped(error)
            }
        }
        do { return try await finish(erasure, try await writer.presentEpoch()) } catch {
            throw workspace.wrapped(error)
        }
    }
}

extension ErasureRun {
    /// Event records of others' facts, too, are written again without these messages'; the catalog follows.
    private func rewriteEvents(_ erasure: PendingErasure) async throws(KitError) {
        let (facts, plan) = try workspace.erasurePlan(erasure.messages)
        guard !facts.messages.isEmpty else { return }
        do {
            let group = try await writer.rewriteEvents(plan.records)
            var changes = CatalogGroup(group, events: [], entries: [])
            changes.events = group.rewrittenEvents.map {
                ArchiveCatalog.EventRecord(
                    sequence: $0.sequence, time: 0, events: [],
                    blob: .init(keyID: $0.keyID, leafIndex: $0.ledgerIndex))
            }
            try catalog.apply(changes)
        } catch { throw workspace.wrapped(error) }
        FaultPoint.fromEnvironment?.pass("erase-events")
    }

    /// From here on nobody finds the messages.
    private func takeFromCatalog(_ erasure: PendingErasure) throws(KitError) {
        do {
            let facts = try catalog.erasureFacts(of: erasure.messages)
            if !facts.messages.isEmpty {
                // ORDER: while the catalog still tells where the messages were.
                try takeFromPairs(erasure, facts)
                let before = try sequences()
                let reader = ArchiveReader(archive, directory: CatalogDirectory(catalog: catalog))
                let removal = CatalogRemoval(
                    messages: erasure.messages, blobs: erasure.targets, records: try records(erasure, reader))
                try catalog.remove(removal) { keyID in
                    let message = try reader.message(keyID)
                    return try MessageFacts.readForIndex(message).entry(keyID: keyID, octetCount: message.octetCount)
                        .text
                }
                try takeFromState(erasure, facts, before: before, after: try sequences())
            }
            FaultPoint.fromEnvironment?.pass("erase-catalog")
            try catalog.optimize()
            FaultPoint.fromEnvironment?.pass("erase-optimize")
        } catch { throw workspace.wrapped(error) }
    }

    /// Which accounts the records at the sequences concerned speak of now.
    private func records(_ erasure: PendingErasure, _ reader: ArchiveReader) throws -> [CatalogRemoval.Record] {
        try erasure.records.map { old in
            guard let now = try catalog.eventRecord(sequence: old.sequence), now != old.keyID else {
                return CatalogRemoval.Record(sequence: old.sequence, accounts: nil)
            }
            return CatalogRemoval.Record(
                sequence: old.sequence, accounts: Set(try reader.events(now).events.map(\.account)))
        }
    }

    private func sequences() throws -> [String: UInt64] {
        var sequences: [String: UInt64] = [:]
        for account in Set(try catalog.mailboxes().map(\.account)) {
            sequences[account] = try catalog.eventSequence(account: account)
        }
        return sequences
    }

    private func takeFromState(
        _ erasure: PendingErasure, _ facts: ErasureFacts, before: [String: UInt64], after: [String: UInt64]
    ) throws {
        guard FileTree.exists(workspace.stateFile) else { return }
        let state = try workspace.openState()
        defer { try? state.close() }
        var sequences: [String: (before: UInt64, after: UInt64)] = [:]
        for (account, sequence) in before where after[account] ?? 0 != sequence {
            sequences[account] = (sequence, after[account] ?? 0)
        }
        try state.erase(
            StateErasure(
                messages: erasure.messages, occurrences: facts.currentOccurrences,
                mailboxes: facts.mailboxes.map { ($0.account, $0.name) }, sequences: sequences,
                forgets: erasure.forgets))
        FaultPoint.fromEnvironment?.pass("erase-state")
    }

    /// Pairs with an end in the archive forget the messages, and do not take them again from the other end.
    private func takeFromPairs(_ erasure: PendingErasure, _ facts: ErasureFacts) throws {
        let accounts = Set(facts.occurrences.map(\.account))
        for name in try pairs.names() {
            let state = try pairs.open(name)
            defer { try? state.close() }
            for account in accounts {
                try state.erase(
                    PairErasure(
                        identity: SyncEndpoint.identity(of: account, in: archive),
                        addresses: facts.occurrences.filter { $0.account == account },
                        mailboxes: facts.mailboxes.filter { $0.account == account }.map(\.name),
                        forgets: erasure.forgets))
            }
        }
        FaultPoint.fromEnvironment?.pass("erase-pairs")
    }

    private var pairs: ArchivedPairs { ArchivedPairs(archive: archive) }

    /// Every database in `state/`, once more without free pages, under keys made of `secret`.
    private func copyStates(_ secret: [UInt8]) throws {
        try discardStates()
        if FileTree.exists(workspace.stateFile) {
            let state = try workspace.openState()
            defer { try? state.close() }
            try state.withConnection { connection in
                unsafe try EncryptedVFS.vacuum(
                    connection, into: workspace.stateFile + ".next", key: secret,
                    databaseID: archive.databaseID(fileName: "state.db"))
            }
        }
        for name in try pairs.names() {
            let state = try pairs.open(name)
            defer { try? state.close() }
            try state.withConnection { connection in
                unsafe try EncryptedVFS.vacuum(
                    connection, into: pairs.path(name) + ".next", key: ArchivedPairs.key(secret, name),
                    databaseID: archive.databaseID(fileName: name))
            }
        }
        guard FileTree.exists(archive.stateDirectory) else { return }
        try FileTree.syncDirectory(archive.stateDirectory)
    }

    /// The copies that wait to take their originals' names.
    private func nextStates() throws(KitError) -> [String] {
        try FileFacts.names(in: archive.stateDirectory).filter { $0.hasSuffix(".next") }.map { pairs.path($0) }
    }

    private func discardStates() throws {
        for path in try nextStates() { try FileTree.remove(path) }
    }

    /// Catalog and state once more without free pages, under new keys nobody holds yet.
    private func rotateDatabases(_ erasure: PendingErasure) throws(KitError) -> (
        generation: Int, secrets: [String: [UInt8]]
    ) {
        let keys = (catalog: RandomSource.system.octets(32), state: RandomSource.system.octets(32))
        let generation = try storage.copy(catalog, key: keys.catalog)
        FaultPoint.fromEnvironment?.pass("erase-copy")
        do { try copyStates(keys.state) } catch { throw workspace.wrapped(error) }
        FaultPoint.fromEnvironment?.pass("erase-state-copy")
        return (generation, ["catalog": keys.catalog, "state": keys.state])
    }

    private func discard(_ generation: Int) throws(KitError) {
        storage.remove(generation)
        do { try discardStates() } catch { throw workspace.wrapped(error) }
    }

    /// The keys are gone: nothing of the old databases opens any more, and the ledger says what happened.
    private func finish(_ erasure: PendingErasure, _ change: VaultChangeResult) async throws(KitError) -> Outcome {
        do {
            let present = try archive.reopened()
            try? catalog.close()
            // ORDER: a log of the old state must not lie beside the new one.
            for copy in try nextStates() {
                let file = String(copy.dropLast(".next".count))
                for suffix in ["-wal", "-shm"] { try FileTree.remove(file + suffix) }
                try FileTree.rename(copy, to: file)
            }
            let storage = CatalogStorage(archive: present)
            let newest = try storage.openNewest(readOnly: true)
            if let newest { try newest.catalog.close() }
            try storage.removeOthers(than: newest?.generation)
            try FileTree.syncDirectory(archive.catalogDirectory)
            FaultPoint.fromEnvironment?.pass("erase-unlink")
            try await writer.endErasure(
                erasure, epoch: change.epoch, root: change.rootDigest, anchors: change.attestations)
        } catch { throw workspace.wrapped(error) }
        return Outcome(epoch: change.epoch, anchors: change.attestations)
    }
}
