import MailCore
internal import MailMIME

/// What a message is known by where its file's name means nothing, and what its header says of its state.
struct MessageIdentity {
    /// Of the header without the fields that clients rewrite.
    private(set) var hash: UInt64
    private(set) var flags: FlagSet = []
    /// Of the Date field, in seconds since 1970-01-01T00:00:00Z.
    private(set) var date: Int64?

    /// LIMIT: octets from the start that count: the header of all but odd mail.
    private static let headLimit = 1 << 14

    /// Reads the start of a file.
    ///
    /// - Parameter count: octets of the message, where the same message always has as many.
    init(_ path: [UInt8], _ count: Int? = nil) {
        guard let file = try? Descriptor.openForReading(path), let head = try? file.read(Self.headLimit, at: 0) else {
            hash = SyntheticUID.hash(path)
            return
        }
        let header = Array(head[..<(MboxHead.end(in: head) ?? head.count)])
        let lasting = header.split(separator: 0x0A).filter { !Self.isRandom($0) }
        let fields = MboxHeaderFields(Array(lasting.joined(separator: [0x0A])))
        hash = SyntheticUID.hash(String(count ?? -1).utf8, seed: fields.hash)
        flags = fields.flags
        date = HeaderFields(parsing: header).first("date").flatMap(DateParser.parse)?.secondsSinceEpoch.plausibleTime
    }

    /// QUIRK: readpst draws the boundary of each message at random, in lines of their own.
    private static func isRandom(_ line: ArraySlice<UInt8>) -> Bool {
        let mark = Array("boundary-LibPST-iamunique-".utf8)
        // LIMIT: octets of a line that are looked at; these lines have some sixty.
        let line = line.prefix(128)
        return line.indices.contains { line[$0...].starts(with: mark) }
    }
}
