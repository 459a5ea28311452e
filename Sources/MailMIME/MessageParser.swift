/// Splits a raw message into structure and bodies while it passes, and builds its tree.
///
/// Total: every sequence of octets is a message. Linear in its length, whatever it holds; memory is bounded by the
/// limits. Any chunking gives the same result. At most a line end and a possible delimiter line are held back.
/// - SeeAlso: RFC 2046 §5.1.1, RFC 5322 §2.1
public struct MessageParser: Sendable {
    enum Phase: Sendable { case header, leaf, preamble, epilogue }
    enum LineState: Sendable {
        /// At the start of a line; `held` is a line end and the start of a possible delimiter.
        case start
        case middle
        /// After a CR of which the next octet says what it is: in a body it is held, in a header it is not.
        case carriageReturn
        /// After a CR that started a line of the header; it is held.
        case blankCarriageReturn
    }
    /// Told by the first line end of the message.
    enum LineEnd: Sendable { case undetermined, lineFeed, carriageReturn }
    /// An open multipart.
    struct Frame: Sendable {
        var part: Int
        var boundary: [UInt8]
    }

    let limits: ParserLimits
    var parts: [BodyPart] = []
    var defects: [Defect] = []
    /// Open multiparts, outermost first; bounded by the nesting limit.
    var frames: [Frame] = []
    var current = 0
    var phase = Phase.header
    var lineState = LineState.start
    var lineEnd = LineEnd.undetermined
    var held: [UInt8] = []
    /// Absolute offset of the first of `held`.
    var heldOffset = 0
    /// How many octets of `held` are the line end before the possible delimiter.
    var heldLineEnd = 0
    /// After a delimiter line that ended in CR: an LF would still belong to it.
    var skipsLineFeed = false
    var headerOctets: [UInt8] = []
    /// Of the header at hand, kept or not.
    var headerLength = 0
    var headerOctetTotal = 0
    var isHeaderCut = false
    /// Absolute offset of the chunk at hand.
    var chunkOffset = 0
    /// Octets of the chunk from here on are not emitted yet.
    var runStart = 0
    /// Line starts and held octets looked at; what the tests count to see that work is linear.
    package var stepCount = 0

    public init(limits: ParserLimits = .default) {
        self.limits = limits
        parts.append(Self.newPart(index: 0, parent: nil, depth: 1, at: 0, isInDigest: false))
    }

    /// True while what comes belongs to the body of a leaf, or to the delimiter behind it.
    public var isInBody: Bool { phase == .leaf }

    /// Feeds the next octets of the message.
    public mutating func consume(_ octets: Span<UInt8>, into handler: inout some MessageEventHandler) {
        runStart = 0
        var index = 0
        while index < octets.count {
            if skipsLineFeed {
                skipsLineFeed = false
                if octets[index] == ASCII.lineFeed {
                    index += 1
                    emitStructure(octets, upTo: index, &handler)
                    continue
                }
            }
            switch lineState {
            case .middle: index = scan(octets, from: index, &handler)
            case .start: index = resolveStart(octets, at: index, &handler)
            case .carriageReturn: index = resolveReturn(octets, at: index, &handler)
            case .blankCarriageReturn: index = resolveBlankReturn(octets, at: index, &handler)
            }
        }
        emitRun(octets, upTo: octets.count, &handler)
        chunkOffset += octets.count
        runStart = 0
    }

    /// Ends the message; the parser is used up.
    public mutating func finish(into handler: inout some MessageEventHandler) -> ParsedMessage {
        if lineState == .blankCarriageReturn {
            endLineBlank(&handler)
        } else if !held.isEmpty, lineState != .start || !completeCandidate(&handler) {
            emitHeld(&handler)
        }
        if phase == .header { endHeader(isCut: true, &handler) }
        if phase == .leaf { handler.bodyEnd(current) }
        for frame in frames { record(.closeDelimiterMissing, at: parts[frame.part].headerRange.lowerBound) }
        closeParts(above: nil, at: chunkOffset)
        return ParsedMessage(parts: parts, defects: defects, octetCount: chunkOffset)
    }

    /// The tree of a whole message.
    public static func parse(_ octets: [UInt8], limits: ParserLimits = .default) -> ParsedMessage {
        var handler = NoHandler()
        return parse(octets, limits: limits, into: &handler)
    }

    /// The tree of a whole message, its octets going through `handler`.
    public static func parse(
        _ octets: [UInt8], limits: ParserLimits = .default, into handler: inout some MessageEventHandler
    ) -> ParsedMessage {
        var parser = MessageParser(limits: limits)
        parser.consume(octets.span, into: &handler)
        return parser.finish(into: &handler)
    }

    mutating func record(_ kind: Defect.Kind, at offset: Int) {
        if defects.count < limits.defectCount { defects.append(Defect(kind, offset: offset)) }
    }
}
