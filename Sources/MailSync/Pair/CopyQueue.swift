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
                    message, ContentReader(key: key, hashing: options.hashing), memoryLimit: options.messageLimit,
                    options.spooling)
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

/// Where the batches of a copy stand: read ahead as far as they fit into memory, delivered in order.
struct CopyQueue {
    /// LIMIT: deliveries at once. One waits for the disk while another one's octets travel; more gain nothing.
    private static let shipmentCount = 2

    let batches: [CopyBatch]
    private let lanes: Int
    private let memoryLimit: Int
    /// Octets each holds; what is larger than one message may be is on disk.
    private let weights: [Int]
    private var readCount = 0
    private var begunCount = 0
    private var held = 0
    private var ready: [Int: CopyReader.Batch] = [:]
    private var shipments: [Int: CopyShipment] = [:]

    init(_ batches: [CopyBatch], _ options: PairOptions) {
        self.batches = batches
        // What is limited is read when its turn has come.
        lanes = options.limits == PairLimits() ? options.readAhead : 1
        memoryLimit = options.memoryLimit
        weights = batches.map { min($0.octetCount, options.messageLimit) }
    }

    var isResting: Bool { shipments.isEmpty }
    var isDone: Bool { begunCount == batches.count }

    /// The next batch to read, which is taken for being read; `nil` if that has to wait.
    mutating func nextToRead() -> Int? {
        guard readCount < batches.count, readCount - begunCount < lanes,
            held == 0 || held + weights[readCount] <= memoryLimit
        else { return nil }
        // A store may have one reader or one writer: nothing is read from an end that is being delivered to.
        let side = batches[readCount].side
        guard !shipments.values.contains(where: { $0.batch.side != side }),
            !batches[begunCount..<readCount].contains(where: { $0.side != side })
        else { return nil }
        held += weights[readCount]
        readCount += 1
        return readCount - 1
    }

    mutating func isRead(_ place: Int, _ batch: CopyReader.Batch) { ready[place] = batch }

    /// The next batch to deliver; `nil` if that has to wait.
    mutating func nextToDeliver() -> (place: Int, batch: CopyReader.Batch)? {
        guard shipments.count < min(lanes, Self.shipmentCount), let batch = ready[begunCount],
            !shipments.values.contains(where: { $0.batch.isForSameMailbox(as: batches[begunCount]) })
        else { return nil }
        ready[begunCount] = nil
        begunCount += 1
        return (begunCount - 1, batch)
    }

    mutating func begin(_ place: Int, _ shipment: CopyShipment) { shipments[place] = shipment }

    /// Lets go of what a batch holds; its shipment, if there was one.
    mutating func end(_ place: Int) -> CopyShipment? {
        held -= weights[place]
        return shipments.removeValue(forKey: place)
    }
}
