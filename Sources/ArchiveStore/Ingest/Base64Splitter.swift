import Glibc

/// Takes the base64 body of one part as it streams and cuts it into a decoded part and literals.
///
/// A body counts as base64 as long as every line is what ``Base64LineEncoder`` would write; what was decoded is encoded
/// again and compared with the source before it is given to the sink. From the first other line on it is literal.
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
    private var encoded: [UInt8] = []
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
        pending.append(span: octets)
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
    private mutating func decodeLines<Sink: PartSink>(
        isWhole: Bool, into builder: inout RecipeBuilder<Sink>
    ) throws(ArchiveError) {
        let start = used
        decodedCount = 0
        if decoded.count < pending.count { decoded = [UInt8](repeating: 0, count: pending.count) }
        if encoded.count < pending.count { encoded = [UInt8](repeating: 0, count: pending.count + 4) }
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
        let (length, start, lineEnd) = (layout.lineLength, used, layout.lineEnd)
        let stride = length + lineEnd.count
        let octets = length / 4 * 3
        let lines = (pending.count - used) / stride
        var good = 0
        // SAFETY: `lines` whole lines are inside `pending`; `decoded` and `encoded` are as long as `pending`.
        unsafe Self.withBuffers(pending, &decoded, &encoded) { source, target, again in
            while good < lines {
                let line = unsafe UnsafeRawBufferPointer(start: source + start + good * stride, count: length)
                let output = unsafe target + good * octets
                guard unsafe line[length - 1] != 0x3D,
                    unsafe Self.endsLine(source + start + good * stride + length, lineEnd),
                    unsafe Base64Groups.decode(line, into: output) == length / 4
                else { break }
                unsafe Base64Groups.encode(UnsafeRawBufferPointer(start: output, count: octets), into: again)
                guard unsafe line.elementsEqualFast(again) else { break }
                good += 1
            }
        }
        decodedCount = good * octets
        used += good * stride
        return good < lines
    }

    private static func withBuffers(
        _ source: [UInt8], _ target: inout [UInt8], _ check: inout [UInt8],
        _ action: (UnsafeRawPointer, UnsafeMutableRawPointer, UnsafeMutableRawPointer) -> Void
    ) {
        unsafe source.withUnsafeBytes { source in
            unsafe target.withUnsafeMutableBytes { target in
                unsafe check.withUnsafeMutableBytes { check in
                    guard let from = source.baseAddress, let into = target.baseAddress, let again = check.baseAddress
                    else { return }
                    unsafe action(from, into, again)
                }
            }
        }
    }

    private static func endsLine(_ at: UnsafeRawPointer, _ lineEnd: LineEnd) -> Bool {
        if lineEnd == .lf { return unsafe at.load(as: UInt8.self) == 0x0A }
        return unsafe at.load(as: UInt8.self) == 0x0D && at.load(fromByteOffset: 1, as: UInt8.self) == 0x0A
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
        decoded.replaceSubrange(decodedCount..<decodedCount + octets.count, with: octets)
        decodedCount += octets.count
        used += length
        let end = layout.lineEnd.octets
        layout.endsWithLineEnd = pending[used...].starts(with: end)
        if layout.endsWithLineEnd { used += end.count }
        return true
    }

    /// The octets of one canonical line with or without pads.
    private static func decodePadded(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        var octets = [UInt8](repeating: 0, count: line.count / 4 * 3)
        var text = [UInt8](repeating: 0, count: line.count)
        let pads = line.suffix(2).count { $0 == 0x3D }
        let plain = line.map { $0 == 0x3D ? UInt8(0x41) : $0 }
        let isDecoded = unsafe plain.withUnsafeBytes { source in
            // SAFETY: three octets for each four characters.
            unsafe octets.withUnsafeMutableBytes { target in
                guard let base = target.baseAddress else { return false }
                return unsafe Base64Groups.decode(source, into: base) == source.count / 4
            }
        }
        guard isDecoded else { return nil }
        octets.removeLast(pads)
        let count = unsafe octets.withUnsafeBytes { source in
            // SAFETY: four characters for each three octets begun.
            unsafe text.withUnsafeMutableBytes { target in
                guard let base = target.baseAddress else { return 0 }
                return unsafe Base64Groups.encode(source, into: base)
            }
        }
        return count == line.count && line.elementsEqual(text) ? octets : nil
    }

    /// Decodes groups of a body without line ends; true if something else is there.
    private mutating func decodeOneLine(isWhole: Bool) -> Bool {
        let (length, start) = ((pending.count - used) / 4 * 4, used)
        var groups = 0
        var isSame = true
        // SAFETY: `length` octets from `used` are inside `pending`; `decoded` and `encoded` are as long as `pending`.
        unsafe Self.withBuffers(pending, &decoded, &encoded) { source, target, again in
            let line = unsafe UnsafeRawBufferPointer(start: source + start, count: length)
            groups = unsafe Base64Groups.decode(line, into: target)
            unsafe Base64Groups.encode(UnsafeRawBufferPointer(start: target, count: 3 * groups), into: again)
            isSame = unsafe UnsafeRawBufferPointer(rebasing: line[..<(4 * groups)]).elementsEqualFast(again)
        }
        if !isSame { groups = 0 }
        decodedCount = 3 * groups
        used += 4 * groups
        let rest = pending.count - used
        if rest < 4 && !isWhole { return false }
        if rest >= 4, let octets = Self.decodePadded(pending[used..<used + 4]) {
            decoded.replaceSubrange(decodedCount..<decodedCount + octets.count, with: octets)
            decodedCount += octets.count
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

extension UnsafeRawBufferPointer {
    /// Whether the octets at `other`, of which there are as many, are the same.
    fileprivate func elementsEqualFast(_ other: UnsafeMutableRawPointer) -> Bool {
        guard let base = baseAddress else { return true }
        return unsafe memcmp(base, other, count) == 0
    }
}
