import COctets
import Glibc

extension MessageParser {
    private var maySeeDelimiter: Bool { !frames.isEmpty }
    private var candidateLimit: Int {
        // "--" boundary "--" padding CRLF
        4 + limits.boundaryOctetCount + limits.delimiterPaddingOctetCount + 2
    }

    /// Passes over the middle of lines up to the first octet that has to be looked at; the hot path.
    mutating func scan(_ octets: Span<UInt8>, from start: Int, _ handler: inout some MessageEventHandler) -> Int {
        if phase != .header, !maySeeDelimiter { return octets.count }
        if lineEnd == .lineFeed { return scanLineFeeds(octets, from: start, &handler) }
        var index = start
        while index < octets.count, octets[index] != ASCII.lineFeed, octets[index] != ASCII.carriageReturn {
            index += 1
        }
        guard index < octets.count else { return index }
        if octets[index] == ASCII.carriageReturn {
            if phase != .header { hold(octets, index...index, lineEnd: 0, &handler) }
            lineState = .carriageReturn
        } else {
            if lineEnd == .undetermined { lineEnd = .lineFeed }
            if phase != .header { hold(octets, index...index, lineEnd: 1, &handler) }
            lineState = .start
        }
        return index + 1
    }

    private mutating func scanLineFeeds(
        _ octets: Span<UInt8>, from start: Int, _ handler: inout some MessageEventHandler
    ) -> Int {
        var index = start
        while let hit = phase == .header ? lineFeed(in: octets, from: index) : hyphens(in: octets, from: index) {
            let next = hit + 1
            stepCount &+= 1
            if phase == .header, next + 1 < octets.count {
                let octet = octets[next]
                if octet != ASCII.lineFeed, octet != ASCII.carriageReturn, octet != ASCII.hyphen {
                    index = next
                    continue
                }
            }
            lineState = .start
            if phase != .header {
                let hasReturn = hit > runStart && octets[hit - 1] == ASCII.carriageReturn
                hold(octets, (hasReturn ? hit - 1 : hit)...hit, lineEnd: hasReturn ? 2 : 1, &handler)
            }
            return next
        }
        let count = octets.count
        if phase != .header, count > runStart, octets[count - 1] == ASCII.carriageReturn {
            hold(octets, count - 1...count - 1, lineEnd: 0, &handler)
            lineState = .carriageReturn
        }
        return count
    }

    /// The start of a line: an empty line of a header, a possible delimiter, or nothing of interest.
    mutating func resolveStart(
        _ octets: Span<UInt8>, at index: Int, _ handler: inout some MessageEventHandler
    ) -> Int {
        let octet = octets[index]
        let candidate = held.count - heldLineEnd
        stepCount &+= 1
        if phase == .header, candidate == 0 {
            if octet == ASCII.lineFeed {
                if lineEnd == .undetermined { lineEnd = .lineFeed }
                emitRun(octets, upTo: index, &handler)
                emitStructure(octets, upTo: index + 1, &handler)
                endHeader(isCut: false, &handler)
                return index + 1
            }
            if octet == ASCII.carriageReturn {
                hold(octets, index...index, lineEnd: 0, &handler)
                lineState = .blankCarriageReturn
                return index + 1
            }
        }
        if candidate < 2 {
            guard maySeeDelimiter, octet == ASCII.hyphen else {
                emitHeld(&handler)
                lineState = .middle
                return index
            }
        }
        if held.isEmpty {
            emitRun(octets, upTo: index, &handler)
            heldOffset = chunkOffset + index
        }
        held.append(octet)
        runStart = index + 1
        if candidate >= 2 { resolveCandidate(endingIn: octet, &handler) }
        return index + 1
    }

    private mutating func resolveCandidate(endingIn octet: UInt8, _ handler: inout some MessageEventHandler) {
        if octet == ASCII.lineFeed {
            if !completeCandidate(&handler) { releaseLine(&handler) }
        } else if octet == ASCII.carriageReturn, lineEnd == .carriageReturn {
            if completeCandidate(&handler) { skipsLineFeed = true } else { releaseLine(&handler) }
        } else if held.count - heldLineEnd > candidateLimit {
            let endsInReturn = phase != .header && held.last == ASCII.carriageReturn
            if endsInReturn { held.removeLast() }
            emitHeld(&handler)
            lineState = .middle
            guard endsInReturn else { return }
            held.append(ASCII.carriageReturn)
            lineState = .carriageReturn
        }
    }

    /// The held line is no delimiter: all but its line end goes.
    private mutating func releaseLine(_ handler: inout some MessageEventHandler) {
        if phase == .header {
            let endsInReturn = held.last == ASCII.carriageReturn
            emitHeld(&handler)
            lineState = endsInReturn ? .carriageReturn : .start
            return
        }
        let last = held.removeLast()
        var tail = [last]
        if last == ASCII.lineFeed, held.last == ASCII.carriageReturn {
            held.removeLast()
            tail = [ASCII.carriageReturn, ASCII.lineFeed]
        }
        emitHeld(&handler)
        held = tail
        heldLineEnd = last == ASCII.lineFeed ? tail.count : 0
        lineState = last == ASCII.lineFeed ? .start : .carriageReturn
    }

    mutating func resolveReturn(
        _ octets: Span<UInt8>, at index: Int, _ handler: inout some MessageEventHandler
    ) -> Int {
        if octets[index] == ASCII.lineFeed {
            if lineEnd == .undetermined { lineEnd = .lineFeed }
            lineState = .start
            if phase != .header {
                held.append(ASCII.lineFeed)
                heldLineEnd = 2
                runStart = index + 1
            }
            return index + 1
        }
        determineBareReturns(at: chunkOffset + index)
        if lineEnd == .carriageReturn {
            heldLineEnd = held.count
            lineState = .start
        } else {
            emitHeld(&handler)
            lineState = .middle
        }
        return index
    }

    mutating func resolveBlankReturn(
        _ octets: Span<UInt8>, at index: Int, _ handler: inout some MessageEventHandler
    ) -> Int {
        if octets[index] == ASCII.lineFeed {
            if lineEnd == .undetermined { lineEnd = .lineFeed }
            held.append(ASCII.lineFeed)
            runStart = index + 1
            endLineBlank(&handler)
            return index + 1
        }
        determineBareReturns(at: chunkOffset + index)
        if lineEnd == .carriageReturn {
            endLineBlank(&handler)
        } else {
            emitHeld(&handler)
            lineState = .middle
        }
        return index
    }

    /// The held octets are the empty line after a header.
    mutating func endLineBlank(_ handler: inout some MessageEventHandler) {
        emitHeldAsStructure(&handler)
        endHeader(isCut: false, &handler)
    }

    private mutating func determineBareReturns(at offset: Int) {
        guard lineEnd == .undetermined else { return }
        lineEnd = .carriageReturn
        record(.bareCarriageReturns, at: offset)
    }

    private func lineFeed(in octets: Span<UInt8>, from start: Int) -> Int? {
        // SAFETY: memchr reads from `start` to the end of the buffer only, and `start` is not beyond it.
        unsafe octets.withUnsafeBufferPointer { buffer in
            guard start < buffer.count, let base = buffer.baseAddress,
                let hit = unsafe memchr(base + start, Int32(ASCII.lineFeed), buffer.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(base)
        }
    }

    /// The line feed before what may be a delimiter.
    private func hyphens(in octets: Span<UInt8>, from start: Int) -> Int? {
        guard start < octets.count else { return nil }
        // SAFETY: the function reads the octets from `start` to the end of the buffer.
        return unsafe octets.extracting(start...).withUnsafeBufferPointer { buffer in
            let hit = unsafe octets_find_hyphens(buffer.baseAddress, buffer.count)
            return hit < buffer.count ? start + hit : nil
        }
    }
}
