/// Reads little-endian fields from octets; every read past the end is `nil` and leaves the cursor where it is.
package struct ByteReader {
    package let octets: ArraySlice<UInt8>
    package private(set) var position: Int

    package init(_ octets: ArraySlice<UInt8>) {
        self.octets = octets
        self.position = octets.startIndex
    }

    package init(_ octets: [UInt8]) { self.init(octets[...]) }

    package var remaining: Int { octets.endIndex - position }
    package var isAtEnd: Bool { remaining == 0 }

    package mutating func bytes(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= remaining else { return nil }
        defer { position += count }
        return octets[position..<position + count]
    }

    package mutating func u8() -> UInt8? {
        guard remaining > 0 else { return nil }
        defer { position += 1 }
        return octets[position]
    }

    package mutating func u16() -> UInt16? { integer() }
    package mutating func u32() -> UInt32? { integer() }
    package mutating func u64() -> UInt64? { integer() }

    private mutating func integer<Value: FixedWidthInteger>() -> Value? {
        let size = Value.bitWidth / 8
        guard let field = bytes(size) else { return nil }
        var value: Value = 0
        for (index, octet) in field.enumerated() { value |= Value(octet) << (8 * index) }
        return value
    }

    // varint = unsigned LEB128, at most 10 octets, shortest form only   ; ArchiveFormat.md
    package mutating func varint() -> UInt64? {
        var value: UInt64 = 0
        var at = position
        for index in 0..<10 {
            guard at < octets.endIndex else { return nil }
            let octet = octets[at]
            at += 1
            if index == 9 && octet > 1 { return nil }
            value |= UInt64(octet & 0x7F) << (7 * index)
            if octet & 0x80 == 0 {
                if octet == 0 && index > 0 { return nil }
                position = at
                return value
            }
        }
        return nil
    }

    /// A varint that is at most `limit`.
    package mutating func count(limit: Int) -> Int? {
        let start = position
        guard let value = varint(), value <= UInt64(limit) else {
            position = start
            return nil
        }
        return Int(value)
    }

    /// A varint length and so many octets.
    package mutating func string() -> ArraySlice<UInt8>? {
        let start = position
        guard let length = count(limit: remaining), let field = bytes(length) else {
            position = start
            return nil
        }
        return field
    }
}

/// Appends little-endian fields to octets.
package struct ByteWriter {
    package var octets: [UInt8] = []

    package init(capacity: Int = 0) { octets.reserveCapacity(capacity) }

    package var count: Int { octets.count }

    package mutating func bytes(_ field: some Collection<UInt8>) { octets.append(contentsOf: field) }
    package mutating func u8(_ value: UInt8) { octets.append(value) }
    package mutating func u16(_ value: UInt16) { integer(value) }
    package mutating func u32(_ value: UInt32) { integer(value) }
    package mutating func u64(_ value: UInt64) { integer(value) }
    package mutating func zeros(_ count: Int) { octets.append(contentsOf: repeatElement(0, count: count)) }

    private mutating func integer<Value: FixedWidthInteger>(_ value: Value) {
        for index in 0..<Value.bitWidth / 8 { octets.append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
    }

    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            octets.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        octets.append(UInt8(rest))
    }

    package mutating func string(_ field: some Collection<UInt8>) {
        varint(UInt64(field.count))
        bytes(field)
    }
}
