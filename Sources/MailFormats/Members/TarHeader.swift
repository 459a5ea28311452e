import MailCore

/// The block before a member of a tar archive.
///
/// | at | octets | |
/// |---|---|---|
/// | 0 | 100 | name |
/// | 124 | 12 | size, octal, or base 256 where the first bit is set |
/// | 136 | 12 | time |
/// | 148 | 8 | checksum: sum of all octets, these taken as spaces |
/// | 156 | 1 | type |
/// | 257 | 6 | `ustar` |
/// | 345 | 155 | what stands before the name, in `ustar` |
/// - SeeAlso: POSIX.1-2017, pax, "ustar Interchange Format"
package struct TarHeader {
    static let octetCount = 512
    var name: [UInt8]
    var size: Int
    var modified: Int64?
    var type: UInt8

    /// `nil` for a block that is no header.
    init?(_ block: [UInt8]) {
        guard block.count == Self.octetCount, let told = Self.number(block[148..<156]) else { return nil }
        var sum = 0
        // QUIRK: old programs on machines with signed characters summed those up.
        var signedSum = 0
        for (index, octet) in block.enumerated() {
            let octet = (148..<156).contains(index) ? 0x20 : octet
            sum += Int(octet)
            signedSum += Int(Int8(bitPattern: octet))
        }
        guard told == sum || told == signedSum, let size = Self.number(block[124..<136]) else { return nil }
        (self.size, type) = (size, block[156])
        modified = Self.number(block[136..<148]).flatMap { Int64($0).plausibleTime }
        name = Array(block[..<100].prefix { $0 != 0 })
        // QUIRK: GNU tar's own format has times where ustar has the prefix; it says `ustar` and two spaces.
        if block[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0]) {
            let prefix = block[345..<500].prefix { $0 != 0 }
            if !prefix.isEmpty { name = Array(prefix) + [0x2F] + name }
        }
    }

    /// `nil` for what is no number, is negative or too large.
    package static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            var value = Int(first & 0x3F)
            guard first & 0x40 == 0 else { return nil }
            for octet in field.dropFirst() {
                guard value < Int.max >> 9 else { return nil }
                value = value << 8 | Int(octet)
            }
            return value
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        if digits.isEmpty { return 0 }
        return Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }
}

/// What a pax header says of the member behind it.
package struct TarExtension {
    package var name: [UInt8]?
    package var size: Int?
    var modified: Int64?
    var isSparse = false

    // record = length SP keyword "=" value LF   ; POSIX.1-2017, pax Extended Header
    /// Total: stops at the first record that is none.
    package init(_ octets: [UInt8]) {
        var rest = octets[...]
        while let space = rest.firstIndex(of: 0x20), space - rest.startIndex < 12,
            let count = Int(String(decoding: rest[..<space], as: UTF8.self)), count > space - rest.startIndex + 1,
            count <= rest.count
        {
            let record = rest[(space + 1)..<(rest.startIndex + count)]
            rest = rest[(rest.startIndex + count)...]
            guard record.last == 0x0A, let equals = record.firstIndex(of: 0x3D) else { return }
            note(record[..<equals], record[(equals + 1)...].dropLast())
        }
    }

    private mutating func note(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>) {
        let text = String(decoding: value.prefix(32), as: UTF8.self)
        switch String(decoding: key.prefix(32), as: UTF8.self) {
        case "path": name = Array(value)
        case "size": size = Int(text).flatMap { $0 >= 0 ? $0 : nil }
        case "mtime": modified = Int64(text.prefix { $0 != "." })?.plausibleTime
        case let key where key.hasPrefix("GNU.sparse"): isSparse = true
        default: break
        }
    }
}
