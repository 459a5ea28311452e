/// How lines of an encoded body end.
package enum LineEnd: UInt8, Sendable, Hashable {
    case lf = 1
    case crlf = 2

    package var octets: [UInt8] { self == .lf ? [0x0A] : [0x0D, 0x0A] }
    package var count: Int { self == .lf ? 1 : 2 }
}

/// One step of a recipe (ArchiveFormat.md §8.1).
///
/// | op | arguments |
/// |---|---|
/// | 0x01 LIT | varint n, n octets |
/// | 0x02 RAW | varint part |
/// | 0x03 B64 | varint part, varint L, eol(1), tail(1) |
/// | 0x04 QP | varint part, width(1), eol(1), map(32), varint patch count, patches |
package enum RecipeOperation: Sendable, Hashable {
    case literal([UInt8])
    case raw(part: Int)
    case base64(part: Int, Base64Layout)
    case quotedPrintable(part: Int, QPLayout)

    package var literalCount: Int {
        switch self {
        case .literal(let octets): octets.count
        case .raw, .base64: 0
        case .quotedPrintable(_, let layout): 48 + layout.patches.reduce(0) { $0 + $1.inserted.count + 30 }
        }
    }

    package func encode(into writer: inout ByteWriter) {
        switch self {
        case .literal(let octets):
            writer.u8(1)
            writer.string(octets)
        case .raw(let part):
            writer.u8(2)
            writer.varint(UInt64(part))
        case .base64(let part, let layout):
            writer.u8(3)
            writer.varint(UInt64(part))
            writer.varint(UInt64(layout.lineLength))
            writer.u8(layout.lineEnd.rawValue)
            writer.u8(layout.endsWithLineEnd ? 1 : 0)
        case .quotedPrintable(let part, let layout):
            writer.u8(4)
            writer.varint(UInt64(part))
            layout.encode(into: &writer)
        }
    }

    init(decoding reader: inout ByteReader, partCount: Int) throws(ArchiveError) {
        guard let code = reader.u8() else { throw Recipe.truncated }
        if code == 1 {
            guard let octets = reader.string() else { throw Recipe.truncated }
            self = .literal(Array(octets))
            return
        }
        guard (2...4).contains(code) else { throw ArchiveError(.unsupported, "recipe operation \(code)") }
        guard let part = reader.count(limit: partCount - 1) else { throw Recipe.truncated }
        switch code {
        case 2: self = .raw(part: part)
        case 3:
            // LIMIT: a line of base64 is at most 1 MiB, so that a reader can bound its buffer; longer is one line (0).
            guard let length = reader.count(limit: 1 << 20), length % 4 == 0,
                let lineEnd = reader.u8().flatMap(LineEnd.init), let tail = reader.u8(), tail <= 1
            else { throw Recipe.truncated }
            self = .base64(
                part: part, Base64Layout(lineLength: length, lineEnd: lineEnd, endsWithLineEnd: tail == 1))
        default:
            guard let layout = QPLayout(decoding: &reader) else { throw Recipe.truncated }
            self = .quotedPrintable(part: part, layout)
        }
    }
}

/// How a base64 body was broken into lines.
package struct Base64Layout: Sendable, Hashable {
    /// Characters a line, a multiple of 4; 0 for one line.
    package var lineLength: Int
    package var lineEnd: LineEnd
    /// Whether the last line is ended too.
    package var endsWithLineEnd: Bool

    package init(lineLength: Int, lineEnd: LineEnd, endsWithLineEnd: Bool) {
        (self.lineLength, self.lineEnd, self.endsWithLineEnd) = (lineLength, lineEnd, endsWithLineEnd)
    }
}
