/// The fields of one header, in order, with the raw octets they were read from.
///
/// - SeeAlso: RFC 5322 §2.2
public struct HeaderFields: Sendable, Hashable {
    /// One field; ranges are relative to ``HeaderFields/octets``.
    public struct Field: Sendable, Hashable {
        /// The name without the colon and without white space before it.
        public var name: Range<Int>
        /// All after the colon, folding included, without the last line end.
        public var body: Range<Int>
    }

    /// The raw octets, as far as they were kept; the empty line after the header is not among them.
    public let octets: [UInt8]
    /// Where ``octets`` starts, from the start of the raw message.
    public let offset: Int
    /// In the order they stand.
    public let fields: [Field]

    public init() { (octets, offset, fields) = ([], 0, []) }

    /// The fields of `octets`, which start at `offset` of the raw message. Total; linear.
    public init(parsing octets: [UInt8], offset: Int = 0) {
        var defects: [Defect] = []
        self.init(parsing: octets, offset: offset, defects: &defects)
    }

    // field = field-name ":" unstructured CRLF   ; RFC 5322 §2.2, with obsolete white space before the colon
    init(parsing octets: [UInt8], offset: Int, bareReturns: Bool = false, defects: inout [Defect]) {
        var fields: [Field] = []
        var position = 0
        var isFirst = true
        while position < octets.count {
            let end = Self.lineEnd(octets, from: position, bareReturns: bareReturns)
            let isContinuation = octets[position] == ASCII.space || octets[position] == ASCII.tab
            if isContinuation, let last = fields.indices.last {
                fields[last].body = fields[last].body.lowerBound..<end.content
            } else if let colon = Self.colon(octets, in: position..<end.content) {
                var nameEnd = colon
                while nameEnd > position, ASCII.isSpace(octets[nameEnd - 1]) { nameEnd -= 1 }
                fields.append(Field(name: position..<nameEnd, body: colon + 1..<end.content))
            } else if isFirst, Self.isFromLine(octets[position..<end.content]) {
                defects.append(Defect(.mboxFromLine, offset: offset + position))
            } else {
                defects.append(Defect(.notAHeaderField, offset: offset + position))
            }
            isFirst = false
            position = end.next
        }
        (self.octets, self.offset, self.fields) = (octets, offset, fields)
    }

    /// The octets of the first field of this name (lower-case), folding included.
    public func first(_ name: String) -> ArraySlice<UInt8>? {
        guard let field = fields.first(where: { matches($0, name) }) else { return nil }
        return octets[field.body]
    }

    /// The octets of every field of this name (lower-case), in order.
    public func all(_ name: String) -> [ArraySlice<UInt8>] {
        fields.filter { matches($0, name) }.map { octets[$0.body] }
    }

    public func name(of field: Field) -> String { String(decoding: octets[field.name], as: UTF8.self) }
    public func body(of field: Field) -> ArraySlice<UInt8> { octets[field.body] }

    private func matches(_ field: Field, _ name: String) -> Bool {
        field.name.count == name.utf8.count && octets[field.name].elementsEqual(name.utf8) { ASCII.lowercase($0) == $1 }
    }

    /// The end of the line's content and the start of the next line. Lines end in LF, CRLF or, if told so, a bare CR.
    private static func lineEnd(_ octets: [UInt8], from start: Int, bareReturns: Bool) -> (content: Int, next: Int) {
        var index = start
        while index < octets.count {
            if octets[index] == ASCII.lineFeed {
                let hasReturn = index > start && octets[index - 1] == ASCII.carriageReturn
                return (hasReturn ? index - 1 : index, index + 1)
            }
            if bareReturns, octets[index] == ASCII.carriageReturn {
                let hasLineFeed = index + 1 < octets.count && octets[index + 1] == ASCII.lineFeed
                return (index, index + (hasLineFeed ? 2 : 1))
            }
            index += 1
        }
        return (octets.count, octets.count)
    }

    /// The colon that ends a field name, if the line starts with one: printable octets but colon, then white space.
    private static func colon(_ octets: [UInt8], in line: Range<Int>) -> Int? {
        var index = line.lowerBound
        while index < line.upperBound, octets[index] > 0x20, octets[index] != ASCII.colon, octets[index] != 0x7F {
            index += 1
        }
        guard index > line.lowerBound else { return nil }
        while index < line.upperBound, octets[index] == ASCII.space || octets[index] == ASCII.tab { index += 1 }
        return index < line.upperBound && octets[index] == ASCII.colon ? index : nil
    }

    private static func isFromLine(_ line: ArraySlice<UInt8>) -> Bool {
        line.starts(with: "From ".utf8) || line.starts(with: ">From ".utf8)
    }
}
