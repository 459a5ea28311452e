/// Exact base64 of whole groups, between raw buffers: what a recipe's B64 operation needs, nothing tolerant.
///
/// `MailMIME.Base64` reads whatever mail holds; this one accepts only what its encoder writes.
package enum Base64Groups {
    /// The contribution of a character at each of the four places of a group; the top bit marks a foreign one.
    private static let places: [UInt32] = {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var table = [UInt32](repeating: 1 << 31, count: 1_024)
        for (value, octet) in alphabet.enumerated() {
            for place in 0..<4 { table[place * 256 + Int(octet)] = UInt32(value) << UInt32(18 - 6 * place) }
        }
        return table
    }()

    /// Two characters for each 12 bits, the first one in the low octet.
    private static let pairs: [UInt16] = {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        return (0..<4_096).map { UInt16(alphabet[$0 >> 6]) | UInt16(alphabet[$0 & 63]) << 8 }
    }()

    /// Decodes whole groups without pads until one is not; the number of groups decoded.
    ///
    /// `output` must have room for 3 octets a group.
    static func decode(_ text: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Int {
        let groups = text.count / 4
        return unsafe places.withUnsafeBufferPointer { table in
            guard let source = text.baseAddress, let table = table.baseAddress else { return 0 }
            for group in 0..<groups {
                // SAFETY: 4 octets a group are inside `text`, 3 inside `output` as the caller promises.
                let word = unsafe source.loadUnaligned(fromByteOffset: 4 * group, as: UInt32.self)
                let value =
                    unsafe table[Int(word & 255)] | table[256 + Int(word >> 8 & 255)]
                    | table[512 + Int(word >> 16 & 255)] | table[768 + Int(word >> 24)]
                guard value < 1 << 31 else { return group }
                let target = unsafe output + 3 * group
                unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: value >> 16), as: UInt8.self)
                unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: value >> 8), toByteOffset: 1, as: UInt8.self)
                unsafe target.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: 2, as: UInt8.self)
            }
            return groups
        }
    }

    /// Encodes all of `octets`, padded at the end; `output` must have room for 4 octets a group. Octets written.
    @discardableResult
    static func encode(_ octets: UnsafeRawBufferPointer, into output: UnsafeMutableRawPointer) -> Int {
        let groups = octets.count / 3
        return unsafe pairs.withUnsafeBufferPointer { table in
            guard let source = octets.baseAddress, let table = table.baseAddress else { return 0 }
            for group in 0..<groups {
                // SAFETY: 3 octets a group are inside `octets`, 4 inside `output` as the caller promises.
                let at = unsafe source + 3 * group
                let value =
                    unsafe UInt32(at.load(as: UInt8.self)) << 16
                    | UInt32(at.load(fromByteOffset: 1, as: UInt8.self)) << 8
                    | UInt32(at.load(fromByteOffset: 2, as: UInt8.self))
                let word = unsafe UInt32(table[Int(value >> 12)]) | UInt32(table[Int(value & 4_095)]) << 16
                unsafe output.storeBytes(of: word, toByteOffset: 4 * group, as: UInt32.self)
            }
            let rest = octets.count - 3 * groups
            guard rest > 0 else { return 4 * groups }
            let first = unsafe UInt32(source.load(fromByteOffset: 3 * groups, as: UInt8.self))
            let second = unsafe rest == 2 ? UInt32(source.load(fromByteOffset: 3 * groups + 1, as: UInt8.self)) : 0
            let value = first << 16 | second << 8
            let high = unsafe UInt32(table[Int(value >> 12)])
            let low = unsafe rest == 2 ? UInt32(table[Int(value & 4_095)]) & 0xFF | 0x3D00 : 0x3D3D
            unsafe output.storeBytes(of: high | low << 16, toByteOffset: 4 * groups, as: UInt32.self)
            return 4 * groups + 4
        }
    }
}

/// Writes the base64 text of a part in pieces, as a ``Base64Layout`` says.
package struct Base64LineEncoder {
    let layout: Base64Layout
    /// Characters on the line at hand.
    private var column = 0
    /// Up to two octets that do not make a group yet.
    private var rest: [UInt8] = []

    package init(_ layout: Base64Layout) { self.layout = layout }

    /// Appends the text of `octets` to `output`; what does not fill a group waits for more.
    package mutating func encode(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var input = octets
        if !rest.isEmpty {
            let missing = min(3 - rest.count, input.count)
            rest.append(contentsOf: input.prefix(missing))
            input = input.dropFirst(missing)
            guard rest.count == 3 else { return }
            let group = rest
            rest = []
            encodeGroups(group[...], into: &output)
        }
        let whole = input.count / 3 * 3
        encodeGroups(input.prefix(whole), into: &output)
        rest.append(contentsOf: input.dropFirst(whole))
    }

    /// Appends the last group and line end.
    package mutating func finish(into output: inout [UInt8]) {
        if !rest.isEmpty { encodeGroups(rest[...], into: &output) }
        if layout.endsWithLineEnd { output.append(contentsOf: layout.lineEnd.octets) }
    }

    private mutating func encodeGroups(_ octets: ArraySlice<UInt8>, into output: inout [UInt8]) {
        var input = octets
        while !input.isEmpty {
            if layout.lineLength > 0, column == layout.lineLength {
                output.append(contentsOf: layout.lineEnd.octets)
                column = 0
            }
            let room = layout.lineLength > 0 ? (layout.lineLength - column) / 4 * 3 : 49_152
            let piece = input.prefix(room)
            let characters = (piece.count + 2) / 3 * 4
            Self.append(piece, characters, to: &output)
            column += characters
            input = input.dropFirst(room)
        }
    }

    private static func append(_ octets: ArraySlice<UInt8>, _ characters: Int, to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: characters))
        unsafe octets.withUnsafeBytes { source in
            // SAFETY: `characters` octets from `start` were just appended.
            unsafe output.withUnsafeMutableBytes { target in
                guard let base = target.baseAddress else { return }
                unsafe Base64Groups.encode(source, into: base + start)
            }
        }
    }
}
