import MailCore

/// What an mbox's clients wrote into a message's header.
struct MboxHeaderFields {
    private(set) var flags: FlagSet = []
    private(set) var contentLength: Int?
    /// Of all other fields.
    private(set) var hash: UInt64 = SyntheticUID.hash([])

    init(_ header: [UInt8]) {
        var found: [Flag] = []
        for line in header.split(separator: 0x0A) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
                hash = SyntheticUID.hash(line, seed: hash)
                continue
            }
            let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self).split { $0.isWhitespace }.joined(
                separator: " ")
            switch name {
            case "status": if value.contains("R") { found.append(.seen) }
            case "x-status":
                let letters: [(Character, Flag)] = [("A", .answered), ("F", .flagged), ("D", .deleted), ("T", .draft)]
                for (letter, flag) in letters where value.contains(letter) { found.append(flag) }
            case "x-keywords": found += value.split(whereSeparator: { $0 == " " || $0 == "," }).map { Flag(String($0)) }
            case "x-mozilla-status": found += Self.mozilla(value)
            case "content-length": contentLength = Int(value)
            case "x-uid", "x-imap", "x-imapbase", "x-mozilla-status2", "x-mozilla-keys", "lines": break
            default: hash = SyntheticUID.hash(line, seed: hash)
            }
        }
        flags = FlagSet(found)
    }

    /// Thunderbird's bits: 1 read, 2 replied, 4 marked, 8 expunged.
    private static func mozilla(_ value: String) -> [Flag] {
        guard let bits = UInt32(value, radix: 16) else { return [] }
        let flags: [(UInt32, Flag)] = [(1, .seen), (2, .answered), (4, .flagged), (8, .deleted)]
        return flags.filter { bits & $0.0 != 0 }.map(\.1)
    }
}
