extension Base64 {
    /// Four tables of 256: the value of each character, shifted to its place in a group of 24 bits with the first octet
    /// lowest; bit 31 marks what is no character. 4 KiB.
    private static let groups: [UInt32] = (0..<4).flatMap { place in
        values.map { value -> UInt32 in
            guard value < 64 else { return 1 << 31 }
            let group = UInt32(value) << UInt32(18 - 6 * place)
            return (group >> 16) | (group & 0xFF00) | (group & 0xFF) << 16
        }
    }

    /// Decodes whole groups of four characters from the start of `octets` until one has something else in it.
    ///
    /// Appends three octets a group and returns how many characters that were, always a multiple of 4. The hot path.
    public static func decodeGroups(_ octets: Span<UInt8>, into output: inout [UInt8]) -> Int {
        var done = 0
        // SAFETY: a block reads 4 * count octets that are there and writes 3 * count + 1 (each group stores 4 octets, the
        // next overwrites the last of them) into room for that. The tables have 4 * 256 members.
        unsafe octets.withUnsafeBufferPointer { source in
            unsafe groups.withUnsafeBufferPointer { tables in
                guard let from = source.baseAddress, let table = tables.baseAddress else { return }
                unsafe withUnsafeTemporaryAllocation(byteCount: blockGroups * 3 + 4, alignment: 8) { block in
                    guard let target = block.baseAddress else { return }
                    while done < source.count / 4 {
                        let count = min(blockGroups, source.count / 4 - done)
                        let decoded = unsafe decode(from + done * 4, count, target, table)
                        unsafe output.append(contentsOf: UnsafeRawBufferPointer(start: target, count: decoded * 3))
                        done += decoded
                        if decoded < count { return }
                    }
                }
            }
        }
        return done * 4
    }

    /// LIMIT: a block of this many groups stays on the stack.
    private static let blockGroups = 320

    private static func decode(
        _ source: UnsafePointer<UInt8>, _ most: Int, _ target: UnsafeMutableRawPointer, _ table: UnsafePointer<UInt32>
    ) -> Int {
        var group = 0
        while group + 2 <= most {
            let eight = unsafe source + group * 4
            let first =
                unsafe table[Int(eight[0])] | table[256 + Int(eight[1])] | table[512 + Int(eight[2])]
                | table[768 + Int(eight[3])]
            let second =
                unsafe table[Int(eight[4])] | table[256 + Int(eight[5])] | table[512 + Int(eight[6])]
                | table[768 + Int(eight[7])]
            if (first | second) >> 31 != 0 { break }
            unsafe target.storeBytes(of: first.littleEndian, toByteOffset: group * 3, as: UInt32.self)
            unsafe target.storeBytes(of: second.littleEndian, toByteOffset: group * 3 + 3, as: UInt32.self)
            group += 2
        }
        while group < most {
            let four = unsafe source + group * 4
            let value =
                unsafe table[Int(four[0])] | table[256 + Int(four[1])] | table[512 + Int(four[2])]
                | table[768 + Int(four[3])]
            if value >> 31 != 0 { return group }
            unsafe target.storeBytes(of: value.littleEndian, toByteOffset: group * 3, as: UInt32.self)
            group += 1
        }
        return group
    }
}

/// Decodes base64 that can be written again octet for octet, and learns how it was laid out.
///
/// Accepts what a plain encoder writes: lines of one length (a multiple of 4), the last one shorter or equal, one kind
/// of line end, pads only at the very end and with zero bits, then at most ``trailerLimit`` octets of white space.
public struct Base64LineDecoder: Sendable {
    /// How the lines were cut; with the octets, all there is to know.
    public struct Layout: Sendable, Hashable, Codable {
        /// Characters a line; 0 when there is one line.
        public var lineLength: Int
        public var lineEnd: LineEnd
        /// The octets after the last character: line ends and other white space.
        public var trailer: [UInt8]

        public init(lineLength: Int, lineEnd: LineEnd, trailer: [UInt8]) {
            (self.lineLength, self.lineEnd, self.trailer) = (lineLength, lineEnd, trailer)
        }
    }
    /// LIMIT: mailers end a body with one or two line ends; more is not worth a layout.
    public static let trailerLimit = 64

    private var lineLength = 0
    private var lineEnd = LineEnd.lf
    private var column = 0
    private var gap: [UInt8] = []
    private var group: UInt32 = 0
    private var groupCount = 0
    private var padCount = 0
    private var isEnded = false
    /// False from the first octet on that no plain encoder would have written.
    public private(set) var isExact = true

    public init() {}

    /// Decodes the next octets; false, now and for ever, once the body is not exact.
    public mutating func consume(_ octets: Span<UInt8>, into output: inout [UInt8]) -> Bool {
        var index = 0
        while isExact, index < octets.count {
            let octet = octets[index]
            if Base64.values[Int(octet)] == 255 {
                isExact = ASCII.isSpace(octet) && gap.count < Self.trailerLimit && column > 0
                gap.append(octet)
                index += 1
            } else if startLineIfNeeded() {
                let end = lineLength == 0 ? octets.count : min(octets.count, index + lineLength - column)
                let passed = characters(octets.extracting(index..<end), into: &output)
                if passed == 0 { isExact = false }
                column += passed
                index += passed
            }
        }
        return isExact
    }

    /// The layout, or `nil` if the body cannot be written again from it.
    public func finish() -> Layout? {
        guard isExact, groupCount == 0, padCount == 0 || isEnded else { return nil }
        return Layout(lineLength: lineLength, lineEnd: lineEnd, trailer: gap)
    }

    /// After white space: it must have been the line end, in the right column.
    private mutating func startLineIfNeeded() -> Bool {
        guard !gap.isEmpty else { return true }
        if lineLength == 0 {
            lineLength = column
            lineEnd = gap.count == 1 ? .lf : .crlf
        }
        isExact = !isEnded && column == lineLength && column % 4 == 0 && gap == lineEnd.octets
        gap.removeAll(keepingCapacity: true)
        column = 0
        return isExact
    }

    /// Decodes up to the first octet that is no character; returns how many were.
    private mutating func characters(_ octets: Span<UInt8>, into output: inout [UInt8]) -> Int {
        var index = 0
        while index < octets.count {
            if groupCount == 0, !isEnded {
                index += Base64.decodeGroups(octets.extracting(index..<octets.count), into: &output)
                guard index < octets.count else { break }
            }
            let value = Base64.values[Int(octets[index])]
            guard value != 255 else { break }
            guard !isEnded, !(value < 64 && padCount > 0), !(value == 64 && groupCount < 2) else {
                isExact = false
                return index + 1
            }
            group = group << 6 | UInt32(value & 63)
            groupCount += 1
            if value == 64 { padCount += 1 }
            if groupCount == 4 { endGroup(into: &output) }
            index += 1
        }
        return index
    }

    private mutating func endGroup(into output: inout [UInt8]) {
        let kept = 3 - padCount
        if group & ((1 << UInt32(8 * padCount)) - 1) != 0 { isExact = false }
        for place in 0..<kept { output.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place))) }
        isEnded = padCount > 0
        (group, groupCount) = (0, 0)
    }
}
