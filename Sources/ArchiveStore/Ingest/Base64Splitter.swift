/// Takes the base64 body of one part as it streams and cuts it into a decoded part and literals.
///
/// A body counts as base64 as long as every line is what ``Base64LineEncoder`` would write; what was decoded is encoded
/// again and compared with the source before it is given to the sink. From the first other line on it is literal.
/// Whole lines are decoded where they come in; only what is left of a chunk is kept for the next one.
struct Base64Splitter {
    /// LIMIT: smaller parts stay literal (ArchiveFormat.md §8.1): a blob of its own costs some 350 octets.
    static let minimumPartLength = 2_048
    /// LIMIT: RFC 2045 allows 76 characters; a longer first line is taken as a body of one line.
    private static let maximumLineLength = 4_096
    /// How much is looked at before the first line is judged: enough for two lines of the longest kind.
    private static let probeLength = 8_256

    private enum Mode { case probing, decoding, literal }

    private var mode = Mode.probing
    private var layout = Base64Layout(lineLength: 0, lineEnd: .lf, endsWithLineEnd: false)
    /// Source octets not used yet; they start at `used`.
    private var pending: [UInt8] = []
    private var used = 0
    private var decoded: [UInt8] = []
    /// Octets of `decoded` that hold something.
    private var decodedCount = 0
    private var hasPart = false

    init() {}

    mutating func consume<Sink: PartSink>(
        _ octets: Span<UInt8>, into builder: inout RecipeBuilder<Sink>
    ) throws(ArchiveError) {
        if mode == .literal {
            try builder.literal(octets)
            return
        }
        let passed = hasPart && layout.lineLength > 0 ? try decodeWhereItIs(octets, into: &builder) : 0
        pending.append(span: octets.extracting(passed...))
        if mode == .probing {
            guard pending.count >= Self.probeLength else { return }
            try probe(isWhole: false, into: &builder)
        }
        if mode == .decoding { try decodeLines(isWhole: false, into: &builder) }
        compact()
    }

    mutating func finish<Sink: PartSink>(into builder: inout RecipeBuilder<Sink>) throws(ArchiveError) {
        if mode == .probing { try probe(isWhole: true, into: &builder) }
        if mode == .decoding {
            try decodeLines(isWhole: true, into: &builder)
            if mode == .decoding { try endPart(into: &builder) }
        }
    }

    private mutating func compact() {
        guard used > 0 else { return }
        pending.removeFirst(used)
        used = 0
    }

    /// Learns line length and line end from the first line.
    private mutating func probe<Sink: PartSink>(
        isWhole: Bool, into builder: inout RecipeBuilder<Sink>
    ) throws(ArchiveError) {
        // QUIRK: some senders put empty lines before the text.
        while used < pending.count, pending[used] == 0x0A || pending[used] == 0x0D { used += 1 }
        if used > 0 {
            try literal(0..<used, into: &builder)
            compact()
        }
        let limit = min(pending.count, Self.maximumLineLength + 2)
        if let end = pending[..<limit].firstIndex(of: 0x0A) {
            let isCRLF = end > 0 && pending[end - 1] == 0x0D
            layout.lineEnd = isCRLF ? .crlf : .lf
            layout.lineLength = end - (isCRLF ? 1 : 0)
        } else if pending.count <= Self.maximumLineLength {
            layout.lineLength = pending.count / 4 * 4
        }
        guard layout.lineLength % 4 == 0, layout.lineLength > 0 || pending.count > Self.maximumLineLength,
            pending.count / 4 * 3 >= Self.minimumPartLength, !builder.isSaturated
        else {
            try giveUp(into: &builder)
            return
        }
        mode = .decoding
    }

    private mutating func giveUp<Sink: PartSink>(into builder: inout RecipeBuilder<Sink>) throws(ArchiveError) {
        mode = .literal
        try literal(used..<pending.count, into: &builder)
        pending = []
        used = 0
    }

    private func literal<Sink: PartSink>(
        _ range: Range<Int>, into builder: inout RecipeBuilder<Sink>
    ) throws(ArchiveError) {
        try builder.literal(pending.span.extracting(range))
    }
}

extension Base64Splitter {
    /// Decodes the whole lines of `octets`, the first one with what is pending before it; how many octets those are.
    ///
    /// Stops where the line at hand has to be looked at.
    private mutating func decodeWhereItIs<Sink: PartSink>(
        _ octets: Span<UInt8>, into builder: inout RecipeBuilder<Sink>
    ) throws(ArchiveError) -> Int {
        let stride = layout.lineLength + layout.lineEnd.count
        let octetsALine = layout.lineLength / 4 * 3
        makeRoom(for: pending.count + octets.count)
        var passed = 0
        if !pending.isEmpty {
            passed = min(stride - pending.count, octets.count)
            pending.append(span: octets.extracting(..<passed))
            guard pending.count == stride,
                decodePending({ [layout] in Base64Groups.decodeLines($0, layout, into: &$1, at: 0) }) == 1
            else { return passed }
            pending.removeAll(keepingCapacity: true)
            decodedCount = octetsALine
        }
        let lines = Base64Groups.decodeLines(octets.extracting(passed...), layout, into: &decoded, at: decodedCount)
        decodedCount += lines * octetsALine
        try emit(into: &builder)
        return passed + lines * stride
    }

    /// Lets `decode` read what is pending and write to ``decoded``.
    private mutating func decodePending(_ decode: (Span<UInt8>, inout [UInt8]) -> Int) -> Int {
        var output: [UInt8] = []
        swap(&output, &decoded)
        defer { swap(&output, &decoded) }
        return decode(pending.span.extracting(used...), &output)
    }

    private mutating func makeRoom(for count: Int) {
        let room = count / 4 * 3 + 3 + Base64Groups.slack
        if decoded.count < room { decoded = [UInt8](repeating: 0, count: room) }
    }

    private mutating func decodeLines<Sink: PartSink>(
        isWhole: Bool, into builder: inout RecipeBuilder<Sink>
    ) throws(ArchiveError) {
        let start = used
        decodedCount = 0
        makeRoom(for: pending.count)
        var isOver = layout.lineLength > 0 ? decodeFullLines() : decodeOneLine(isWhole: isWhole)
        if layout.lineLength > 0 { isOver = decodeLastLine(isWhole: isWhole, isOver: isOver) }
        if !hasPart, decodedCount < Self.minimumPartLength {
            used = start
            try giveUp(into: &builder)
            return
        }
        try emit(into: &builder)
        if isOver {
            try endPart(into: &builder)
            try giveUp(into: &builder)
        }
    }

    /// Decodes lines of exactly the known length; true if a line is there that is not one.
    private mutating func decodeFullLines() -> Bool {
        let stride = layout.lineLength + layout.lineEnd.count
        let lines = (pending.count - used) / stride
        let good = decodePending { [layout] in Base64Groups.decodeLines($0, layout, into: &$1, at: 0) }
        decodedCount = good * (layout.lineLength / 4 * 3)
        used += good * stride
        return good < lines
    }

    /// Takes a shorter, padded or unterminated line as the last one; true if the part is over.
    private mutating func decodeLastLine(isWhole: Bool, isOver: Bool) -> Bool {
        let rest = pending.count - used
        if !isOver && !isWhole {
            // A line that may still grow: short ones end with the body or with a line end before their full length.
            guard pending[used...].prefix(layout.lineLength).contains(0x0A) else { return false }
        }
        guard rest > 0 else {
            layout.endsWithLineEnd = true
            return isOver
        }
        let limit = min(rest, layout.lineLength)
        var length = 0
        while length < limit, pending[used + length] != 0x0A, pending[used + length] != 0x0D { length += 1 }
        guard length > 0, length % 4 == 0, let octets = Self.decodePadded(pending[used..<used + length]) else {
            layout.endsWithLineEnd = true
            return true
        }
        put(octets)
        used += length
        let end = layout.lineEnd.octets
        layout.endsWithLineEnd = pending[used...].starts(with: end)
        if layout.endsWithLineEnd { used += end.count }
        return true
    }

    private mutating func put(_ octets: [UInt8]) {
        decoded.replaceSubrange(decodedCount..<decodedCount + octets.count, with: octets)
        decodedCount += octets.count
    }

    /// The octets of one canonical line with or without pads.
    private static func decodePadded(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        let plain = Array(line.dropLast(4))
        guard let last = Base64Groups.decodePadded(Array(line.suffix(4))) else { return nil }
        var octets = [UInt8](repeating: 0, count: plain.count / 4 * 3 + Base64Groups.slack)
        guard Base64Groups.decode(plain.span, into: &octets) == plain.count / 4 else { return nil }
        octets.removeLast(Base64Groups.slack)
        return octets + last
    }

    /// Decodes groups of a body without line ends; true if something else is there.
    private mutating func decodeOneLine(isWhole: Bool) -> Bool {
        let groups = decodePending { Base64Groups.decode($0, into: &$1) }
        decodedCount = 3 * groups
        used += 4 * groups
        let rest = pending.count - used
        if rest < 4 && !isWhole { return false }
        if rest >= 4, let octets = Base64Groups.decodePadded(Array(pending[used..<used + 4])) {
            put(octets)
            used += 4
        }
        return true
    }

    private mutating func emit<Sink: PartSink>(into builder: inout RecipeBuilder<Sink>) throws(ArchiveError) {
        guard decodedCount > 0 else { return }
        if !hasPart {
            try builder.beginPart()
            hasPart = true
        }
        try builder.sink.writePart(decoded.span.extracting(0..<decodedCount))
        decodedCount = 0
    }

    /// Ends the part; a part whose lines all were full ones is ended by a line end.
    private mutating func endPart<Sink: PartSink>(into builder: inout RecipeBuilder<Sink>) throws(ArchiveError) {
        mode = .literal
        guard hasPart else { return }
        let layout = layout
        try builder.endPart { .base64(part: $0, layout) }
    }
}
