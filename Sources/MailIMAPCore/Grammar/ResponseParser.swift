/// Turns the octets a server sends into responses, however they are cut; bodies pass by without being kept.
///
/// Total: any octets give events or one ``ProtocolError``; linear time; memory bounded by ``Limits``.
/// - SeeAlso: RFC 9051 §4, §7
public struct ResponseParser: Sendable {
    public struct Limits: Sendable, Hashable {
        /// LIMIT: one response without streamed bodies; a SEARCH over 6 million UIDs fits.
        public var responseOctetCount = 64 << 20
        /// LIMIT: one streamed literal; the number64 of rev2 would allow more than a disk holds.
        public var literalOctetCount = 4 << 30

        public init() {}
    }

    private enum State: Sendable {
        case line
        /// Octets of a literal that is kept in ``line``.
        case keptLiteral(remaining: Int)
        case streamedLiteral(remaining: Int)
        /// The one octet that tells whether the literal's count was true.
        case afterStreamed
    }

    private let limits: Limits
    private var state = State.line
    private var line: [UInt8] = []
    /// Where the current stretch of ``line`` begins: after the last literal.
    private var stretchStart = 0
    private var streamed: [StreamedMark] = []

    public init(limits: Limits = Limits()) { self.limits = limits }

    /// True between responses.
    public var isAtResponseStart: Bool {
        if case .line = state { line.isEmpty } else { false }
    }

    /// True inside a literal that is streamed.
    public var isInBody: Bool {
        if case .streamedLiteral = state { true } else { false }
    }

    /// The next event in `input` from `position` on, which moves behind what was used; `nil` when all was.
    ///
    /// After an error the parser is of no further use.
    public mutating func next(
        _ input: Span<UInt8>, from position: inout Int
    ) throws(ProtocolError) -> ResponseEvent? {
        while position < input.count {
            switch state {
            case .line:
                guard takeLine(input, &position) else { break }
                if let event = try finishLine() { return event }
            case .keptLiteral(let remaining):
                let count = min(remaining, input.count - position)
                keep(input, position..<(position + count))
                position += count
                state = remaining == count ? .line : .keptLiteral(remaining: remaining - count)
                if remaining == count { stretchStart = line.count }
            case .streamedLiteral(let remaining):
                guard remaining > 0 else {
                    state = .afterStreamed
                    return .literalEnd
                }
                let range = position..<(position + min(remaining, input.count - position))
                position = range.upperBound
                state = .streamedLiteral(remaining: remaining - range.count)
                return .literalOctets(range)
            case .afterStreamed:
                let octet = input[position]
                guard octet == .close || octet == .space else { throw Self.garbled }
                state = .line
            }
            guard line.count <= limits.responseOctetCount else {
                throw ProtocolError(
                    .limitExceeded, "The server sent a response of more than \(limits.responseOctetCount) octets")
            }
        }
        // ORDER: an empty rest of a literal ends it now, not with the octets of the next response.
        if case .streamedLiteral(0) = state {
            state = .afterStreamed
            return .literalEnd
        }
        return nil
    }

    private static let garbled = ProtocolError(
        .garbled, "What follows a message is not the rest of a FETCH response; its announced length was wrong")

    /// Keeps octets up to a line feed; true when there was one.
    private mutating func takeLine(_ input: Span<UInt8>, _ position: inout Int) -> Bool {
        var index = position
        let end = min(input.count, position + limits.responseOctetCount + 1)
        while index < end, input[index] != .lineFeed { index += 1 }
        let isWhole = index < input.count && input[index] == .lineFeed
        let upper = isWhole ? index + 1 : index
        keep(input, position..<upper)
        position = upper
        return isWhole
    }

    private mutating func keep(_ input: Span<UInt8>, _ range: Range<Int>) {
        // SAFETY: the pointer does not leave the closure.
        unsafe input.extracting(range).withUnsafeBufferPointer { unsafe line.append(contentsOf: $0) }
    }

    /// Looks at the line that just ended: a literal follows, or the response is whole.
    private mutating func finishLine() throws(ProtocolError) -> ResponseEvent? {
        if let header = literalHeaderAtEnd() { return try begin(header) }
        var end = line.count - 1
        if end > 0, line[end - 1] == .carriageReturn { end -= 1 }
        guard end > 0 else {
            // QUIRK: empty lines between responses.
            reset()
            return nil
        }
        let response = Response(parsing: LineCursor(line, streamed: streamed, end: end))
        let hadBody = !streamed.isEmpty
        reset()
        if hadBody, case .fetch = response {} else if hadBody { throw Self.garbled }
        return .response(response)
    }

    private mutating func reset() {
        line.removeAll(keepingCapacity: line.capacity <= 1 << 16)
        streamed.removeAll(keepingCapacity: true)
        stretchStart = 0
        state = .line
    }

    private mutating func begin(_ header: (offset: Int, count: Int)) throws(ProtocolError) -> ResponseEvent? {
        var prefix = LineCursor(line, streamed: streamed)
        if let fetch = prefix.takeFetchPrefix(upTo: header.offset) {
            guard header.count <= limits.literalOctetCount else {
                throw ProtocolError(.limitExceeded, "The server announced a message of \(header.count) octets")
            }
            streamed.append(StreamedMark(headerOffset: header.offset, count: header.count))
            state = .streamedLiteral(remaining: header.count)
            stretchStart = line.count
            return .literalBegin(
                StreamedLiteral(
                    sequenceNumber: fetch.sequenceNumber, uid: fetch.uid, item: fetch.item, octetCount: header.count))
        }
        guard header.count <= limits.responseOctetCount - min(line.count, limits.responseOctetCount) else {
            throw ProtocolError(.limitExceeded, "The server announced a string of \(header.count) octets")
        }
        stretchStart = line.count
        state = header.count == 0 ? .line : .keptLiteral(remaining: header.count)
        return nil
    }

    /// The literal announced by the end of ``line``; text of status responses announces nothing.
    private func literalHeaderAtEnd() -> (offset: Int, count: Int)? {
        var index = line.count - 2
        if index >= stretchStart, line[index] == .carriageReturn { index -= 1 }
        guard index > stretchStart, line[index] == .closeBrace else { return nil }
        let lowest = max(stretchStart, index - 22)
        var open = index - 1
        while open > lowest, line[open] != .openBrace { open -= 1 }
        let cursor = LineCursor(line)
        guard open >= stretchStart, let header = cursor.literalHeader(at: open), header.bodyOffset == line.count,
            !(stretchStart == 0 && isStatusLine())
        else { return nil }
        return (open, header.count)
    }

    /// True for `+ …`, `tag …` and for untagged OK, NO, BAD, BYE and PREAUTH.
    private func isStatusLine() -> Bool {
        var cursor = LineCursor(line)
        guard cursor.take(.star) else { return true }
        cursor.skipSpaces()
        return cursor.takeWord().flatMap(Condition.init(rawValue:)) != nil
    }
}
