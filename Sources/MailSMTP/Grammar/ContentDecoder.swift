/// Takes the dots of transparency out of what comes behind DATA, and finds the end.
///
/// Only `<CR><LF>.<CR><LF>` ends the content, and only `<CR><LF>` ends a line: anything that another server could take for
/// either is refused (SMTP smuggling). Any chunking of the input gives the same octets; nothing is held but the state.
/// - SeeAlso: RFC 5321 §4.5.2, §4.1.1.4
package struct ContentDecoder: Sendable {
    package enum Outcome: Sendable, Hashable {
        /// The input is used up.
        case more
        /// The final dot was read; what is left of the input comes behind the content.
        case end
        case bareLineEnd(BareLineEnd)
    }

    private enum State { case lineStart, text, carriageReturn, dot, dotReturn }

    private let acceptsBareCR: Bool
    private var state = State.lineStart

    package init(acceptsBareCR: Bool = false) { self.acceptsBareCR = acceptsBareCR }

    /// Takes octets from the front of `input` and appends content to `output`.
    package mutating func decode(_ input: inout ArraySlice<UInt8>, into output: inout [UInt8]) -> Outcome {
        while let octet = input.first {
            switch (state, octet) {
            case (.text, _) where octet != 0x0D && octet != 0x0A:
                let end = input.firstIndex { $0 == 0x0D || $0 == 0x0A } ?? input.endIndex
                output += input[..<end]
                input = input[end...]
                continue
            case (.lineStart, UInt8(ascii: ".")): state = .dot
            case (.lineStart, 0x0D), (.text, 0x0D): state = .carriageReturn
            case (.lineStart, 0x0A), (.text, 0x0A), (.dot, 0x0A):
                input.removeFirst()
                return .bareLineEnd(.lineFeed)
            case (.dot, 0x0D): state = .dotReturn
            case (.carriageReturn, 0x0A):
                output += [0x0D, 0x0A]
                state = .lineStart
            case (.dotReturn, 0x0A):
                input.removeFirst()
                state = .lineStart
                return .end
            case (.carriageReturn, _), (.dotReturn, _):
                guard acceptsBareCR else {
                    input.removeFirst()
                    return .bareLineEnd(.carriageReturn)
                }
                output.append(0x0D)
                state = .text
                continue
            case (.lineStart, _), (.dot, _), (.text, _):
                // Of a line that begins with a dot the dot goes, whatever is behind it.
                output.append(octet)
                state = .text
            }
            input.removeFirst()
        }
        return .more
    }
}
