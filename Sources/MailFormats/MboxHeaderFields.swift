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
            guard let name = Self.name(of: line) else {
                hash = SyntheticUID.hash(line, seed: hash)
                continue
            }
            switch name {
            case .status: if line.value.contains("R") { found.append(.seen) }
            case .clientStatus:
                let letters: [(Character, Flag)] = [("A", .answered), ("F", .flagged), ("D", .deleted), ("T", .draft)]
                let value = line.value
                for (letter, flag) in letters where value.contains(letter) { found.append(flag) }
            case .keywords:
                found += line.value.split(whereSeparator: { $0 == " " || $0 == "," }).map { Flag(String($0)) }
            case .mozillaStatus: found += Self.mozilla(line.value)
            case .contentLength: contentLength = Int(line.value)
            case .uid, .imap, .imapBase, .mozillaStatus2, .mozillaKeys, .lines: break
            }
        }
        flags = FlagSet(found)
    }

    /// The fields that clients write and change.
    private enum Name: String, CaseIterable {
        case status
        case clientStatus = "x-status"
        case keywords = "x-keywords"
        case mozillaStatus = "x-mozilla-status"
        case contentLength = "content-length"
        case uid = "x-uid"
        case imap = "x-imap"
        case imapBase = "x-imapbase"
        case mozillaStatus2 = "x-mozilla-status2"
        case mozillaKeys = "x-mozilla-keys"
        case lines

        static let octets = allCases.map { (name: $0, octets: Array($0.rawValue.utf8)) }
    }

    /// `nil` for any other field, and for what is none; octet by octet, for each line of each header comes by.
    private static func name(of line: ArraySlice<UInt8>) -> Name? {
        // Bit 5 is what upper and lower case differ in; all the names begin with one of these.
        guard let first = line.first.map({ $0 | 0x20 }), [0x73, 0x78, 0x63, 0x6C].contains(first) else { return nil }
        return Name.octets.first { _, name in
            guard line.count > name.count, line[line.startIndex + name.count] == UInt8(ascii: ":") else { return false }
            return zip(name, line).allSatisfy { $0 == ((0x41...0x5A).contains($1) ? $1 | 0x20 : $1) }
        }?.name
    }

    /// Thunderbird's bits: 1 read, 2 replied, 4 marked, 8 expunged.
    private static func mozilla(_ value: String) -> [Flag] {
        guard let bits = UInt32(value, radix: 16) else { return [] }
        let flags: [(UInt32, Flag)] = [(1, .seen), (2, .answered), (4, .flagged), (8, .deleted)]
        return flags.filter { bits & $0.0 != 0 }.map(\.1)
    }
}

extension ArraySlice<UInt8> {
    /// What stands after the colon, with one space for any white space.
    fileprivate var value: String {
        String(decoding: drop { $0 != UInt8(ascii: ":") }.dropFirst(), as: UTF8.self)
            .split { $0.isWhitespace }.joined(separator: " ")
    }
}
