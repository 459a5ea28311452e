/// Octets that are read by their offset.
protocol SeekableOctets: ~Copyable {
    /// Up to `count` octets from `offset`; fewer only at the end.
    func read(_ count: Int, at offset: Int) throws(FormatsError) -> [UInt8]

    /// Nothing before `offset` will be asked for any more.
    func forget(before offset: Int) throws(FormatsError)
}

extension SeekableOctets where Self: ~Copyable {
    func forget(before offset: Int) throws(FormatsError) {}
}

extension Descriptor: SeekableOctets {}

/// What was read of a stream and may be asked for once more, and a little of what comes.
package final class OctetWindow: SeekableOctets {
    /// LIMIT: octets ahead of what is not forgotten yet; what lies further cannot be read yet.
    package static let lookahead = 16 << 20
    private let cursor: OctetCursor
    /// Of the first octet held.
    private var base = 0
    private var held: [UInt8] = []
    /// Octets at the start of `held` that are forgotten.
    private var forgotten = 0

    package init(_ stream: any OctetStream) { cursor = OctetCursor(stream) }

    /// - Throws: `.ioFailed` for what is forgotten or too far ahead; errors of the stream.
    package func read(_ count: Int, at offset: Int) throws(FormatsError) -> [UInt8] {
        let start = base + forgotten
        guard offset >= start, count >= 0, offset - start <= Self.lookahead - count else {
            throw FormatsError(.ioFailed, "out of reach", path: "")
        }
        let wanted = offset - base + count
        while held.count < wanted, let piece = try cursor.take(wanted - held.count) { held += piece }
        let end = min(wanted, held.count)
        return Array(held[min(offset - base, end)..<end])
    }

    /// - Throws: `.damaged` when the stream ends before `offset`.
    package func forget(before offset: Int) throws(FormatsError) {
        guard offset > base + forgotten else { return }
        if offset >= base + held.count {
            held = []
            (base, forgotten) = (offset, 0)
            guard try cursor.advance(to: offset) else { throw FormatsError(.damaged, "it ends too early", path: "") }
        } else {
            forgotten = offset - base
            // LIMIT: octets are moved once for each time as many were forgotten: linear in all.
            guard forgotten > held.count / 2 else { return }
            held.removeFirst(forgotten)
            (base, forgotten) = (offset, 0)
        }
    }
}

/// A stretch of a window, with offsets of its own.
struct WindowSlice: SeekableOctets {
    let window: OctetWindow
    let start: Int
    let count: Int

    /// - Throws: `.damaged` when the stream ends before the stretch does.
    func read(_ count: Int, at offset: Int) throws(FormatsError) -> [UInt8] {
        guard offset >= 0, offset < self.count else { return [] }
        let wanted = min(count, self.count - offset)
        let octets = try window.read(wanted, at: start + offset)
        guard octets.count == wanted else {
            throw FormatsError(.damaged, "it ends in the middle of a file", path: "")
        }
        return octets
    }

    func forget(before offset: Int) throws(FormatsError) {
        try window.forget(before: start + min(offset, count))
    }
}
