import MailCore

/// One entry of the ledger: lines `key value`, LF, UTF-8.
///
/// ```
/// mailarc-leaf/1
/// seq <index from 0>
/// type <word>
/// time 2026-11-23T02:31:17Z
/// writer <16 hex>
/// …the lines of its type, then any others
/// ```
/// What was parsed builds the same octets again. Types and lines this version does not know are kept as they stand.
public struct Leaf: Hashable, Sendable {
    /// The index in the tree.
    public var sequence: UInt64
    /// Seconds since 1970-01-01T00:00:00Z, years 0 to 9999.
    public var time: Int64
    /// 8 octets.
    public var writer: [UInt8]
    public var body: LeafBody
    /// Lines after those of the type, in order.
    public var extraLines: [Line]

    /// `key value`; neither is empty, the key has no space, neither has a line end.
    public struct Line: Hashable, Sendable {
        public var key: String
        public var value: String

        public init(_ key: String, _ value: String) { (self.key, self.value) = (key, value) }
    }

    public init(sequence: UInt64, time: Int64, writer: [UInt8], _ body: LeafBody, extraLines: [Line] = []) {
        (self.sequence, self.time, self.writer) = (sequence, time, writer)
        (self.body, self.extraLines) = (body, extraLines)
    }

    /// LIMIT: what the two octets of length in a C2SP entry bundle can say.
    public static let maximumOctetCount = 65_535
    static let magic = "mailarc-leaf/1"
}

extension Leaf {
    /// The octets that are hashed, journaled and bundled.
    public var text: [UInt8] {
        let civil = CivilTime(secondsSinceEpoch: time)
        var lines = [
            Line("seq", String(sequence)), Line("type", body.type), Line("time", civil.rfc3339),
            Line("writer", writer.hex),
        ]
        lines += body.lines
        lines += extraLines
        var text = Array((Self.magic + "\n").utf8)
        for line in lines { text += Array("\(line.key) \(line.value)\n".utf8) }
        return text
    }

    /// The leaf that `text` is, or `nil` if it is not one: total, linear.
    ///
    /// A known type with a missing, doubled or malformed line is none.
    public init?(parsing text: [UInt8]) {
        guard text.count <= Self.maximumOctetCount, text.last == UInt8(ascii: "\n"),
            let string = String(validating: text, as: UTF8.self)
        else { return nil }
        let lines = string.utf8.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard let first = lines.first, first.elementsEqual(Self.magic.utf8) else { return nil }
        var rest: [Line] = []
        for octets in lines.dropFirst() {
            guard let space = octets.firstIndex(of: UInt8(ascii: " ")), space > octets.startIndex,
                octets.index(after: space) < octets.endIndex
            else { return nil }
            rest.append(Line(String(octets[..<space]) ?? "", String(octets[octets.index(after: space)...]) ?? ""))
        }
        guard rest.count >= 4, rest[0].key == "seq", rest[1].key == "type", rest[2].key == "time",
            rest[3].key == "writer", let sequence = UInt64(rest[0].value), let time = Self.seconds(rest[2].value),
            let writer = [UInt8](hex: rest[3].value), writer.count == 8
        else { return nil }
        var remaining = rest[4...]
        guard let body = LeafBody(type: rest[1].value, lines: &remaining) else { return nil }
        self.init(sequence: sequence, time: time, writer: writer, body, extraLines: Array(remaining))
        guard self.text == text else { return nil }
    }

    /// The instant `text` names in the form `2026-11-23T02:31:17Z` and no other.
    private static func seconds(_ text: String) -> Int64? {
        let octets = Array(text.utf8)
        guard octets.count == 20 else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            octets[range].allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                ? octets[range].reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } : nil
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month)
        else { return nil }
        let civil = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        let seconds = civil.secondsSinceEpoch
        return CivilTime(secondsSinceEpoch: seconds).rfc3339 == text ? seconds : nil
    }
}
