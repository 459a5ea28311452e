/// Finds the layout under which a quoted-printable body is written again, octet for octet (ArchiveFormat.md §8.2).
package struct QPAnalysis {
    package var decoded: [UInt8]
    package var layout: QPLayout

    /// LIMIT: parts over 1 MiB are rarely text; the whole body is held while it is looked at.
    package static let maximumPartLength = 1 << 20

    /// `nil` if no layout within the limits writes `source`. Linear.
    package init?(_ source: [UInt8]) {
        let lineEnd = Self.lineEnd(source)
        guard let reading = QPReading(source, lineEnd: lineEnd), reading.decoded.count <= Self.maximumPartLength else {
            return nil
        }
        decoded = reading.decoded
        var best: QPLayout?
        for width in Set([reading.longestLine, 76]) where (4...255).contains(width) {
            var candidate = QPLayout(width: UInt8(width), lineEnd: lineEnd, literal: reading.literal)
            let canonical = QPEncoder(candidate).encodeCanonically(decoded)
            guard let patches = Self.patches(from: canonical, to: source, lineEnd) else { continue }
            candidate.patches = patches
            if best.map({ $0.patches.count > patches.count }) ?? true { best = candidate }
            if patches.isEmpty { break }
        }
        guard let best, QPEncoder(best).encode(decoded) == source else { return nil }
        layout = best
    }

    private static func lineEnd(_ source: [UInt8]) -> LineEnd {
        guard let first = source.firstIndex(of: 0x0A), first > 0, source[first - 1] == 0x0D else { return .lf }
        return .crlf
    }

    /// What turns `canonical` into `target`, one patch for each logical line that differs; `nil` beyond the limits.
    private static func patches(from canonical: [UInt8], to target: [UInt8], _ lineEnd: LineEnd) -> [QPLayout.Patch]? {
        if canonical == target { return [] }
        var patches: [QPLayout.Patch] = []
        var inserted = 0
        var lastEnd = 0
        var (left, right) = (0, 0)
        while left < canonical.count || right < target.count {
            let leftEnd = logicalEnd(canonical, from: left, lineEnd)
            let rightEnd = logicalEnd(target, from: right, lineEnd)
            if canonical[left..<leftEnd] != target[right..<rightEnd] {
                var head = 0
                let shorter = min(leftEnd - left, rightEnd - right)
                while head < shorter, canonical[left + head] == target[right + head] { head += 1 }
                var tail = 0
                while tail < shorter - head, canonical[leftEnd - 1 - tail] == target[rightEnd - 1 - tail] { tail += 1 }
                let octets = Array(target[right + head..<rightEnd - tail])
                inserted += octets.count
                // LIMIT: ArchiveFormat.md §8.2; a body that differs more is not worth the time of every reader.
                guard patches.count < QPLayout.maximumPatchCount, inserted * 50 <= target.count else { return nil }
                patches.append(
                    QPLayout.Patch(
                        copied: left + head - lastEnd, deleted: leftEnd - tail - left - head, inserted: octets))
                lastEnd = leftEnd - tail
            }
            (left, right) = (leftEnd, rightEnd)
        }
        return patches
    }

    /// The end of the logical line at `start`, its line end included; soft breaks are inside.
    private static func logicalEnd(_ text: [UInt8], from start: Int, _ lineEnd: LineEnd) -> Int {
        var index = start
        while index < text.count {
            if text[index] == 0x0A {
                let width = lineEnd.count
                if width == 1 || (index > start && text[index - 1] == 0x0D) {
                    let before = index - width
                    if before < start || text[before] != 0x3D { return index + 1 }
                }
            }
            index += 1
        }
        return index
    }
}

/// A strict decoding of a quoted-printable body, with what it shows of its encoder.
private struct QPReading {
    var decoded: [UInt8] = []
    /// Octets that are written as they are more often than escaped.
    var literal: [Bool] = []
    /// Octets of the longest line, its soft break included.
    var longestLine = 0

    /// `nil` if an `=` starts neither an escape nor a soft break.
    init?(_ source: [UInt8], lineEnd: LineEnd) {
        var escaped = [Int](repeating: 0, count: 256)
        var plain = [Int](repeating: 0, count: 256)
        decoded.reserveCapacity(source.count)
        var index = 0
        var lineStart = 0
        while index < source.count {
            let octet = source[index]
            if octet == 0x3D {
                if let length = Self.lineEndLength(source, at: index + 1, lineEnd) {
                    longestLine = max(longestLine, index + 1 - lineStart)
                    index += 1 + length
                    lineStart = index
                    continue
                }
                guard index + 2 < source.count, let high = Self.nibble(source[index + 1]),
                    let low = Self.nibble(source[index + 2])
                else { return nil }
                let value = high << 4 | low
                index += 3
                decoded.append(value)
                // White space at the end of a line is escaped whatever the encoder thinks of it elsewhere.
                let mustEscape = value == 0x20 || value == 0x09
                let atEnd = index == source.count || Self.lineEndLength(source, at: index, lineEnd) != nil
                if !(mustEscape && atEnd) { escaped[Int(value)] += 1 }
            } else if let length = Self.lineEndLength(source, at: index, lineEnd) {
                longestLine = max(longestLine, index - lineStart)
                decoded.append(contentsOf: lineEnd.octets)
                index += length
                lineStart = index
            } else {
                plain[Int(octet)] += 1
                decoded.append(octet)
                index += 1
            }
        }
        longestLine = max(longestLine, source.count - lineStart)
        literal = (0..<256).map { plain[$0] > escaped[$0] }
    }

    private static func lineEndLength(_ source: [UInt8], at index: Int, _ lineEnd: LineEnd) -> Int? {
        guard index < source.count else { return nil }
        if lineEnd == .lf { return source[index] == 0x0A ? 1 : nil }
        return source[index] == 0x0D && index + 1 < source.count && source[index + 1] == 0x0A ? 2 : nil
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x41 + 10
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }
}
