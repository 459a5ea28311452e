/// What LIST and UIDL tell of a maildrop; the same for as long as the session lasts.
///
/// - SeeAlso: RFC 1939 §5, §7 (UIDL)
package struct MaildropListing: Sendable, Hashable {
    package struct Entry: Sendable, Hashable {
        /// Of this session.
        package var number: Int
        /// As announced; a hint.
        package var octetCount: Int
        /// `nil` where the server has none for it, or one that is not its own.
        package var uniqueID: [UInt8]?
    }

    /// LIMIT: messages of one maildrop; some 200 octets each are held.
    package static let messageLimit = 5_000_000

    /// Ascending by number, each once.
    package private(set) var entries: [Entry]
    /// Messages whose unique-id is that of another, too: it identifies none of them.
    package private(set) var repeatedCount = 0
    /// LIST told of as many messages as STAT.
    package private(set) var isComplete: Bool
    /// The server has UIDL.
    package let hasUniqueIDs: Bool

    /// - Parameters:
    ///   - count: of STAT; `nil`: not known.
    ///   - sizes, uniqueIDs: the lines of LIST and UIDL; `nil`: the server has no UIDL.
    /// - Throws: `.limitExceeded`; `.malformed` for a line that names no message.
    package init(count: Int?, sizes: [[UInt8]], uniqueIDs: [[UInt8]]?) throws(POP3ProtocolError) {
        guard sizes.count <= Self.messageLimit, uniqueIDs?.count ?? 0 <= Self.messageLimit else {
            throw POP3ProtocolError(.limitExceeded, "The server lists more than \(Self.messageLimit) messages")
        }
        hasUniqueIDs = uniqueIDs != nil
        var ids: [Int: [UInt8]] = [:]
        var uses: [[UInt8]: Int] = [:]
        for line in uniqueIDs ?? [] {
            let (number, id) = try Self.fields(line)
            // QUIRK: no unique-id behind the number: the message has none.
            guard !id.isEmpty, ids.updateValue(id, forKey: number) == nil else { continue }
            uses[id, default: 0] += 1
        }
        var listed: [Int: Entry] = [:]
        for line in sizes {
            let (number, size) = try Self.fields(line)
            listed[number] = Entry(number: number, octetCount: Self.number(size[...]) ?? 0, uniqueID: ids[number])
        }
        entries = listed.values.sorted { $0.number < $1.number }
        isComplete = count.map { $0 == listed.count } ?? true
        for index in entries.indices {
            guard let id = entries[index].uniqueID, uses[id, default: 0] > 1 else { continue }
            entries[index].uniqueID = nil
            repeatedCount += 1
        }
    }

    // scan-listing = msg-number SP size ; unique-id-listing = msg-number SP unique-id   ; RFC 1939 §5, §7
    private static func fields(_ line: [UInt8]) throws(POP3ProtocolError) -> (number: Int, rest: [UInt8]) {
        let words = line.split(maxSplits: 2, omittingEmptySubsequences: true) { $0 == 0x20 || $0 == 0x09 }
        guard let first = words.first, let number = number(first), number > 0 else {
            throw POP3ProtocolError(.malformed, "A line of a listing names no message")
        }
        return (number, words.count > 1 ? Array(words[1]) : [])
    }

    /// LIMIT: 18 digits, which an `Int` holds.
    static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return value
    }
}
