import MailCore

/// The header of a message in an mbox, parted into the message's own and what the mailbox keeps there.
///
/// Status, X-Status, X-Keywords, X-UID, X-IMAP, X-IMAPbase and X-Mozilla-* are the mailbox's wherever they stand, as
/// for Dovecot and mutt: no reader ever sees them, and a message that brings some of its own goes without.
struct MboxHead {
    /// What readers see, with the empty line at its end if there is one.
    private(set) var own: [UInt8] = []
    private(set) var flags: FlagSet = []
    /// Fields by which other clients know the message; kept as they are.
    private(set) var foreign: [UInt8] = []
    /// Written by Dovecot or c-client for itself alone: no message.
    private(set) var isInternal = false
    private var fieldsEnd = 0
    private var lineEnd: [UInt8] = [0x0A]

    /// LIMIT: octets of a header; in a longer one nothing is the mailbox's.
    static let limit = 1 << 20

    private static let flagFields = ["status", "x-status", "x-keywords", "x-mozilla-status"]
    private static let foreignFields = ["x-uid", "x-imap", "x-imapbase", "x-mozilla-status2", "x-mozilla-keys"]

    /// - Parameter octets: up to and with the empty line, or the whole message where it has none.
    init(_ octets: some Collection<UInt8>) {
        let octets = Array(octets)
        var start = 0
        var fields: [UInt8] = []
        /// Where lines that go on belong.
        var place = 0
        while start < octets.count {
            let end = octets[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? octets.count
            let line = octets[start..<end]
            start = end
            if line.elementsEqual([0x0A]) || line.elementsEqual([0x0D, 0x0A]) {
                fieldsEnd = own.count
                own += line
                lineEnd = Array(line)
                continue
            }
            let isFolded = line.first == 0x20 || line.first == 0x09
            if !isFolded { place = Self.place(of: line) }
            if place == 1 { fields += line }
            if place == 2 { foreign += line }
            if place == 0 {
                own += line
                fieldsEnd = own.count
            }
            if !isFolded, line.prefix(7).elementsEqual("X-IMAP:".utf8) { isInternal = true }
        }
        flags = MboxHeaderFields(fields).flags
        if own.starts(with: [0x0A]) || own.starts(with: [0x0D, 0x0A]) { fieldsEnd = 0 }
    }

    private static func place(of line: ArraySlice<UInt8>) -> Int {
        guard let colon = line.prefix(24).firstIndex(of: 0x3A) else { return 0 }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        return flagFields.contains(name) ? 1 : foreignFields.contains(name) ? 2 : 0
    }

    /// The header as it stands in the file when the message has `flags`; not yet quoted.
    ///
    /// - Parameter base: the line by which Dovecot knows the mailbox's keywords, in its first message.
    func octets(flags: FlagSet, keepsForeign: Bool = true, base: [UInt8]? = nil) -> [UInt8] {
        var foreign = keepsForeign ? foreign : []
        if let base { foreign = base + Self.lines(foreign) { !Self.isBase($0) } }
        var fields: [UInt8] = []
        func add(_ text: String) { fields += Array(text.utf8) + lineEnd }
        let letters: [(Flag, String)] = [(.answered, "A"), (.flagged, "F"), (.deleted, "D"), (.draft, "T")]
        let keywords = flags.flags.filter { !$0.isSystemFlag }.map(\.name)
        if !flags.flags.isEmpty {
            add("Status: \(flags.contains(.seen) ? "R" : "")O")
            let marks = letters.filter { flags.contains($0.0) }.map(\.1).joined()
            if !marks.isEmpty { add("X-Status: \(marks)") }
            if !keywords.isEmpty { add("X-Keywords: \(keywords.joined(separator: " "))") }
        }
        var head = Array(own[..<fieldsEnd])
        if !fields.isEmpty || !foreign.isEmpty, let last = head.last, last != 0x0A { head += lineEnd }
        return head + foreign + fields + own[fieldsEnd...]
    }

    private static func isBase(_ line: ArraySlice<UInt8>) -> Bool {
        String(decoding: line.prefix(11), as: UTF8.self).lowercased() == "x-imapbase:"
    }

    private static func lines(_ octets: [UInt8], _ isWanted: (ArraySlice<UInt8>) -> Bool) -> [UInt8] {
        var result: [UInt8] = []
        var rest = octets[...]
        while !rest.isEmpty {
            let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
            if isWanted(rest[..<end]) { result += rest[..<end] }
            rest = rest[end...]
        }
        return result
    }

    /// The line that lists `keywords` besides those it lists already; `nil` where it lists all.
    ///
    /// Dovecot takes a keyword in X-Keywords that is not in X-IMAPbase for one the message came with, and drops it.
    func base(listing keywords: [String], validity: UIDValidity) -> [UInt8]? {
        let line = Self.lines(foreign, Self.isBase)
        let words = line.dropFirst(11).split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }
            .map { String(decoding: $0, as: UTF8.self) }
        let known = words.count >= 2 ? words : ["\(validity)", "0000000000"]
        let missing = keywords.filter { !known.dropFirst(2).contains($0) }
        guard !missing.isEmpty else { return nil }
        return Array("X-IMAPbase: \((known + missing).joined(separator: " "))".utf8) + lineEnd
    }

    /// Where the header of a message ends, its empty line included; `nil` as long as it does not show.
    static func end(in octets: [UInt8], from start: Int = 0) -> Int? {
        if start == 0, octets.starts(with: [0x0A]) { return 1 }
        if start == 0, octets.starts(with: [0x0D, 0x0A]) { return 2 }
        var index = max(start, 1)
        while index < octets.count {
            if octets[index] == 0x0A, octets[index - 1] == 0x0A { return index + 1 }
            if octets[index] == 0x0A, index > 1, octets[index - 1] == 0x0D, octets[index - 2] == 0x0A {
                return index + 1
            }
            index += 1
        }
        return nil
    }
}

/// Tells messages of one mbox apart by all that readers see of them.
struct MboxKey: Hashable {
    var first = SyntheticUID.hash([])
    var second = SyntheticUID.hash([0x5A])
    var count = 0

    mutating func add(_ octets: [UInt8]) {
        for octet in octets {
            first = (first ^ UInt64(octet)) &* 0x100_0000_01B3
            second = (second &+ UInt64(octet) &+ 1) &* 0x9E37_79B9_7F4A_7C15
            second ^= second >> 29
        }
        count += octets.count
    }
}

/// One message's octets as readers see them, piece after piece.
struct MboxMessageOctets {
    private var offset: Int
    private let end: Int
    private var unquoter = FromUnquoter()
    private(set) var head: MboxHead?
    private var isAtEnd = false

    init(_ range: Range<Int>) { (offset, end) = (range.lowerBound, range.upperBound) }

    /// Octets of the header in the file.
    private(set) var headCount = 0

    /// The next octets, maybe none; `nil` at the end.
    mutating func next(_ file: borrowing Descriptor) throws(FormatsError) -> [UInt8]? {
        if head == nil {
            let raw = try Self.rawHead(offset..<end, file)
            let head = MboxHead(raw)
            self.head = head
            headCount = raw.count
            offset += raw.count
            return unquoter.consume(head.own)
        }
        guard offset < end else {
            guard !isAtEnd else { return nil }
            isAtEnd = true
            return unquoter.finish()
        }
        let octets = try file.read(min(1 << 16, end - offset), at: offset)
        guard !octets.isEmpty else {
            throw FormatsError(.ioFailed, "the file became shorter", path: String(decoding: file.path, as: UTF8.self))
        }
        offset += octets.count
        return unquoter.consume(octets)
    }

    /// The header as it is in the file; nothing when it is longer than allowed.
    private static func rawHead(_ range: Range<Int>, _ file: borrowing Descriptor) throws(FormatsError) -> [UInt8] {
        var octets: [UInt8] = []
        while octets.count < min(range.count, MboxHead.limit) {
            let piece = try file.read(min(1 << 14, range.count - octets.count), at: range.lowerBound + octets.count)
            if piece.isEmpty { break }
            let old = octets.count
            octets += piece
            if let end = MboxHead.end(in: octets, from: max(0, old - 2)) { return Array(octets[..<end]) }
        }
        return octets.count >= MboxHead.limit ? [] : octets
    }
}
