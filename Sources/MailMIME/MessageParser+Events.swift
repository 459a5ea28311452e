extension MessageParser {
    /// Emits what has passed of the chunk, as what the phase says it is.
    mutating func emitRun(_ octets: Span<UInt8>, upTo end: Int, _ handler: inout some MessageEventHandler) {
        guard end > runStart else { return }
        let slice = octets.extracting(runStart..<end)
        if phase == .header { retain(slice) }
        if phase == .leaf {
            handler.body(slice, at: chunkOffset + runStart)
        } else {
            handler.structure(slice, at: chunkOffset + runStart)
        }
        runStart = end
    }

    mutating func emitStructure(_ octets: Span<UInt8>, upTo end: Int, _ handler: inout some MessageEventHandler) {
        guard end > runStart else { return }
        handler.structure(octets.extracting(runStart..<end), at: chunkOffset + runStart)
        runStart = end
    }

    /// Emits what was held back, as what the phase says it is.
    mutating func emitHeld(_ handler: inout some MessageEventHandler) {
        guard !held.isEmpty else { return }
        if phase == .header {
            let line = held
            retain(line.span)
        }
        if phase == .leaf {
            handler.body(held.span, at: heldOffset)
        } else {
            handler.structure(held.span, at: heldOffset)
        }
        heldOffset += held.count
        held.removeAll(keepingCapacity: true)
        heldLineEnd = 0
    }

    mutating func emitHeldAsStructure(_ handler: inout some MessageEventHandler) {
        guard !held.isEmpty else { return }
        handler.structure(held.span, at: heldOffset)
        heldOffset += held.count
        held.removeAll(keepingCapacity: true)
        heldLineEnd = 0
    }

    /// Holds back `range` of the chunk after emitting all before it.
    mutating func hold(
        _ octets: Span<UInt8>, _ range: ClosedRange<Int>, lineEnd: Int, _ handler: inout some MessageEventHandler
    ) {
        emitRun(octets, upTo: range.lowerBound, &handler)
        heldOffset = chunkOffset + range.lowerBound
        for index in range { held.append(octets[index]) }
        heldLineEnd = lineEnd
        runStart = range.upperBound + 1
    }

    private mutating func retain(_ slice: Span<UInt8>) {
        headerLength += slice.count
        let room = min(
            limits.headerOctetCount - headerOctets.count,
            limits.totalHeaderOctetCount - headerOctetTotal - headerOctets.count)
        if slice.count > room { isHeaderCut = true }
        for index in 0..<max(0, min(slice.count, room)) { headerOctets.append(slice[index]) }
    }
}
