/// Looks for `Content-Transfer-Encoding: binary` in a message's own header and those of its parts.
///
/// A line of a body that looks like one counts, too: the message is then refused, never changed.
package struct DeclaredBinary {
    /// LIMIT: as much of a line as the field can need.
    private static let lineLimit = 256
    private static let name = Array("content-transfer-encoding:".utf8)
    private static let value = Array("binary".utf8)

    private var line: [UInt8] = []
    private var isFound = false

    package init() {}

    package mutating func take(_ octets: [UInt8]) {
        guard !isFound else { return }
        for octet in octets {
            if octet == 10 {
                look()
                line.removeAll(keepingCapacity: true)
            } else if line.count < Self.lineLimit {
                line.append((65...90).contains(octet) ? octet + 32 : octet)
            }
        }
    }

    /// Whether there is one; the last line needs no line end.
    package mutating func finish() -> Bool {
        look()
        return isFound
    }

    private mutating func look() {
        guard line.starts(with: Self.name) else { return }
        isFound = isFound || line.dropFirst(Self.name.count).firstRange(of: Self.value) != nil
    }
}
