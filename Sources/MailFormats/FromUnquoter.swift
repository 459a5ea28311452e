/// Takes one `>` off each line that starts with `>From `, `>>From `, and so on.
///
/// - SeeAlso: RFC 4155, mboxrd
struct FromUnquoter {
    private static let word = Array("From ".utf8)
    /// LIMIT: quoting is added once for each passing through; more `>` than this is text.
    private static let depthLimit = 64
    private var line: [UInt8] = []
    private var isDeciding = true

    mutating func consume(_ octets: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(octets.count + line.count)
        for octet in octets {
            if !isDeciding {
                output.append(octet)
                isDeciding = octet == 0x0A
                continue
            }
            line.append(octet)
            let quotes = line.prefix { $0 == UInt8(ascii: ">") }.count
            let rest = line.count - quotes
            if rest == 0, quotes <= Self.depthLimit { continue }
            let isMatching =
                quotes > 0 && quotes <= Self.depthLimit && rest > 0
                && octet == Self.word[rest - 1]
            if isMatching, rest < Self.word.count { continue }
            output += isMatching ? line[1...] : line[...]
            isDeciding = octet == 0x0A
            line.removeAll(keepingCapacity: true)
        }
        return output
    }

    mutating func finish() -> [UInt8] {
        defer { line = [] }
        return line
    }
}
