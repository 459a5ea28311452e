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
    private var file: (any SpoolFile)?
    private var scan = TraitScan()
    private(set) var change = DeliveryChange()

    init(position: Int, flags: FlagSet, internalDate: InternalDate?) {
        (self.position, self.flags, self.internalDate) = (position, flags, internalDate)
    }

    /// Takes the whole message in; what does not fit into `memoryLimit` goes to a spool file.
    func take(
        _ message: any IncomingMessage, _ reader: ContentReader, memoryLimit: Int, _ spooling: (any PairSpooling)?
    ) async throws {
        var reader = reader
        (pieces, octetCount, file, scan) = ([], 0, nil, TraitScan())
        while let piece = try await message.next() {
            reader.update(piece)
            scan.update(piece)
            octetCount += piece.count
            if file == nil, octetCount > memoryLimit, let spooling {
                let file = try spooling.makeFile()
                for piece in pieces { try file.append(piece) }
                pieces = []
                self.file = file
            }
            if let file { try file.append(piece) } else { pieces.append(piece) }
        }
        try file?.finish()
        content = reader.finish()
        traits = scan.traits
    }

    func wasChanged(_ change: DeliveryChange) { self.change = change }

    func open() throws(StoreError) -> any OctetSource {
        if let file { return try file.open() }
        return PieceSource(pieces)
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
