/// The quoted-printable encoder that recipes are written for (ArchiveFormat.md §8.2).
package struct QPEncoder {
    package var layout: QPLayout

    package init(_ layout: QPLayout) { self.layout = layout }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// The encoder's output without the patches. Linear in `input`.
    package func encodeCanonically(_ input: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(input.count + input.count / 8)
        var start = 0
        while start < input.count {
            let (end, next) = logicalLine(input, from: start)
            encodeLine(input, start..<end, into: &output)
            if next > end { output.append(contentsOf: layout.lineEnd.octets) }
            start = next
        }
        return output
    }

    /// The end of the logical line at `start`, and where the next one begins (past the line end, if there is one).
    private func logicalLine(_ input: [UInt8], from start: Int) -> (end: Int, next: Int) {
        var index = start
        while index < input.count {
            if layout.lineEnd == .lf {
                if input[index] == 0x0A { return (index, index + 1) }
            } else if input[index] == 0x0D, index + 1 < input.count, input[index + 1] == 0x0A {
                return (index, index + 2)
            }
            index += 1
        }
        return (index, index)
    }

    private func encodeLine(_ input: [UInt8], _ line: Range<Int>, into output: inout [UInt8]) {
        let width = Int(layout.width)
        var column = 0
        for index in line {
            let octet = input[index]
            let isLast = index == line.upperBound - 1
            let isLiteral = layout.literal[Int(octet)] && !(isLast && (octet == 0x20 || octet == 0x09))
            let length = isLiteral ? 1 : 3
            if column + length > width - 1 && !(isLast && column + length <= width) {
                output.append(0x3D)
                output.append(contentsOf: layout.lineEnd.octets)
                column = 0
            }
            if isLiteral {
                output.append(octet)
            } else {
                output.append(0x3D)
                output.append(Self.digits[Int(octet >> 4)])
                output.append(Self.digits[Int(octet & 15)])
            }
            column += length
        }
    }

    /// The encoder's output with the patches applied, or `nil` if a patch reaches past the end.
    package func encode(_ input: [UInt8]) -> [UInt8]? {
        let canonical = encodeCanonically(input)
        guard !layout.patches.isEmpty else { return canonical }
        var output: [UInt8] = []
        output.reserveCapacity(canonical.count)
        var at = 0
        for patch in layout.patches {
            guard patch.copied <= canonical.count - at, patch.deleted <= canonical.count - at - patch.copied else {
                return nil
            }
            output.append(contentsOf: canonical[at..<at + patch.copied])
            output.append(contentsOf: patch.inserted)
            at += patch.copied + patch.deleted
        }
        output.append(contentsOf: canonical[at...])
        return output
    }
}
