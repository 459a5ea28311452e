/// A system flag (`\Seen`) or keyword (`$Forwarded`), compared without regard to ASCII case.
///
/// - SeeAlso: RFC 9051 §2.3.2
public struct Flag: Hashable, Sendable, Codable {
    /// As first seen on the wire, with the backslash of a system flag.
    public let name: String

    public init(_ name: String) { self.name = name }

    public static let seen = Flag("\\Seen")
    public static let answered = Flag("\\Answered")
    public static let flagged = Flag("\\Flagged")
    public static let deleted = Flag("\\Deleted")
    public static let draft = Flag("\\Draft")
    /// Read-only, session state; never part of an occurrence (RFC 3501 §2.3.2).
    public static let recent = Flag("\\Recent")

    public var isSystemFlag: Bool { name.hasPrefix("\\") }

    /// The octets, those of capital letters as small ones.
    private var key: some Sequence<UInt8> { name.utf8.lazy.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 } }

    public static func == (left: Flag, right: Flag) -> Bool {
        left.name == right.name || left.key.elementsEqual(right.key)
    }

    public func hash(into hasher: inout Hasher) {
        for octet in key { hasher.combine(octet) }
    }
}

extension Flag: Comparable, CustomStringConvertible {
    public static func < (left: Flag, right: Flag) -> Bool { left.key.lexicographicallyPrecedes(right.key) }
    public var description: String { name }
}

/// Flags and keywords of one message; `\Recent` is dropped on entry.
public struct FlagSet: Hashable, Sendable, Codable, ExpressibleByArrayLiteral {
    /// Ascending by case-folded name, each once.
    public private(set) var flags: [Flag]

    public init(_ flags: some Sequence<Flag>) {
        let all = Array(flags)
        let isInOrder = zip(all, all.dropFirst()).allSatisfy { $0 < $1 } && !all.contains(.recent)
        self.flags = isInOrder ? all : Set(all).subtracting([.recent]).sorted()
    }

    public init(arrayLiteral elements: Flag...) { self.init(elements) }

    public func contains(_ flag: Flag) -> Bool { flags.contains(flag) }
    public var isEmpty: Bool { flags.isEmpty }
    public func inserting(_ flag: Flag) -> FlagSet { FlagSet(flags + [flag]) }
    public func removing(_ flag: Flag) -> FlagSet { FlagSet(flags.filter { $0 != flag }) }
}

extension FlagSet: CustomStringConvertible {
    /// The wire form without parentheses: `\Answered \Seen $Forwarded`.
    public var description: String { flags.map(\.name).joined(separator: " ") }
}
