internal import MailCore

/// Messages that go from one mailbox to one other together, and are journalled together.
struct CopyBatch: Sendable {
    /// Of the source.
    var side: PairSide
    var mailbox: MailboxName
    var uidValidity: UIDValidity
    var target: MailboxName
    var items: [(message: PairMessage, link: PairLink)] = []
    var octetCount = 0
    /// Octets held in memory once it is read.
    var weight = 0

    init(_ group: TransferGroup) {
        (side, mailbox, uidValidity, target) = (group.side, group.mailbox, group.uidValidity, group.target)
    }

    /// Messages of one mailbox arrive in order.
    func isForSameMailbox(as other: CopyBatch) -> Bool { side == other.side && target == other.target }
}

/// Reads batches from their source; changes nothing.
struct CopyReader: Sendable {
    let ends: BothSides<PairEnd>
    let key: [UInt8]
    let options: PairOptions

    /// What was read, by place in the batch.
    struct Batch: Sendable {
        var spooled: [Int: SpooledMessage] = [:]
        var outcome: Result<FetchReport, StoreError>
    }

    func read(_ batch: CopyBatch) async -> Batch {
        let positions = Dictionary(batch.items.indices.map { (batch.items[$0].message.uid, $0) }) { first, _ in first }
        let summaries = batch.items.map(\.message.summary).sorted { $0.uid < $1.uid }
        let isIgnoring = options.policy.deletedFlag == .ignored
        let side = batch.side.other
        let room = SpoolRoom(for: batch.target, on: side, ends[side].store, options)
        var spooled: [Int: SpooledMessage] = [:]
        do throws(StoreError) {
            let report = try await ends[batch.side].store.fetch(
                summaries, from: batch.mailbox, uidValidity: batch.uidValidity
            ) { message in
                guard let position = positions[message.uid] else { return }
                let source = batch.items[position].message
                let spool = SpooledMessage(
                    position: position, flags: isIgnoring ? source.flags.removing(.deleted) : source.flags,
                    internalDate: source.internalDate)
                try await spool.take(
                    message, announced: source.octetCount ?? 0, ContentReader(key: key, hashing: options.hashing),
                    room)
                spooled[position] = spool
            }
            return Batch(spooled: spooled, outcome: .success(report))
        } catch {
            return Batch(spooled: spooled, outcome: .failure(error))
        }
    }
}

/// What a batch's delivery came to; what nobody told about is missing.
struct CopyArrival: Sendable {
    var outcomes: [Int: DeliveryOutcome] = [:]
    var failure: StoreError?
}

/// A batch on its way, journalled.
struct CopyShipment: Sendable {
    var batch: CopyBatch
    var spooled: [SpooledMessage]
    var drafts: [PairLink]
    var row: Int64
    var traits: DeliveryTraits

    func deliver(to store: any SyncStore) async -> CopyArrival {
        var arrival = CopyArrival()
        var next = 0
        do throws(StoreError) {
            try await store.deliver(to: batch.target, traits) {
                guard next < spooled.count else { return nil }
                next += 1
                return spooled[next - 1]
            } each: { message, outcome in
                if let message = message as? SpooledMessage { arrival.outcomes[message.position] = outcome }
            }
        } catch { arrival.failure = error }
        return arrival
    }
}

enum CopyStep: Sendable {
    case read(Int, CopyReader.Batch)
    case delivered(Int, CopyArrival)
}

/// Where the batches of a copy stand: read ahead as far as they fit into memory, journalled together as they come,
/// delivered in order, those of one mailbox one after the other.
struct CopyQueue {
    /// LIMIT: deliveries at once. One waits for the disk while another one's octets travel; more gain nothing.
    private static let shipmentCount = 2
    /// LIMIT: the same where all there is to copy is little: then waiting for the disk is all there is to it.
    private static let smallShipmentCount = 4

    let batches: [CopyBatch]
    private let lanes: Int
    private let memoryLimit: Int
    /// All of it is read, by one reader, before any of it leaves: another connection would cost more than it brings.
    private let isSmall: Bool
    private let shipmentLimit: Int
    private var readCount = 0
    private var readingCount = 0
    private var journalledCount = 0
    private var held = 0
    private var ready: [Int: CopyReader.Batch] = [:]
    /// Journalled and not begun.
    private var waiting: ArraySlice<(place: Int, shipment: CopyShipment)> = []
    private var shipments: [Int: CopyShipment] = [:]

    /// - Parameter connects: whether a store opens a connection for each delivery at once.
    init(_ batches: [CopyBatch], _ options: PairOptions, connects: (PairSide) -> Bool) {
        self.batches = batches
        // What is limited is read when its turn has come.
        lanes = options.limits == PairLimits() ? options.readAhead : 1
        memoryLimit = options.memoryLimit
        let side = batches.first?.side ?? .a
        isSmall =
            batches.count <= lanes && batches.allSatisfy { $0.side == side }
            && batches.reduce(0) { $0 + $1.octetCount } <= options.batchMemoryLimit
            && batches.reduce(0) { $0 + $1.items.count } <= options.batchLimit
        let limit = isSmall ? connects(side.other) ? 1 : Self.smallShipmentCount : Self.shipmentCount
        shipmentLimit = min(lanes, limit)
    }

    var isResting: Bool { shipments.isEmpty }
    var isDone: Bool { journalledCount == batches.count && waiting.isEmpty }

    /// The next batch to read, which is taken for being read; `nil` if that has to wait.
    mutating func nextToRead() -> Int? {
        guard readCount < batches.count, readCount - journalledCount + waiting.count < lanes,
            !isSmall || readingCount == 0, held == 0 || held + batches[readCount].weight <= memoryLimit
        else { return nil }
        // A store may have one reader or one writer: nothing is read from an end that is being delivered to.
        let side = batches[readCount].side
        guard !shipments.values.contains(where: { $0.batch.side != side }),
            !waiting.contains(where: { $0.shipment.batch.side != side }),
            !batches[journalledCount..<readCount].contains(where: { $0.side != side })
        else { return nil }
        held += batches[readCount].weight
        (readCount, readingCount) = (readCount + 1, readingCount + 1)
        return readCount - 1
    }

    mutating func isRead(_ place: Int, _ batch: CopyReader.Batch) {
        readingCount -= 1
        ready[place] = batch
    }

    /// The batches that can be journalled together now, in order: all that were read, once a delivery may begin.
    ///
    /// One whose source broke off comes alone, so that what was read before it is on its way.
    mutating func nextToJournal() -> [(place: Int, read: CopyReader.Batch)] {
        guard waiting.isEmpty, shipments.count < shipmentLimit,
            !isSmall || ready.count == batches.count - journalledCount
        else { return [] }
        var result: [(place: Int, read: CopyReader.Batch)] = []
        while let batch = ready[journalledCount],
            batches[journalledCount].side == batches[result.first?.place ?? journalledCount].side
        {
            if case .failure = batch.outcome, !result.isEmpty { break }
            result.append((journalledCount, batch))
            ready[journalledCount] = nil
            journalledCount += 1
            if case .failure = batch.outcome { break }
        }
        return result
    }

    /// Lets a journalled shipment wait for its turn.
    mutating func wait(_ place: Int, _ shipment: CopyShipment) { waiting.append((place, shipment)) }

    /// The next shipment to deliver, which is taken for being under way; `nil` if that has to wait.
    mutating func nextToDeliver() -> (place: Int, shipment: CopyShipment)? {
        guard shipments.count < shipmentLimit else { return nil }
        var before = shipments.values.map(\.batch)
        for (index, next) in zip(waiting.indices, waiting) {
            guard before.contains(where: { $0.isForSameMailbox(as: next.shipment.batch) }) else {
                waiting.remove(at: index)
                shipments[next.place] = next.shipment
                return next
            }
            before.append(next.shipment.batch)
        }
        return nil
    }

    /// Lets go of what a batch holds; its shipment, if there was one.
    mutating func end(_ place: Int) -> CopyShipment? {
        held -= batches[place].weight
        return shipments.removeValue(forKey: place)
    }
}
