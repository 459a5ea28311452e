import ArchiveCatalog
import ArchiveLedger
import ArchiveStore
import MailCore
import MailMIME

/// Brings a catalog up to the archive: from the ledger's leaf it reflects to the last one, or from nothing.
///
/// Packs, journal, vault and ledger are all it reads; memory is bounded by one group.
struct CatalogBuilder {
    // LIMIT: what one transaction holds in memory; text counts as it is indexed.
    private static let groupMessages = 256
    private static let groupOctets = 8 << 20

    let archive: Archive
    let catalog: Catalog
    var progress: ProgressHandler = { _ in }

    private(set) var messageCount = 0
    private(set) var eventCount = 0
    private(set) var octetCount = 0

    private var entries: [CatalogEntry] = []
    private var records: [ArchiveCatalog.EventRecord] = []
    private var weight = 0
    /// What `loss` leaves name; read when something is missing.
    private var lost: Set<RandomID>?

    init(archive: Archive, catalog: Catalog) { (self.archive, self.catalog) = (archive, catalog) }

    /// Adds everything from ledger leaf `index` on.
    mutating func build(since index: UInt64) throws(KitError) {
        do {
            let contents = try ArchiveContents(archive)
            try addBlobs(contents)
            let reader = ArchiveReader(archive, directory: CatalogDirectory(catalog: catalog))
            let ledger = try archive.ledger()
            var leaves = LeafWalk(ledger.leaves(from: index))
            let total = Int(ledger.size)
            var events: Set<RandomID> = []
            try contents.forEachRecord(since: index) { blob in
                if blob.kind == .events { events.insert(blob.keyID) }
                if blob.kind == .recipe { try add(blob, reader, &leaves) }
                progress(
                    KitProgress(
                        phase: "rebuilding", done: Int(blob.ledgerIndex), total: total, octetsDone: octetCount))
            }
            // In the order in which it happened: a record that was written again has a late leaf and an early sequence.
            for record in try leaves.counting(events) { try add(record, reader) }
            try flush(ledger: LedgerState(size: ledger.size, root: ledger.root.octets))
        } catch let error as ArchiveError {
            throw KitError(error, at: archive.path)
        } catch let error as CatalogError {
            throw KitError(error)
        } catch let error as LedgerError {
            throw KitError(.damaged, "the ledger: \(error.message)", hint: "mailarc check -a \(archive.path)")
        } catch { throw KitError(.internalError, "the catalog cannot be made", cause: error) }
    }

    /// Blobs first: a message is read through them.
    private func addBlobs(_ contents: ArchiveContents) throws {
        let sealed = Set(try catalog.packs().compactMap { $0.digest == nil ? nil : $0.id })
        for pack in contents.packs where !sealed.contains(pack.place.id) {
            let blobs = try contents.blobs(in: pack.place).map(BlobRow.init)
            var digest: [UInt8]?
            if case .sealed(_, let name) = pack.place { digest = name }
            try catalog.apply(
                CatalogGroup(
                    packs: [PackRow(id: pack.place.id, digest: digest, octetCount: pack.octetCount)], blobs: blobs))
        }
        // What was replaced goes last: its blobs have moved by now.
        let present = Set(contents.packs.map(\.place.id))
        try catalog.forgetPacks(try catalog.packs().map(\.id).filter { !present.contains($0) })
    }

    private mutating func add(_ blob: BlobLocation, _ reader: ArchiveReader, _ leaves: inout LeafWalk) throws {
        let message = try reader.message(blob.keyID)
        let facts: MessageFacts
        do throws(ArchiveError) { facts = try MessageFacts.readForIndex(message) } catch {
            // Of what the ledger calls lost nothing can be shown; what is missing otherwise is damage.
            guard error.kind == .missing, try isLost(message) else { throw error }
            return
        }
        let entry = facts.entry(keyID: blob.keyID, octetCount: message.octetCount)
        entries.append(
            MessageFacts.settled(
                entry, leafIndex: blob.ledgerIndex, archivedAt: try leaves.time(of: blob.ledgerIndex)))
        messageCount += 1
        octetCount += Int(message.octetCount)
        weight += facts.text.body.utf8.count + facts.text.attachmentText.utf8.count
        if entries.count >= Self.groupMessages || weight >= Self.groupOctets { try flush(ledger: nil) }
    }

    /// Whether a leaf says that a part of the message is gone.
    private mutating func isLost(_ message: MessageReader) throws -> Bool {
        if lost == nil {
            var found: Set<RandomID> = []
            var reader = try archive.ledger().leaves()
            while let leaf = try reader.next() {
                guard case .lost(let loss) = Leaf(parsing: leaf.text)?.body else { continue }
                found.formUnion(loss.targets.map(\.keyID))
            }
            lost = found
        }
        return message.parts.contains { lost?.contains($0) == true }
    }

    private mutating func add(_ leaf: LeafWalk.Events, _ reader: ArchiveReader) throws {
        let record = try reader.events(leaf.keyID)
        records.append(
            ArchiveCatalog.EventRecord(
                sequence: record.sequence, time: record.time, events: record.events,
                blob: .init(keyID: leaf.keyID, leafIndex: leaf.index)))
        eventCount += record.events.count
        weight += record.events.count * 128
        if weight >= Self.groupOctets { try flush(ledger: nil) }
    }

    private mutating func flush(ledger: LedgerState?) throws(CatalogError) {
        try catalog.apply(CatalogGroup(messages: entries, events: records, ledger: ledger))
        (entries, records, weight) = ([], [], 0)
    }
}

/// The leaves in ascending order: the time of each that is asked for, and all that introduced event records.
private struct LeafWalk {
    struct Events {
        let sequence: UInt64
        let index: UInt64
        let keyID: RandomID
    }

    private var leaves: LeafReader
    private var current: (index: UInt64, text: [UInt8])?
    private var events: [Events] = []

    init(_ leaves: LeafReader) { self.leaves = leaves }

    mutating func time(of index: UInt64) throws -> Int64 {
        while current?.index != index {
            guard try advance() else { return 0 }
        }
        return current.flatMap { Leaf(parsing: $0.text) }?.time ?? 0
    }

    /// The records that count, of `living` ones, by sequence: of several with one sequence the one of the last leaf.
    mutating func counting(_ living: Set<RandomID>) throws -> [Events] {
        while try advance() {}
        let sorted = events.filter { living.contains($0.keyID) }
            .sorted { ($0.sequence, $0.index) < ($1.sequence, $1.index) }
        return sorted.indices.compactMap { index in
            let isLast = index + 1 == sorted.count || sorted[index + 1].sequence != sorted[index].sequence
            return isLast ? sorted[index] : nil
        }
    }

    private mutating func advance() throws -> Bool {
        guard let next = try leaves.next() else { return false }
        current = next
        if Self.isOfEvents(next.text), let leaf = Leaf(parsing: next.text),
            case .events(let commitment, let sequence, _) = leaf.body
        {
            events.append(Events(sequence: sequence, index: next.index, keyID: commitment.keyID))
        }
        return true
    }

    /// By the third line alone: most leaves are of messages and need not be parsed.
    private static func isOfEvents(_ text: [UInt8]) -> Bool {
        let lines = text.split(separator: UInt8(ascii: "\n"), maxSplits: 3)
        return lines.count > 2 && lines[2].elementsEqual("type events".utf8)
    }
}

extension Workspace {
    /// Makes the catalog anew from packs, journal, vault and ledger.
    public static func rebuildCatalog(
        at path: String, unlocking: Unlocking, progress: @escaping ProgressHandler
    ) async throws(KitError) -> RebuildReport {
        try await rebuild(try openArchive(at: path, unlocking: unlocking), progress: progress)
    }

    /// Builds the next generation under the writer's lock and puts it in the place of all others.
    static func rebuild(_ archive: Archive, progress: @escaping ProgressHandler) async throws(KitError) -> RebuildReport
    {
        let storage = CatalogStorage(archive: archive)
        let (catalog, generation) = try storage.createNext()
        let writer: ArchiveWriter
        do {
            writer = try ArchiveWriter(
                archive, directory: CatalogDirectory(catalog: catalog), environment: .process, options: .process)
        } catch { throw KitError(error, at: archive.path) }
        do throws(KitError) {
            var builder = CatalogBuilder(archive: archive, catalog: catalog)
            builder.progress = progress
            try builder.build(since: 0)
            try storage.complete(catalog, generation: generation)
            try close(catalog)
            do { try await writer.close() } catch { throw KitError(error, at: archive.path) }
            return RebuildReport(
                messages: builder.messageCount, events: builder.eventCount, octets: builder.octetCount,
                generation: generation)
        } catch {
            try? close(catalog)
            try? await writer.close()
            throw error
        }
    }

    /// Follows the ledger where a crash left the catalog behind; the caller holds the writer's lock.
    func catchUp() async throws(KitError) {
        guard let known = try ledgerLag() else { return }
        var builder = CatalogBuilder(archive: archive, catalog: catalog)
        try builder.build(since: known)
    }

    /// The same for a reader: only when no writer lives, which would do it itself.
    func catchUpIfBehind() async throws(KitError) {
        if try ledgerLag() != nil { try await recover() }
    }

    /// Opens a writer, which makes everything whole, and closes it again.
    ///
    /// A living writer does that itself; where the disk is full or not ours to write, what is there is read as it is.
    func recover() async throws(KitError) {
        do throws(KitError) { try await withWriter(resumesErasure: true) { _ throws(KitError) in } } catch {
            guard [.busy, .diskFull, .ioFailed].contains(error.kind) else { throw error }
        }
    }

    /// The ledger size the catalog reflects, if the ledger is longer now.
    private func ledgerLag() throws(KitError) -> UInt64? {
        do {
            let known = try catalog.ledger()?.size ?? 0
            return try archive.ledger().size > known ? known : nil
        } catch let error as ArchiveError {
            throw KitError(error, at: path)
        } catch let error as CatalogError {
            throw KitError(error)
        } catch { throw KitError(.internalError, "the ledger cannot be read", cause: error) }
    }
}
