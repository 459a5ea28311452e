import COctets

/// Exact base64 of whole groups: what a recipe's B64 operation needs, nothing tolerant.
///
/// `MailMIME.Base64` reads whatever mail holds; this one accepts only what its encoder writes. What it decodes it encodes
/// again and compares with the source.
enum Base64Groups {
    /// Octets behind its result that a decoder may touch.
    static let slack = Int(OCTETS_SLACK)

    /// Decodes lines of `layout` from the start of `text` until one is shorter, longer, padded or foreign.
    ///
    /// Writes to `output` from `start`, which has room for all of `text` decoded and ``slack`` more. The number of lines.
    static func decodeLines(
        _ text: Span<UInt8>, _ layout: Base64Layout, into output: inout [UInt8], at start: Int
    ) -> Int {
        let lines = text.count / (layout.lineLength + layout.lineEnd.count)
        guard lines > 0 else { return 0 }
        precondition(output.count - start >= lines * (layout.lineLength / 4 * 3) + slack)
        // SAFETY: `lines` whole lines are inside `text`; the room was just checked.
        return unsafe text.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else { return 0 }
                return unsafe octets_base64_decode_lines(
                    source, lines, layout.lineLength, layout.lineEnd.count, target + start)
            }
        }
    }

    /// Decodes whole groups without pads from the start of `text` until one is not; the number of groups.
    ///
    /// Writes to the start of `output`, with room as above.
    static func decode(_ text: Span<UInt8>, into output: inout [UInt8]) -> Int {
        let groups = text.count / 4
        precondition(output.count >= groups * 3 + slack)
        // SAFETY: `groups` whole groups are inside `text`; the room was just checked.
        return unsafe text.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                guard let source = source.baseAddress, let target = target.baseAddress else { return 0 }
                return unsafe octets_base64_decode(source, groups, target)
            }
        }
    }

    /// The octets of one canonical group with one or two pads or none, at the end of a body; `nil` for any other.
    static func decodePadded(_ group: [UInt8]) -> [UInt8]? {
        let pads = group.suffix(2).count { $0 == 0x3D }
        let plain = group.map { $0 == 0x3D ? UInt8(0x41) : $0 }
        var octets = [UInt8](repeating: 0, count: 3 + slack)
        guard group.count == 4, decode(plain.span, into: &octets) == 1 else { return nil }
        octets.removeLast(slack + pads)
        var again: [UInt8] = []
        appendLast(octets, to: &again)
        return again == group ? octets : nil
    }

    /// Appends whole groups of `octets`, and after each `lineGroups` of them `lineEnd`; no line end with 0 of them.
    static func append(
        _ octets: ArraySlice<UInt8>, lineGroups: Int, lineEnd: LineEnd, to output: inout [UInt8]
    ) {
        let groups = octets.count / 3
        let lines = lineGroups > 0 ? groups / lineGroups : 0
        guard groups > 0 else { return }
        output.append(addingCapacity: groups * 4 + lines * lineEnd.count + slack) { target in
            // SAFETY: the capacity is what the function asks for, and it says how much of it it filled.
            unsafe target.withUnsafeMutableBufferPointer { buffer, count in
                unsafe octets.withUnsafeBufferPointer { source in
                    guard let source = source.baseAddress, let base = buffer.baseAddress else { return }
                    let written = unsafe octets_base64_encode(
                        source, groups, lineGroups, lineGroups > 0 ? lineEnd.count : 0, base + count)
                    count += Int(written)
                }
            }
        }
    }

    /// Appends the last one, two or three octets of a body as a group with its pads.
    static func appendLast(_ octets: [UInt8], to output: inout [UInt8]) {
        let missing = 3 - octets.count
        append((octets + Array(repeating: 0, count: missing))[...], lineGroups: 0, lineEnd: .lf, to: &output)
        for index in 0..<missing { output[output.count - 1 - index] = 0x3D }
    }
}

/// Writes the base64 text of a part in pieces, as a ``Base64Layout`` says.
package struct Base64LineEncoder {
    let layout: Base64Layout
    /// Characters on the line at hand.
    private var column = 0
    /// Up to two octets that do not make a group yet.
    private var rest: [UInt8] = []

    package init(_ layout: Base64Layout) { self.layout = layout }

    /// Appends the text of `octets` to `output`; what does not fill a group waits for more.
    package mutating func encode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var input = octets
        if !rest.isEmpty {
            let missing = min(3 - rest.count, input.count)
            rest.append(contentsOf: input.prefix(missing))
            input = input.dropFirst(missing)
            guard rest.count == 3 else { return }
            let group = rest
            rest = []
            encodeGroups(group[...], into: &output)
        }
        let whole = input.count / 3 * 3
        encodeGroups(input.prefix(whole), into: &output)
        rest.append(contentsOf: input.dropFirst(whole))
    }

    /// Appends the last group and line end.
    package mutating func finish(into output: inout [UInt8]) {
        if !rest.isEmpty {
            breakLine(into: &output)
            Base64Groups.appendLast(rest, to: &output)
            rest = []
        }
        if layout.endsWithLineEnd { output.append(contentsOf: layout.lineEnd.octets) }
    }

    /// Ends a full line: only when something comes behind it.
    private mutating func breakLine(into output: inout [UInt8]) {
        guard layout.lineLength > 0, column == layout.lineLength else { return }
        output.append(contentsOf: layout.lineEnd.octets)
        column = 0
    }

    private mutating func encodeGroups(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        guard layout.lineLength > 0 else {
            Base64Groups.append(octets, lineGroups: 0, lineEnd: layout.lineEnd, to: &output)
            return
        }
        let lineGroups = layout.lineLength / 4
        var input = octets
        while !input.isEmpty {
            breakLine(into: &output)
            // Whole lines with something behind them, at once; otherwise what the line at hand takes.
            let lines = column == 0 ? (input.count / 3 - 1) / lineGroups : 0
            let groups = lines > 0 ? lines * lineGroups : min(input.count / 3, lineGroups - column / 4)
            Base64Groups.append(
                input.prefix(3 * groups), lineGroups: lines > 0 ? lineGroups : 0, lineEnd: layout.lineEnd, to: &output)
            if lines == 0 { column += 4 * groups }
            input = input.dropFirst(3 * groups)
        }
    }
}
