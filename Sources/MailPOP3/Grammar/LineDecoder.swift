/// Cuts what the server sends into lines.
///
/// Any chunking of the input gives the same lines; what is held is bounded.
package struct LineDecoder: Sendable {
    /// LIMIT: RFC 1939 §3 allows 512 octets; capabilities and challenges of a SASL mechanism are longer at some servers.
    package static let lengthLimit = 8_192

    private var pending: [UInt8] = []

    package init() {}

    /// Nothing of a line was taken.
    package var isAtLineStart: Bool { pending.isEmpty }

    /// The next line without its end, taken from the front of `input`; `nil` when more is needed.
    ///
    /// QUIRK: a line of scripts and old servers ends with LF alone.
    /// - Throws: `.limitExceeded`.
    package mutating func next(_ input: inout ArraySlice<UInt8>) throws(POP3ProtocolError) -> [UInt8]? {
        let end = input.firstIndex(of: 0x0A)
        let count = (end ?? input.endIndex) - input.startIndex
        guard pending.count + count <= Self.lengthLimit else {
            throw POP3ProtocolError(.limitExceeded, "A line of the server has more than \(Self.lengthLimit) octets")
        }
        pending += input.prefix(count)
        input = input.dropFirst(end == nil ? count : count + 1)
        guard end != nil else { return nil }
        var line = pending
        pending = []
        if line.last == 0x0D { line.removeLast() }
        return line
    }
}
