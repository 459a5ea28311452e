import ArchiveCatalog
import ArchiveCrypto
import ArchiveStore
import MailCore
import MailSync
import Synchronization

/// The archive as the destination of one account's history.
///
/// `ingest` runs in the caller's task, lane by lane; `commit` makes a group durable and brings the catalog up to it.
final class ArchiveDestination: VerifyingDestination {
    /// An ingest lane, used by one task at a time.
    // SAFETY: SyncRunner never calls `ingest` twice at once with the same lane number.
    private final class LaneBox: @unchecked Sendable {
        let lane: IngestLane
        init(_ lane: sending IngestLane) { self.lane = lane }
    }

    private struct Collected {
        var lanes: [Int: LaneBox] = [:]
        /// New messages by key id, waiting for their leaf index.
        var entries: [RandomID: CatalogEntry] = [:]
        var events: [OccurrenceEvent] = []
        var skips: [String: UInt64] = [:]
        var hasCommitted = false
    }

    private let account: String
    private let writer: ArchiveWriter
    private let catalog: Catalog
    private let archive: Archive
    private let collected = Mutex(Collected())

    init(account: String, writer: ArchiveWriter, catalog: Catalog, archive: Archive) {
        (self.account, self.writer, self.catalog, self.archive) = (account, writer, catalog, archive)
    }

    func ingest(
        _ message: any IncomingMessage, channel: Channel, fidelity: Fidelity, lane number: Int
    ) async throws -> MailSync.IngestedMessage {
        let box = lane(number)
        let ingested: ArchiveStore.IngestedMessage
        do throws(ArchiveError) {
            ingested = try await box.lane.ingest { try await message.next() }
        } catch {
            if error.kind == .sourceFailed, let cause = error.cause { throw cause }
            throw error
        }
        if ingested.isNew {
            let entry = MessageFacts(parsed: ingested.parsed, text: ingested.text, parts: ingested.parts)
                .entry(keyID: ingested.keyID, octetCount: UInt64(ingested.octetCount))
            collected.withLock { $0.entries[entry.keyID] = entry }
        }
        return MailSync.IngestedMessage(
            message: ingested.keyID, isNew: ingested.isNew, octetCount: ingested.octetCount)
    }

    func record(_ events: [OccurrenceEvent]) async throws {
        collected.withLock { $0.events += events }
    }

    /// The next commit tells that so many messages are not kept, by reason.
    func skip(_ counts: [String: UInt64]) {
        collected.withLock { $0.skips.merge(counts, uniquingKeysWith: +) }
    }

    func commit() async throws -> UInt64 {
        // The state transaction of the group before, if there was one, is through.
        if collected.withLock({ $0.hasCommitted }) { FaultPoint.fromEnvironment?.pass("state") }
        let (events, skips) = collected.withLock { collected in
            defer { (collected.events, collected.skips) = ([], [:]) }
            return (collected.events, collected.skips)
        }
        let group = try await writer.commit(events: events, skips: skips)
        let entries = collected.withLock { collected in
            group.messages.compactMap { collected.entries.removeValue(forKey: $0.keyID) }
        }
        try catalog.apply(CatalogGroup(group, events: events, entries: entries))
        FaultPoint.fromEnvironment?.pass("catalog")
        collected.withLock { $0.hasCommitted = true }
        return try catalog.eventSequence(account: account)
    }

    func currentMailboxes() async throws -> [RecordedMailbox] {
        try catalog.mailboxes(account: account).map {
            RecordedMailbox(name: $0.name, role: $0.role, uidValidity: $0.uidValidity ?? UIDValidity(0))
        }
    }

    func currentOccurrences(_ each: @Sendable (OccurrenceRow) throws -> Void) async throws {
        for mailbox in try catalog.mailboxes(account: account) {
            try catalog.placements(account: account, mailbox: mailbox.name) { place in
                try each(
                    OccurrenceRow(
                        mailbox: mailbox.name, uidValidity: place.address.uidValidity, uid: place.address.uid,
                        message: place.message, flags: place.flags, internalDate: place.internalDate,
                        octetCount: place.entry.map { Int($0.octetCount) }))
                return true
            }
        }
    }

    var eventSequence: UInt64 {
        get async throws { try catalog.eventSequence(account: account) }
    }

    /// Gives the lanes' packs back; nothing is ingested any more.
    func finish() {
        collected.withLock { collected in
            for box in collected.lanes.values { box.lane.finish() }
            collected.lanes = [:]
        }
        FaultPoint.fromEnvironment?.pass("state")
    }

    /// From the files as they are now, through an archive that is opened anew.
    func readBack(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws -> [UID: ReadBack] {
        var places: [PlacementRow] = []
        try catalog.placements(account: account, mailbox: mailbox, uidValidity: uidValidity, uids: uids) {
            places.append($0)
        }
        let size = try catalog.ledger()?.size ?? 0
        let reader = ArchiveReader(try archive.reopened(), directory: CatalogDirectory(catalog: catalog))
        var result: [UID: ReadBack] = [:]
        for place in places {
            try Task.checkCancellation()
            // What is not in a signed tree is not archived yet.
            guard let entry = place.entry, entry.leafIndex < size, place.fidelity == .exact else { continue }
            var hash = SHA256()
            var count = 0
            do throws(ArchiveError) {
                let message = try reader.message(place.message)
                while let octets = try message.next() {
                    hash.update(octets.span)
                    count += octets.count
                }
            } catch { continue }
            result[place.address.uid] = ReadBack(
                message: place.message, sha256: hash.digest(), octetCount: count, ledgerIndex: entry.leafIndex)
        }
        return result
    }

    private func lane(_ number: Int) -> LaneBox {
        collected.withLock { collected in
            if let box = collected.lanes[number] { return box }
            let box = LaneBox(writer.makeLane())
            collected.lanes[number] = box
            return box
        }
    }
}

extension CatalogGroup {
    /// What the catalog takes over from one committed group.
    init(_ group: CommittedGroup, events: [OccurrenceEvent], entries: [CatalogEntry]) {
        let leaves = Dictionary(group.messages.map { ($0.keyID, $0.ledgerIndex) }) { first, _ in first }
        let messages = entries.compactMap { entry -> CatalogEntry? in
            guard let leaf = leaves[entry.keyID] else { return nil }
            return MessageFacts.settled(entry, leafIndex: leaf, archivedAt: group.time)
        }
        let openPacks = Set(group.blobs.map(\.pack.id)).map { PackRow(id: $0, octetCount: 0) }
        let sealed = group.sealedPacks.map { PackRow(id: $0.id, digest: $0.digest, octetCount: $0.octetCount) }
        self.init(
            packs: openPacks + sealed, blobs: group.blobs.map(BlobRow.init), messages: messages,
            events: Self.records(events, group), ledger: LedgerState(size: group.ledgerSize, root: group.ledgerRoot))
    }

    /// The store writes at most this many events in one record, with consecutive sequences.
    private static func records(_ events: [OccurrenceEvent], _ group: CommittedGroup) -> [ArchiveCatalog.EventRecord] {
        guard let last = group.eventSequence, !events.isEmpty else { return [] }
        let size = ArchiveStore.EventRecord.maximumEventCount
        let count = (events.count + size - 1) / size
        let blobs = group.blobs.filter { $0.kind == .events }
        return (0..<count).map { index in
            ArchiveCatalog.EventRecord(
                sequence: last - UInt64(count - 1 - index), time: group.time,
                events: Array(events[index * size..<min(events.count, (index + 1) * size)]),
                blob: blobs.indices.contains(index)
                    ? .init(keyID: blobs[index].keyID, leafIndex: blobs[index].ledgerIndex) : nil)
        }
    }
}

extension BlobRow {
    init(_ location: BlobLocation) {
        self.init(
            contentID: location.kind == .events ? nil : location.contentID, keyID: location.keyID,
            pack: location.pack.id, offset: location.offset, storedOctetCount: location.storedLength,
            rawOctetCount: location.rawLength, kind: location.kind.rawValue, dictionary: location.dictionary,
            vaultShard: location.vaultShard, vaultSlot: location.vaultSlot)
    }
}
