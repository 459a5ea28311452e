internal import MailCore

/// A message on its way from one side to the other.
// SAFETY: filled by one task, then handed to another; never used by two at once.
final class SpooledMessage: OutgoingMessage, @unchecked Sendable {
    let position: Int
    var flags: FlagSet
    let internalDate: InternalDate?
    private(set) var octetCount = 0
    private(set) var traits = OctetTraits()
    private(set) var content: ContentIdentity?
    private var pieces: [[UInt8]] = []
    private(set) var file: (any SpoolFile)?
    private var scan = TraitScan()
    private(set) var change = DeliveryChange()

    init(position: Int, flags: FlagSet, internalDate: InternalDate?) {
        (self.position, self.flags, self.internalDate) = (position, flags, internalDate)
    }

    /// Takes the whole message in, of which `announced` octets are expected.
    ///
    /// - Throws: ``SideError`` where it cannot be kept.
    func take(_ message: any IncomingMessage, announced: Int, _ reader: ContentReader, _ room: SpoolRoom) async throws {
        var reader = reader
        (pieces, octetCount, file, scan) = ([], 0, nil, TraitScan())
        if announced > room.memoryLimit { try room.keep { () throws(StoreError) in file = try room.makeFile() } }
        while let piece = try await message.next() {
            reader.update(piece)
            scan.update(piece)
            octetCount += piece.count
            try room.keep { () throws(StoreError) in
                if file == nil, octetCount > room.memoryLimit, let file = try room.makeFile() {
                    for piece in pieces { try file.append(piece) }
                    (pieces, self.file) = ([], file)
                }
                if let file { try file.append(piece) } else { pieces.append(piece) }
            }
        }
        try room.keep { () throws(StoreError) in try file?.finish() }
        content = reader.finish()
        traits = scan.traits
    }

    func wasChanged(_ change: DeliveryChange) { self.change = change }

    func open() throws(StoreError) -> any OctetSource {
        if let file { return try file.open() }
        return PieceSource(pieces)
    }
}

/// Where a message waits between two stores: in memory, and in a file if it is large.
struct SpoolRoom: Sendable {
    /// Octets of one message.
    let memoryLimit: Int
    private let target: MailboxName
    private let side: PairSide
    private let staging: (any StagingStore)?
    private let spooling: (any PairSpooling)?

    /// For messages on their way to `target` on `side`.
    init(for target: MailboxName, on side: PairSide, _ store: any SyncStore, _ options: PairOptions) {
        (self.target, self.side, spooling) = (target, side, options.spooling)
        staging = store as? any StagingStore
        memoryLimit = Self.memoryLimit(staging != nil, options)
    }

    /// LIMIT: of a message that the target takes in beforehand: below this a file's cost shows.
    private static let stagedLimit = 256 << 10
    /// LIMIT: octets that go to the target together where it takes them in beforehand; some 50 waits for the disk a GiB.
    private static let stagedBatchLimit = 16 << 20

    /// A larger message goes to a file; to a sealed one that costs sealing, writing and reading it.
    private static func memoryLimit(_ isStaged: Bool, _ options: PairOptions) -> Int {
        isStaged ? stagedLimit : options.memoryLimit / 2
    }

    /// What messages hold that go to `store` together, and how many octets that may be.
    static func weighing(
        _ store: any SyncStore, _ options: PairOptions
    ) -> (weight: (Int) -> Int, batchOctetLimit: Int) {
        let isStaged = store is any StagingStore
        let limit = memoryLimit(isStaged, options)
        // Of what goes through a file from its first octet on, hardly anything is held.
        let weight = { (octets: Int) in octets <= limit ? octets : isStaged ? limit / 4 : limit }
        return (weight, isStaged ? stagedBatchLimit : options.batchMemoryLimit)
    }

    func makeFile() throws(StoreError) -> (any SpoolFile)? {
        // What the store refuses now it refuses again at the delivery, whose errors are told.
        if let staging, let file = try? staging.stage(for: target) { return file }
        return try spooling?.makeFile()
    }

    func keep(_ body: () throws(StoreError) -> Void) throws {
        do { try body() } catch { throw SideError(side: side, error: error) }
    }
}

private final class PieceSource: OctetSource {
    private var pieces: ArraySlice<[UInt8]>
    init(_ pieces: [[UInt8]]) { self.pieces = pieces[...] }
    func next() throws(StoreError) -> [UInt8]? { pieces.popFirst() }
}

/// Finds out about octets what a store may mind.
private struct TraitScan {
    private(set) var traits = OctetTraits()
    private var isInHeader = true
    private var isAtLineStart = true
    private var wasCR = false
    private var header: [UInt8] = []

    mutating func update(_ octets: [UInt8]) {
        guard !octets.isEmpty else { return }
        traits.hasNUL = traits.hasNUL || LineEnds.haveNUL(octets[...])
        traits.hasBareCR = traits.hasBareCR || LineEnds.haveBareCR(octets[...], afterCR: wasCR)
        traits.lacksLineEnd = octets.last != 0x0A || !(octets.count > 1 ? octets[octets.count - 2] == 0x0D : wasCR)
        wasCR = octets.last == 0x0D
        if isInHeader { takeHeader(octets) }
    }

    private mutating func takeHeader(_ octets: [UInt8]) {
        for octet in octets {
            if octet >= 0x80 { traits.hasOctetsInHeader = true }
            // LIMIT: fields beyond this are taken for what the first ones are.
            if header.count < 1 << 20 { header.append(octet) }
            if octet == 0x0A {
                if isAtLineStart { return endHeader() }
                isAtLineStart = true
            } else if octet != 0x0D {
                isAtLineStart = false
            }
        }
    }

    private mutating func endHeader() {
        isInHeader = false
        if traits.hasOctetsInHeader { traits.isHeaderUTF8 = String(validating: header, as: UTF8.self) != nil }
        header = []
    }
}
