public import MailCore

/// Messages that were answered for and not kept: how many, and why. Nothing of what they were.
public struct SkipRecord: Hashable, Sendable {
    /// LIMIT: 90 octets a reason at the most; the leaf stays below its 64 KiB.
    public static let maximumReasons = 500

    /// How many messages for one reason, each once for each place it would have had.
    public struct Reason: Hashable, Sendable {
        /// A word: 1 to 64 of a-z, 0-9, `.`, `_` and `-`.
        public var name: String
        public var count: UInt64

        public init(_ name: String, _ count: UInt64) { (self.name, self.count) = (name, count) }
    }

    /// At most ``maximumReasons``.
    public var reasons: [Reason]
    /// 128 random bits, so that the leaf's hash reveals nothing.
    public var nonce: RandomID

    public init(reasons: [Reason], nonce: RandomID) { (self.reasons, self.nonce) = (reasons, nonce) }

    /// What `counts` (by reason) take: one record, or several where there are very many reasons.
    public static func records(_ counts: [String: UInt64], nonce: () -> RandomID) -> [SkipRecord] {
        let reasons = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map { Reason($0.key, $0.value) }
        return stride(from: 0, to: reasons.count, by: maximumReasons).map { start in
            SkipRecord(reasons: Array(reasons[start..<min(start + maximumReasons, reasons.count)]), nonce: nonce())
        }
    }

    /// The record that `leaf` holds; `nil` for other leaves, which are not parsed.
    public init?(in leaf: [UInt8]) {
        // Most leaves are of messages.
        let lines = leaf.split(separator: UInt8(ascii: "\n"), maxSplits: 3, omittingEmptySubsequences: false)
        guard lines.count > 2, lines[2].elementsEqual("type skip".utf8),
            case .skipped(let record)? = Leaf(parsing: leaf)?.body
        else { return nil }
        self = record
    }
}

extension SkipRecord.Reason {
    var line: Leaf.Line { .init("skipped", "\(count) \(name)") }

    /// `12 newsletters`
    init?(parsing text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2, let count = UInt64(words[0]), let name = LeafBody.word(String(words[1])) else {
            return nil
        }
        self.init(name, count)
    }
}
