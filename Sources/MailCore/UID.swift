/// The unique identifier of a message within one mailbox under one UIDVALIDITY.
///
/// Never 0. Comparable within the same mailbox and UIDVALIDITY only.
/// - SeeAlso: RFC 9051 §2.3.1.1
public struct UID: Hashable, Sendable, Comparable, Codable {
    public let value: UInt32

    /// `nil` for 0, which no message can have.
    public init?(_ value: UInt32) {
        guard value != 0 else { return nil }
        self.value = value
    }

    /// The largest value a UID can take (2³²−1).
    public static let max = UID(unchecked: .max)
    public static let min = UID(unchecked: 1)

    init(unchecked value: UInt32) { self.value = value }

    public static func < (left: UID, right: UID) -> Bool { left.value < right.value }

    /// The next UID, or `nil` after the largest one.
    public var successor: UID? { value == .max ? nil : UID(unchecked: value + 1) }
    public var predecessor: UID? { value == 1 ? nil : UID(unchecked: value - 1) }
}

extension UID: CustomStringConvertible {
    public var description: String { String(value) }
}

/// The value that tells whether UIDs of an earlier session still mean the same messages.
///
/// 0 is kept as it came: a server that sends it has no persistent UIDs (the mailbox is *volatile*).
/// - SeeAlso: RFC 9051 §2.3.1.1
public struct UIDValidity: Hashable, Sendable, Codable, CustomStringConvertible {
    public let value: UInt32
    public init(_ value: UInt32) { self.value = value }
    public var description: String { String(value) }
}

/// A modification sequence: 63 bits, grows with every change of a mailbox.
///
/// Never 0; a server that sends HIGHESTMODSEQ 0 or NOMODSEQ has none.
/// - SeeAlso: RFC 7162 §3.1
public struct ModSeq: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
    public let value: UInt64

    /// `nil` for 0 and for values over 2⁶³−1.
    public init?(_ value: UInt64) {
        guard value != 0, value <= UInt64(Int64.max) else { return nil }
        self.value = value
    }

    public static func < (left: ModSeq, right: ModSeq) -> Bool { left.value < right.value }
    public var description: String { String(value) }
}
