package import ArchiveCrypto
import ArchiveLedger
public import MailCore

/// The one writer of an archive: hands out lanes, commits what they took, seals packs.
///
/// Opening it is recovery: the journal is replayed, after a crash or not. After any error of a commit nothing more is
/// taken; open the archive again.
public actor ArchiveWriter {
    public nonisolated let archive: Archive
    nonisolated let context: LaneContext
    private let lock: WriterLock
    var vault: VaultWriter
    var ledger: Ledger
    var journal: JournalFile
    /// What the journal says now; its leaves are dropped, its blobs are those of open packs.
    var state: JournalState
    /// Open files of the packs the journal names.
    var packs: [RandomID: PackFile]
    let records: BlobStream
    var logSeed: [UInt8]
    let packSeed: [UInt8]
    /// The journal's length when it was last rewritten.
    var journalBase: UInt64
    private var isClosed = false

    var options: WriterOptions { context.options }
    var pending: PendingContents { context.pending }

    /// Takes the lock and makes the archive whole.
    ///
    /// - Throws: `.locked`; `.damaged` if what the journal names is not there.
    public init(
        _ archive: Archive, directory: any BlobDirectory, environment: WriterEnvironment,
        options: WriterOptions = WriterOptions()
    ) throws(ArchiveError) {
        try self.init(archive, directory: directory, environment: environment, options: options, random: .system)
    }

    package init(
        _ archive: Archive, directory: any BlobDirectory, environment: WriterEnvironment, options: WriterOptions,
        random: RandomSource
    ) throws(ArchiveError) {
        lock = try WriterLock(
            archive.layout.lock,
            owner: WriterLock.Owner(
                processID: environment.processID, started: environment.now(), host: environment.host,
                command: environment.command))
        // Another process may have changed keys before the lock was ours.
        let archive = try archive.presentIdentity() == archive.identity ? archive : archive.reopened()
        let secrets = try archive.vault.files.root().root.secrets
        let seed = try LogKeyRotation.seed(for: archive.identity, in: secrets)
        packSeed = try archive.secret("writer-key")
        var recovered = try Recovery(
            archive: archive, random: random, fault: options.fault, acceptsLoss: options.acceptsLoss
        ).run(logSeed: seed)
        logSeed = try LogKeyRotation(archive: archive, fault: options.fault).resume(
            &recovered.ledger, &recovered.vault, seed: seed)
        self.archive = archive
        (vault, ledger, journal) = (recovered.vault, recovered.ledger, recovered.journal)
        (state, packs) = (recovered.state, recovered.packs)
        journalBase = recovered.isJournalLong ? 0 : journal.end
        let pending = PendingContents()
        context = LaneContext(
            layout: archive.layout, archive: archive.id, writer: archive.identity.writer, keys: archive.keys,
            dictionaries: archive.dictionaries, random: random, directory: directory, pending: pending,
            options: options, now: environment.now)
        for pack in recovered.packs.values.sorted(by: { $0.durableLength < $1.durableLength }) {
            pending.addIdle(pack)
        }
        records = BlobStream(context: context)
    }

    /// A new lane; each belongs to one task, which calls ``IngestLane/finish()`` at its end.
    public nonisolated func makeLane() -> sending IngestLane { IngestLane(context: context) }

    /// Makes everything the lanes have finished durable, with `events`, as one group (ArchiveFormat.md §10.1).
    ///
    /// Messages still on their way in are not part of it. Apply the result to the blob directory before the next commit.
    /// - Parameter skips: how many messages are not kept, by reason, a word; the last leaves of the group say so.
    /// - Throws: `.diskFull`, `.ioFailed`, …: then the group never happened, or happened whole, and the writer stops.
    public func commit(
        events: [OccurrenceEvent] = [], skips: [String: UInt64] = [:]
    ) async throws(ArchiveError) -> CommittedGroup {
        try checkRunning()
        do throws(ArchiveError) {
            pending.forgetCommitted()
            return try await commitGroup(events, skips)
        } catch {
            pending.fail(error)
            throw error
        }
    }

    func commitGroup(
        _ events: [OccurrenceEvent], _ skips: [String: UInt64] = [:]
    ) async throws(ArchiveError) -> CommittedGroup {
        var (messages, full) = pending.takeGroup()
        var group = CommittedGroup(time: context.now())
        var rest = events[...]
        var skipped = SkipRecord.records(skips, nonce: context.newID)
        repeat {
            var batch = CommitBatch(time: group.time, firstLeaf: ledger.size, writer: archive.identity.writer)
            while let message = messages.first,
                batch.isEmpty || batch.blobs.count + message.blobs.count < CommitBatch.blobLimit
            {
                batch.add(message)
                messages.removeFirst()
            }
            if messages.isEmpty, !rest.isEmpty {
                try addEvents(Array(rest.prefix(EventRecord.maximumEventCount)), to: &batch)
                rest = rest.dropFirst(EventRecord.maximumEventCount)
            }
            // In the frame of the last messages: one sync is for all.
            if messages.isEmpty, rest.isEmpty {
                for record in skipped { batch.add(record) }
                skipped = []
            }
            if !batch.isEmpty { try await write(batch, into: &group) }
        } while !messages.isEmpty || !rest.isEmpty
        group.sealedPacks = try seal(full)
        pending.didCommit(group.blobs.map(\.contentID))
        group.ledgerSize = ledger.size
        group.ledgerRoot = ledger.root.octets
        return group
    }

    private func addEvents(
        _ events: [OccurrenceEvent], to batch: inout CommitBatch
    ) throws(ArchiveError) {
        let sequence = state.counters.nextEventSequence
        let record = EventRecord(
            sequence: sequence, time: batch.time, writer: archive.identity.writer, events: events)
        try add(record, isRewritten: false, to: &batch)
    }

    /// - Parameter isRewritten: the record has the sequence of one that it replaces.
    func add(_ record: EventRecord, isRewritten: Bool, to batch: inout CommitBatch) throws(ArchiveError) {
        let octets = record.encode()
        guard octets.count <= EventRecord.maximumLength else {
            throw ArchiveError(.limitExceeded, "\(record.events.count) events take more than 64 MiB")
        }
        try records.beginMessage()
        let blob = try records.writeRecord(octets, .events)
        guard let pack = records.pack else { throw ArchiveError(.internalError, "the writer has no pack") }
        batch.add(
            NewRecord(
                blob: blob, digest: SHA256.hash(octets), sequence: record.sequence, eventCount: record.events.count,
                isRewritten: isRewritten, pack: pack, packEnd: records.end))
    }

    /// Gives the pack back that event records go into.
    func giveBackPack() { records.releasePack() }

    func checkRunning() throws(ArchiveError) {
        if let failure = pending.failure {
            throw ArchiveError(.writerStopped, "the writer has stopped", cause: failure, retry: .later)
        }
        guard !isClosed else { throw ArchiveError(.writerStopped, "the writer is closed") }
    }

    /// Ends the session: the ledger durable, its checkpoint kept, the journal short. Open packs stay for the next one.
    ///
    /// Lanes must be finished. What was not committed is dropped by the next writer.
    public func close() throws(ArchiveError) {
        guard !isClosed else { return }
        records.releasePack()
        if pending.failure == nil {
            try publish(keeping: true)
            try syncLedger()
            if journal.end > journalBase { try rewriteJournal() }
            try updateIndex()
        }
        isClosed = true
        lock.release()
    }
}
