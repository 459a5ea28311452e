import MailCore
import MailSync
import Synchronization

/// Memory that messages on their way in share; what does not fit goes to sealed files.
final class SpoolBudget: Sendable {
    private let free: Mutex<Int>

    init(_ octetCount: Int) { free = Mutex(octetCount) }

    func take(_ count: Int) -> Bool {
        free.withLock { free in
            guard free >= count else { return false }
            free -= count
            return true
        }
    }

    func give(_ count: Int) { free.withLock { $0 += count } }
}

/// One message from its first octet until it is archived: in memory while it is small, else in a file without a name,
/// sealed under a key that is only in memory.
// SAFETY: written by the task of one connection, then read by the task that commits; never used by two at once.
final class CaptureSpool: @unchecked Sendable {
    /// LIMIT: larger messages go to a file; ordinary mail without attachments stays in memory.
    private static let memoryLimit = 256 << 10

    private let budget: SpoolBudget
    private let spooling: any PairSpooling
    private var pieces: [[UInt8]] = []
    private var held = 0
    private var file: (any SpoolFile)?
    private(set) var octetCount = 0

    init(_ budget: SpoolBudget, _ spooling: any PairSpooling) { (self.budget, self.spooling) = (budget, spooling) }

    deinit { budget.give(held) }

    /// - Throws: `.diskFull`, `.ioFailed`.
    func append(_ octets: [UInt8]) throws(StoreError) {
        octetCount += octets.count
        if let file { return try file.append(octets) }
        if octetCount <= Self.memoryLimit, budget.take(octets.count) {
            held += octets.count
            pieces.append(octets)
            return
        }
        let file = try spooling.makeFile()
        for piece in pieces { try file.append(piece) }
        try file.append(octets)
        self.file = file
        dropPieces()
    }

    func finish() throws(StoreError) { try file?.finish() }

    /// From its first octet, any number of times.
    func open() throws(StoreError) -> any IncomingMessage {
        SpooledDelivery(file: try file?.open(), pieces: pieces, octetCount: octetCount)
    }

    /// Hands out its octets from the first on, until `body` wants no more.
    func read(_ body: ([UInt8]) throws(StoreError) -> Bool) throws(StoreError) {
        let delivery = SpooledDelivery(file: try file?.open(), pieces: pieces, octetCount: octetCount)
        while let octets = try delivery.next(), try body(octets) {}
    }

    /// An empty one of the same memory and folder.
    func another() -> CaptureSpool { CaptureSpool(budget, spooling) }

    private func dropPieces() {
        pieces = []
        budget.give(held)
        held = 0
    }
}

private final class SpooledDelivery: IncomingMessage {
    let uid = UID.min
    let announcedOctetCount: Int?
    private let file: (any OctetSource)?
    private var pieces: ArraySlice<[UInt8]>

    init(file: (any OctetSource)?, pieces: [[UInt8]], octetCount: Int) {
        (self.file, self.pieces, announcedOctetCount) = (file, pieces[...], octetCount)
    }

    func next() throws(StoreError) -> [UInt8]? {
        try file.map { file throws(StoreError) in try file.next() } ?? pieces.popFirst()
    }
}
