/// Takes the dots of transparency out of a message behind RETR, octet for octet, and finds its end.
///
/// Only `<CR><LF>` ends a line and only `<CR><LF>.<CR><LF>` the message. Any chunking of the input gives the same octets;
/// nothing is held but the state. One pass.
/// - SeeAlso: RFC 1939 §3
package struct BodyDecoder: Sendable {
    /// What the lines that begin with a dot say of the server.
    package enum Stuffing: Sendable, Hashable {
        case unknown
        /// `..`: a dot was put in front.
        case proper
        /// `.x`: none was, for no server that does sends such a line.
        case missing
    }

    private enum State { case lineStart, text, dot, dotReturn }

    private var state = State.lineStart
    private var endsWithReturn = false
    package private(set) var stuffing = Stuffing.unknown
    /// Octets of the message so far.
    package private(set) var octetCount = 0
    /// The end was read.
    package private(set) var isOver = false

    package init() {}

    /// Takes octets of `input` from `position` on and appends those of the message to `output`; at the message's end
    /// ``isOver`` is true, and `position` behind it.
    ///
    /// QUIRK: a server that puts no dots in front of dots: its lines are kept as they are, as far as that can be told.
    /// - Throws: `.garbled` where some lines have their dot and others have not.
    package mutating func decode(
        _ input: [UInt8], from position: inout Int, into output: inout [UInt8]
    ) throws(POP3ProtocolError) {
        let before = output.count
        defer { octetCount += output.count - before }
        while position < input.count, !isOver {
            switch state {
            case .lineStart:
                if input[position] == UInt8(ascii: ".") {
                    state = .dot
                    position += 1
                } else {
                    (state, endsWithReturn) = (.text, false)
                }
            case .text: takeText(input, &position, &output)
            case .dot:
                switch input[position] {
                case 0x0D:
                    state = .dotReturn
                    position += 1
                case UInt8(ascii: "."):
                    try note(.proper)
                    (state, endsWithReturn) = (.text, false)
                default:
                    try note(.missing)
                    output.append(UInt8(ascii: "."))
                    (state, endsWithReturn) = (.text, false)
                }
            case .dotReturn:
                if input[position] == 0x0A {
                    position += 1
                    isOver = true
                    return
                }
                try note(.missing)
                output += [UInt8(ascii: "."), 0x0D]
                (state, endsWithReturn) = (.text, true)
            }
        }
    }

    /// To the end of the line, or of the input.
    private mutating func takeText(_ input: [UInt8], _ position: inout Int, _ output: inout [UInt8]) {
        var end = position
        while end < input.count, input[end] != 0x0A { end += 1 }
        let hasReturn = end > position ? input[end - 1] == 0x0D : endsWithReturn
        if end < input.count {
            output += input[position...end]
            (position, state, endsWithReturn) = (end + 1, hasReturn ? .lineStart : .text, false)
        } else {
            output += input[position..<end]
            (position, endsWithReturn) = (end, hasReturn)
        }
    }

    private mutating func note(_ seen: Stuffing) throws(POP3ProtocolError) {
        guard stuffing == .unknown || stuffing == seen else {
            throw POP3ProtocolError(.garbled, "Some lines that begin with a dot have another in front, some have not")
        }
        stuffing = seen
    }
}
