/// Cuts octets into command lines; any chunking of the input gives the same lines.
///
/// Holds at most one line of ``limit`` octets; linear in the input.
package struct CommandDecoder: Sendable {
    package enum Element: Sendable, Hashable {
        /// Without CRLF.
        case line([UInt8])
        /// Longer than the limit; thrown away to its end.
        case tooLong
        /// A LF without CR or a CR without LF: what comes behind cannot be trusted.
        case bareLineEnd(BareLineEnd)
    }

    private let limit: Int
    private var line: [UInt8] = []
    private var isTooLong = false
    private var isBehindCR = false

    /// - Parameter limit: octets of a line with its CRLF.
    package init(limit: Int) { self.limit = limit }

    /// True between two lines.
    package var isEmpty: Bool { line.isEmpty && !isTooLong && !isBehindCR }

    /// Takes octets from the front of `input` up to the end of a line; `nil` when they are used up before.
    package mutating func next(_ input: inout ArraySlice<UInt8>) -> Element? {
        while let octet = input.popFirst() {
            if isBehindCR {
                guard octet == 0x0A else { return .bareLineEnd(.carriageReturn) }
                defer { (line, isTooLong, isBehindCR) = ([], false, false) }
                return isTooLong ? .tooLong : .line(line)
            }
            switch octet {
            case 0x0D: isBehindCR = true
            case 0x0A: return .bareLineEnd(.lineFeed)
            default:
                if line.count + 2 >= limit { (line, isTooLong) = ([], true) }
                if !isTooLong { line.append(octet) }
            }
        }
        return nil
    }
}

/// Half a line end.
package enum BareLineEnd: String, Sendable, Hashable {
    case lineFeed = "<LF>"
    case carriageReturn = "<CR>"
}
