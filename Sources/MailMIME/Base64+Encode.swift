extension Base64 {
    /// The two characters of every 12-bit value, in memory order; 8 KiB.
    private static let pairs: [UInt16] = (0..<4_096).map { value in
        UInt16(littleEndian: UInt16(alphabet[value >> 6]) | UInt16(alphabet[value & 63]) << 8)
    }

    /// How many octets ``encode(_:lineLength:lineEnd:into:)`` appends for `octetCount` octets.
    public static func encodedCount(_ octetCount: Int, lineLength: Int = 0, lineEnd: LineEnd = .lf) -> Int {
        let characters = (octetCount + 2) / 3 * 4
        guard lineLength > 0, characters > 0 else { return characters }
        return characters + (characters - 1) / lineLength * lineEnd.octetCount
    }

    /// Appends `octets` in base64, with `lineEnd` between lines of `lineLength` characters and none after the last.
    ///
    /// - Parameter lineLength: a multiple of 4 (anything else is a caller's bug); 0 for one line.
    public static func encode(
        _ octets: Span<UInt8>, lineLength: Int = 0, lineEnd: LineEnd = .lf, into output: inout [UInt8]
    ) {
        precondition(lineLength >= 0 && lineLength % 4 == 0, "a base64 line is a multiple of 4 long")
        let total = encodedCount(octets.count, lineLength: lineLength, lineEnd: lineEnd)
        guard total > 0 else { return }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: total))
        // SAFETY: `encodedCount` is exactly what is written, and each group reads three octets that are there.
        unsafe octets.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe pairs.withUnsafeBufferPointer { pairs in
                    guard let from = source.baseAddress, let base = target.baseAddress, let table = pairs.baseAddress
                    else { return }
                    unsafe encodeLines(
                        from, source.count, UnsafeMutableRawPointer(base + start), table,
                        lineLength: lineLength == 0 ? .max : lineLength, lineEnd: lineEnd)
                }
            }
        }
    }

    /// ``encode(_:lineLength:lineEnd:into:)-swift.type.method`` of memory that is only borrowed.
    public static func encode(
        _ octets: UnsafeRawBufferPointer, lineLength: Int, lineEnd: LineEnd, into output: inout [UInt8]
    ) {
        // SAFETY: the caller vouches for the buffer during the call.
        unsafe octets.withMemoryRebound(to: UInt8.self) {
            unsafe encode(Span(_unsafeElements: $0), lineLength: lineLength, lineEnd: lineEnd, into: &output)
        }
    }

    private static func encodeLines(
        _ source: UnsafePointer<UInt8>, _ count: Int, _ target: UnsafeMutableRawPointer,
        _ table: UnsafePointer<UInt16>, lineLength: Int, lineEnd: LineEnd
    ) {
        let lineOctets = lineLength == .max ? Int.max : lineLength / 4 * 3
        var from = 0
        var to = 0
        while from < count {
            let stop = count - from > lineOctets ? from + lineOctets : count
            while from + 3 <= stop {
                // SAFETY: from + 2 < count, and four characters for these octets are part of the total.
                let group = unsafe Int(source[from]) << 16 | Int(source[from + 1]) << 8 | Int(source[from + 2])
                unsafe target.storeBytes(of: table[group >> 12], toByteOffset: to, as: UInt16.self)
                unsafe target.storeBytes(of: table[group & 0xFFF], toByteOffset: to + 2, as: UInt16.self)
                from += 3
                to += 4
            }
            if from < stop {
                // SAFETY: `stop` is `count` here: only the last group is short.
                let second = unsafe stop - from > 1 ? Int(source[from + 1]) : 0
                let group = unsafe Int(source[from]) << 16 | second << 8
                unsafe target.storeBytes(of: table[group >> 12], toByteOffset: to, as: UInt16.self)
                unsafe target.storeBytes(of: table[group & 0xFFF], toByteOffset: to + 2, as: UInt16.self)
                unsafe target.storeBytes(of: UInt8(ascii: "="), toByteOffset: to + 3, as: UInt8.self)
                if stop - from == 1 {
                    unsafe target.storeBytes(of: UInt8(ascii: "="), toByteOffset: to + 2, as: UInt8.self)
                }
                from = stop
                to += 4
            }
            guard from < count else { return }
            if lineEnd == .crlf {
                unsafe target.storeBytes(of: 0x0D, toByteOffset: to, as: UInt8.self)
                to += 1
            }
            unsafe target.storeBytes(of: 0x0A, toByteOffset: to, as: UInt8.self)
            to += 1
        }
    }
}
