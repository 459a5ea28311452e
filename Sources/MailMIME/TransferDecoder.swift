/// Undoes a transfer encoding as the octets come. Total: what means nothing is skipped or kept, and counted as invalid.
///
/// - SeeAlso: RFC 2045 §6
public struct TransferDecoder: Sendable {
    private enum Work: Sendable {
        case identity
        case base64(TolerantBase64Decoder)
        case quotedPrintable(QuotedPrintableDecoder)
        case uuencode(UuencodeDecoder)
    }
    private var work: Work

    public init(_ encoding: TransferEncoding) {
        switch encoding {
        case .sevenBit, .eightBit, .binary, .other: work = .identity
        case .base64: work = .base64(TolerantBase64Decoder())
        case .quotedPrintable: work = .quotedPrintable(QuotedPrintableDecoder())
        case .uuencode: work = .uuencode(UuencodeDecoder())
        }
    }

    /// Appends what the next octets mean.
    public mutating func consume(_ octets: Span<UInt8>, into output: inout [UInt8]) {
        // ORDER: the state is taken out of the enumeration, so that its buffers are not copied on write.
        switch work {
        case .identity:
            // SAFETY: the buffer is copied inside the call.
            unsafe octets.withUnsafeBufferPointer { unsafe output.append(contentsOf: $0) }
        case .base64(var decoder):
            decoder.consume(octets, into: &output)
            work = .base64(decoder)
        case .quotedPrintable(var decoder):
            work = .identity
            decoder.consume(octets, into: &output)
            work = .quotedPrintable(decoder)
        case .uuencode(var decoder):
            work = .identity
            decoder.consume(octets, into: &output)
            work = .uuencode(decoder)
        }
    }

    /// Ends the body; returns whether all of it made sense.
    public mutating func finish(into output: inout [UInt8]) -> Bool {
        switch work {
        case .identity: return true
        case .base64(var decoder):
            decoder.finish(into: &output)
            return !decoder.hasInvalid
        case .quotedPrintable(var decoder):
            decoder.finish(into: &output)
            return !decoder.hasInvalid
        case .uuencode(var decoder):
            decoder.finish(into: &output)
            return !decoder.hasInvalid
        }
    }

    /// The decoded octets of a whole body.
    public static func decode(_ octets: [UInt8], _ encoding: TransferEncoding) -> [UInt8] {
        var decoder = TransferDecoder(encoding)
        var output: [UInt8] = []
        decoder.consume(octets.span, into: &output)
        _ = decoder.finish(into: &output)
        return output
    }
}

/// Base64 with anything between the characters. After pads it goes on (QUIRK: concatenated base64 bodies).
struct TolerantBase64Decoder: Sendable {
    private var group: UInt32 = 0
    private var count = 0
    private var window = 128
    private(set) var hasInvalid = false

    mutating func consume(_ octets: Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while index < octets.count {
            if count == 0 {
                let passed = Base64.decodeGroups(
                    octets.extracting(index..<min(octets.count, index + window)), into: &output)
                // The window follows the line length: what is asked for is cleared first, so too much is too slow.
                window = passed == window ? min(window * 2, 4_096) : max(passed + 4, 64)
                index += passed
                guard index < octets.count else { return }
            }
            let octet = octets[index]
            let value = Base64.values[Int(octet)]
            index += 1
            if value < 64 {
                group = group << 6 | UInt32(value)
                count += 1
                if count == 4 {
                    output.append(UInt8(truncatingIfNeeded: group >> 16))
                    output.append(UInt8(truncatingIfNeeded: group >> 8))
                    output.append(UInt8(truncatingIfNeeded: group))
                    (group, count) = (0, 0)
                }
            } else if value == 64 {
                Base64.flush(group, count, into: &output)
                (group, count) = (0, 0)
            } else if !ASCII.isSpace(octet) {
                hasInvalid = true
            }
        }
    }

    mutating func finish(into output: inout [UInt8]) {
        if count > 0 { hasInvalid = true }
        Base64.flush(group, count, into: &output)
        (group, count) = (0, 0)
    }
}

/// The octets of the files in a uuencoded body, one after the other; lines outside `begin` … `end` are dropped.
struct UuencodeDecoder: Sendable {
    /// LIMIT: a line holds 63 octets at most, 85 characters; what is longer is no uuencode.
    private static let lineLimit = 256
    private var line: [UInt8] = []
    private var isInside = false
    private(set) var hasInvalid = false

    mutating func consume(_ octets: Span<UInt8>, into output: inout [UInt8]) {
        for index in octets.indices {
            let octet = octets[index]
            if octet == ASCII.lineFeed {
                endLine(into: &output)
            } else if line.count < Self.lineLimit {
                line.append(octet)
            } else {
                hasInvalid = true
            }
        }
    }

    mutating func finish(into output: inout [UInt8]) {
        if !line.isEmpty { endLine(into: &output) }
        if isInside { hasInvalid = true }
    }

    private mutating func endLine(into output: inout [UInt8]) {
        defer { line.removeAll(keepingCapacity: true) }
        if line.last == ASCII.carriageReturn { line.removeLast() }
        guard isInside else {
            isInside = line.starts(with: "begin ".utf8)
            return
        }
        if line.elementsEqual("end".utf8) {
            isInside = false
            return
        }
        guard let first = line.first, first >= 0x20, first <= 0x60 else {
            if !line.isEmpty { hasInvalid = true }
            return
        }
        let length = Int((first &- 0x20) & 63)
        // QUIRK: trailing spaces (the digit 0) are stripped by gateways; absent characters count as 0.
        func digit(_ index: Int) -> UInt32 { index < line.count ? UInt32((line[index] &- 0x20) & 63) : 0 }
        var written = 0
        var index = 1
        while written < length {
            let group = digit(index) << 18 | digit(index + 1) << 12 | digit(index + 2) << 6 | digit(index + 3)
            for place in 0..<min(3, length - written) {
                output.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * place)))
            }
            written += 3
            index += 4
        }
    }
}
