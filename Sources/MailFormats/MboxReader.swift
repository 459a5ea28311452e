import Glibc
public import MailCore

/// Which of the four ways an mbox tells messages apart and quotes lines that look like a From_ line.
///
/// - SeeAlso: https://www.loc.gov/preservation/digital/formats/fdd/fdd000383.shtml
public enum MboxDialect: String, Sendable, Codable, CaseIterable {
    /// `From ` is quoted, `>From ` is not: quoting cannot be undone for certain. Also what shows no sign of any.
    case mboxo
    /// `>*From ` is quoted.
    case mboxrd
    /// Content-Length, and quoted.
    case mboxcl
    /// Content-Length, not quoted.
    case mboxcl2
}

/// Where one message is in an mbox.
public struct MboxEntry: Sendable, Hashable {
    /// Of the From_ line, in seconds since 1970; `nil` when it has none that can be read.
    public var date: Int64?
    /// Offset of the From_ line.
    public var markerOffset: Int
    /// The message's octets, without the From_ line and without the empty line before the next.
    public var range: Range<Int>
    /// From Status, X-Status, X-Keywords and X-Mozilla-Status.
    public var flags: FlagSet
    /// It has lines `>From `, `>>From `…
    public var isQuoted: Bool
    /// Content-Length was there and right.
    public var usesContentLength: Bool
}

/// The messages of one mbox file, found in one pass; octets are read only when asked for.
///
/// Memory grows with the number of messages (``MboxEntries``), not with their size.
public struct MboxReader: Sendable {
    /// Every message, in the order of the file.
    public let entries: MboxEntries
    /// As the file's own signs tell; `.mboxo` where there are none.
    public let dialect: MboxDialect
    /// Of each message, what it is known by: its header without the fields that clients rewrite.
    let headerHashes: [UInt64]
    private let path: [UInt8]

    /// Scans the file at `path`.
    public init(path: String) throws(FormatsError) { try self.init(octets: Array(path.utf8)) }

    init(octets path: [UInt8]) throws(FormatsError) {
        self.path = path
        let found = Found()
        var scan = MboxScan(try Descriptor.openForReading(path)) { message in
            found.entries.append(message.entry)
            found.hashes.append(message.headerHash)
        }
        try scan.run()
        (entries, headerHashes) = (found.entries.all, found.hashes)
        dialect = scan.signs.dialect
    }

    private final class Found {
        var entries = MboxEntriesBuilder()
        var hashes: [UInt64] = []
    }

    /// The octets of a message; with `unquotes`, one `>` less on each quoted From_ line (then not exact).
    public func octets(of entry: MboxEntry, unquotes: Bool = false) throws(FormatsError) -> [UInt8] {
        let file = try Descriptor.openForReading(path)
        var result: [UInt8] = []
        while result.count < entry.range.count {
            let piece = try file.read(entry.range.count - result.count, at: entry.range.lowerBound + result.count)
            guard !piece.isEmpty else { break }
            result += piece
        }
        guard unquotes else { return result }
        var unquoter = FromUnquoter()
        return unquoter.consume(result) + unquoter.finish()
    }
}

/// What shows the dialect of an mbox.
struct MboxSigns: Hashable {
    private var messages = 0
    private var counted = 0
    private var isQuoted = false
    fileprivate(set) var hasDeepQuoting = false
    fileprivate(set) var hasUnquoted = false

    fileprivate mutating func note(_ entry: MboxEntry) {
        messages += 1
        if entry.usesContentLength { counted += 1 }
        if entry.isQuoted { isQuoted = true }
    }

    var dialect: MboxDialect {
        if counted > 0, counted * 2 >= messages { return isQuoted && !hasUnquoted ? .mboxcl : .mboxcl2 }
        return hasDeepQuoting ? .mboxrd : .mboxo
    }
}

/// A message that a pass over an mbox came by.
struct MboxScanned {
    var entry: MboxEntry
    /// As far as it was looked at.
    var header: [UInt8]
    /// Of the header without the fields that clients rewrite.
    var headerHash: UInt64
}

/// One pass over an mbox.
struct MboxScan<Octets: SeekableOctets & ~Copyable>: ~Copyable {
    private static var window: Int { 1 << 20 }
    /// LIMIT: octets of a header that are looked at for flags and lengths.
    private static var headerLimit: Int { 1 << 16 }
    private let file: Octets
    private let take: (MboxScanned) -> Void
    private(set) var signs = MboxSigns()
    private var open: MboxEntry?
    private var headerHash: UInt64 = 0
    private var isInHeader = false
    private var header: [UInt8] = []
    /// Octets of the line end of the empty line just before, 0 without one.
    private var emptyLine = 0
    private var skipTo = 0
    /// The first From_ line has an address and nothing else, so all have.
    private var hasBareFromLines = false

    /// - Parameter take: is given each message, in order.
    init(_ file: consuming Octets, take: @escaping (MboxScanned) -> Void) {
        self.file = file
        self.take = take
    }

    mutating func run() throws(FormatsError) {
        var offset = 0
        var isLineStart = true
        while true {
            try file.forget(before: offset)
            let buffer = try file.read(Self.window, at: offset)
            if buffer.isEmpty { break }
            let isLast = buffer.count < Self.window
            var start = 0
            while start < buffer.count {
                guard let end = Self.lineEnd(buffer, start) ?? (isLast || start == 0 ? buffer.count : nil) else {
                    break
                }
                if isLineStart { try line(buffer[start..<end], at: offset + start) }
                isLineStart = buffer[end - 1] == 0x0A
                start = end
                if skipTo > offset + start {
                    if skipTo - offset >= buffer.count { break }
                    start = skipTo - offset
                    (isLineStart, emptyLine) = (true, 0)
                }
            }
            if skipTo > offset + start {
                offset = skipTo
                (isLineStart, emptyLine) = (true, 0)
            } else {
                offset += start
            }
        }
        close(at: offset)
    }

    private static func lineEnd(_ buffer: [UInt8], _ start: Int) -> Int? {
        // SAFETY: memchr reads from `start` to the end of the buffer only.
        unsafe buffer.withUnsafeBufferPointer { octets in
            guard let base = octets.baseAddress, let hit = unsafe memchr(base + start, 0x0A, octets.count - start)
            else { return nil }
            return unsafe UnsafeRawPointer(hit) - UnsafeRawPointer(base) + 1
        }
    }

    private mutating func line(_ line: ArraySlice<UInt8>, at offset: Int) throws(FormatsError) {
        let first = line[line.startIndex]
        let isEmpty = first == 0x0A || line.count == 2 && first == 0x0D
        if first == UInt8(ascii: "F"), let fromLine = MboxFromLine(parsing: line.prefix(512)) {
            // QUIRK: bodies have unquoted lines that start with `From `; a date tells, and without an empty line before
            // it (mimekit's issue1189: writers that leave it out) the name of a day too.
            let isCounted = skipTo > 0 && offset == skipTo
            let isDated = fromLine.secondsSinceEpoch != nil && (emptyLine > 0 || fromLine.hasDayName)
            // QUIRK: exports of Google Takeout with an identifier and no date (mimekit's issue1189).
            let isBare = hasBareFromLines && fromLine.isBareAddress
            if open == nil { hasBareFromLines = fromLine.isBareAddress }
            if open == nil || isCounted || isDated || isBare {
                close(at: offset)
                open = MboxEntry(
                    date: fromLine.secondsSinceEpoch, markerOffset: offset,
                    range: offset + line.count..<offset + line.count, flags: [], isQuoted: false,
                    usesContentLength: false)
                (isInHeader, emptyLine) = (true, 0)
                header = []
                return
            }
        }
        if isInHeader {
            if isEmpty {
                endHeader(at: offset + line.count)
            } else if header.count + line.count <= Self.headerLimit {
                header += line
            }
        }
        if first == UInt8(ascii: ">") {
            let quotes = line.prefix { $0 == UInt8(ascii: ">") }.count
            if line.dropFirst(quotes).starts(with: "From ".utf8) {
                open?.isQuoted = true
                if quotes > 1 { signs.hasDeepQuoting = true }
            }
        }
        emptyLine = isEmpty ? line.count : 0
    }

    /// Reads the fields that say something of the mailbox, and trusts a length only if what is after it says so too.
    private mutating func endHeader(at offset: Int) {
        isInHeader = false
        let fields = MboxHeaderFields(header)
        open?.flags = fields.flags
        headerHash = fields.hash
        guard let length = fields.contentLength, length > 0, length < Int.max - offset else { return }
        let target = offset + length
        guard let after = try? file.read(32, at: target), let before = try? file.read(1, at: target - 1),
            !before.isEmpty
        else { return }
        let blank = after.starts(with: [0x0A]) ? 1 : after.starts(with: [0x0D, 0x0A]) ? 2 : 0
        let rest = after.dropFirst(blank)
        guard rest.isEmpty || rest.starts(with: "From ".utf8) && (blank > 0 || before == [0x0A]) else { return }
        guard length < Int.max / 2 else { return }
        open?.usesContentLength = true
        let start = open?.range.lowerBound ?? offset
        open?.range = start..<target
        if containsFromLine(offset..<target) { signs.hasUnquoted = true }
        skipTo = target + blank
    }

    /// Looks for quoted lines in a body that is skipped; true when it has an unquoted one.
    private mutating func containsFromLine(_ range: Range<Int>) -> Bool {
        var position = range.lowerBound
        var found = false
        while position < range.upperBound,
            let buffer = try? file.read(min(Self.window, range.upperBound - position), at: position),
            !buffer.isEmpty
        {
            var start = 0
            while start < buffer.count {
                if buffer[start] == UInt8(ascii: "F") { found = found || buffer[start...].starts(with: "From ".utf8) }
                if buffer[start] == UInt8(ascii: ">") {
                    let rest = buffer[start...].drop { $0 == UInt8(ascii: ">") }
                    if rest.starts(with: "From ".utf8) { open?.isQuoted = true }
                }
                start = Self.lineEnd(buffer, start) ?? buffer.count
            }
            position += buffer.count
        }
        return found
    }

    private mutating func close(at offset: Int) {
        guard var entry = open else { return }
        if isInHeader { endHeader(at: offset) }
        entry = open ?? entry
        if !entry.usesContentLength {
            // The empty line before a From_ line is the mbox's, not the message's.
            let end = max(entry.range.lowerBound, offset - emptyLine)
            entry.range = entry.range.lowerBound..<end
        }
        signs.note(entry)
        take(MboxScanned(entry: entry, header: header, headerHash: headerHash))
        open = nil
        (skipTo, headerHash) = (0, 0)
    }
}
