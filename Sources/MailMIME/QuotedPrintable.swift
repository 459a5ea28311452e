/// Quoted-printable in whole buffers.
///
/// - SeeAlso: RFC 2045 §6.7
public enum QuotedPrintable {
    private static let digits = Array("0123456789ABCDEF".utf8)

    /// Appends `octets` in quoted-printable: line ends stay as they are (LF or CRLF), other controls, `=` and octets over
    /// 126 are quoted, white space at the end of a line too; soft line breaks keep lines to `lineLength` characters.
    ///
    /// - Parameter lineLength: at least 4, the `=` of a soft break included; RFC 2045 allows 76.
    public static func encode(
        _ octets: Span<UInt8>, lineLength: Int = 76, lineEnd: LineEnd = .crlf, into output: inout [UInt8]
    ) {
        precondition(lineLength >= 4, "a quoted-printable line has room for one quoted octet and a soft break")
        var column = 0
        var index = 0
        while index < octets.count {
            let octet = octets[index]
            if octet == ASCII.lineFeed || octet == ASCII.carriageReturn && isLineFeed(octets, index + 1) {
                let end = octet == ASCII.lineFeed ? index + 1 : index + 2
                while index < end {
                    output.append(octets[index])
                    index += 1
                }
                column = 0
                continue
            }
            let isLast = endsLine(octets, index + 1)
            let isBlank = octet == ASCII.space || octet == ASCII.tab
            let isLiteral = isBlank ? !isLast : octet > 0x20 && octet < 0x7F && octet != UInt8(ascii: "=")
            let width = isLiteral ? 1 : 3
            if column + width > lineLength - (isLast ? 0 : 1) {
                output.append(UInt8(ascii: "="))
                output.append(contentsOf: lineEnd.octets)
                column = 0
            }
            if isLiteral {
                output.append(octet)
            } else {
                output.append(UInt8(ascii: "="))
                output.append(digits[Int(octet >> 4)])
                output.append(digits[Int(octet & 15)])
            }
            column += width
            index += 1
        }
    }

    /// What `octets` encode; what is no quoted-printable stays as it is. Total; linear.
    public static func decode(_ octets: Span<UInt8>) -> [UInt8] {
        var decoder = QuotedPrintableDecoder()
        var output: [UInt8] = []
        output.reserveCapacity(octets.count)
        decoder.consume(octets, into: &output)
        decoder.finish(into: &output)
        return output
    }

    private static func isLineFeed(_ octets: Span<UInt8>, _ index: Int) -> Bool {
        index < octets.count && octets[index] == ASCII.lineFeed
    }

    private static func endsLine(_ octets: Span<UInt8>, _ index: Int) -> Bool {
        index >= octets.count || octets[index] == ASCII.lineFeed
            || octets[index] == ASCII.carriageReturn && isLineFeed(octets, index + 1)
    }
}

/// Decodes quoted-printable as it comes. Soft breaks and white space at line ends go, invalid quoting stays.
struct QuotedPrintableDecoder: Sendable {
    private enum State {
        case plain, equals
        case digit(UInt8)
        case softBlank, softReturn
    }
    private var state = State.plain
    private var blanks: [UInt8] = []
    private(set) var hasInvalid = false

    mutating func consume(_ octets: Span<UInt8>, into output: inout [UInt8]) {
        var index = 0
        while index < octets.count {
            let octet = octets[index]
            switch state {
            case .plain: index = plain(octets, from: index, into: &output)
            case .equals:
                if ASCII.hexValue(octet) != nil {
                    state = .digit(octet)
                } else if octet == ASCII.lineFeed {
                    state = .plain
                } else if octet == ASCII.carriageReturn {
                    state = .softReturn
                } else if octet == ASCII.space || octet == ASCII.tab {
                    state = .softBlank
                } else {
                    invalid([UInt8(ascii: "=")], into: &output)
                    continue
                }
                index += 1
            case .digit(let first):
                if let high = ASCII.hexValue(first), let low = ASCII.hexValue(octet) {
                    output.append(high << 4 | low)
                    state = .plain
                    index += 1
                } else {
                    invalid([UInt8(ascii: "="), first], into: &output)
                }
            case .softBlank:
                // QUIRK: gateways pad soft breaks with blanks (RFC 2045 §6.7 (3)).
                if octet == ASCII.carriageReturn {
                    state = .softReturn
                } else if octet == ASCII.lineFeed {
                    state = .plain
                } else if octet != ASCII.space, octet != ASCII.tab {
                    invalid([UInt8(ascii: "="), ASCII.space], into: &output)
                    continue
                }
                index += 1
            case .softReturn:
                state = .plain
                if octet == ASCII.lineFeed { index += 1 }
            }
        }
    }

    mutating func finish(into output: inout [UInt8]) {
        if case .digit(let first) = state { invalid([UInt8(ascii: "="), first], into: &output) }
        blanks.removeAll()
        state = .plain
    }

    private mutating func invalid(_ octets: [UInt8], into output: inout [UInt8]) {
        hasInvalid = true
        output.append(contentsOf: octets)
        state = .plain
    }

    /// LIMIT: white space before a line end is dropped up to this much; more is kept.
    private static let blankLimit = 1_024

    private mutating func plain(_ octets: Span<UInt8>, from start: Int, into output: inout [UInt8]) -> Int {
        var index = start
        while index < octets.count {
            let octet = octets[index]
            index += 1
            if octet == UInt8(ascii: "=") {
                flushBlanks(into: &output)
                state = .equals
                return index
            }
            if octet == ASCII.space || octet == ASCII.tab || octet == ASCII.carriageReturn {
                blanks.append(octet)
                if blanks.count > Self.blankLimit { flushBlanks(into: &output) }
            } else if octet == ASCII.lineFeed {
                if blanks.last == ASCII.carriageReturn { output.append(ASCII.carriageReturn) }
                blanks.removeAll(keepingCapacity: true)
                output.append(octet)
            } else {
                if !blanks.isEmpty { flushBlanks(into: &output) }
                output.append(octet)
            }
        }
        return index
    }

    private mutating func flushBlanks(into output: inout [UInt8]) {
        output.append(contentsOf: blanks)
        blanks.removeAll(keepingCapacity: true)
    }
}
