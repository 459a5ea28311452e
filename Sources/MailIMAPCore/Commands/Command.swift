public import MailCore

/// A command without its tag.
///
/// A value made of octets and literals; ``encoded(tag:literals:)`` cuts it where the server must be waited for.
/// - SeeAlso: RFC 9051 §6
public struct Command: Sendable, Hashable {
    enum Part: Sendable, Hashable {
        case octets([UInt8])
        case literal([UInt8])
    }

    /// The command's word, for logs and errors: `UID FETCH`.
    public let name: String
    /// Holds a password; ``description`` shows the name only.
    public private(set) var isSecret = false
    var parts: [Part]

    init(_ name: String) {
        self.name = name
        parts = [.octets(Array(name.utf8))]
    }

    /// Which literals need no continuation request.
    ///
    /// - SeeAlso: RFC 7888
    public enum LiteralMode: Sendable, Hashable {
        case synchronising
        /// LITERAL-: up to 4096 octets.
        case minus
        /// LITERAL+: all.
        case plus

        public init(_ capabilities: CapabilitySet) {
            self = capabilities.hasLiteralPlus ? .plus : capabilities.hasLiteralMinus ? .minus : .synchronising
        }

        func allows(_ octetCount: Int) -> Bool {
            switch self {
            case .synchronising: false
            case .minus: octetCount <= 4096
            case .plus: true
            }
        }
    }

    /// The octets to send; before each member but the first a continuation request must have come.
    public func encoded(tag: String, literals: LiteralMode) -> [[UInt8]] {
        var segments: [[UInt8]] = []
        var current = Array(tag.utf8) + [.space]
        for part in parts {
            switch part {
            case .octets(let octets): current += octets
            case .literal(let octets):
                let isPlus = literals.allows(octets.count)
                current += Array("{\(octets.count)\(isPlus ? "+" : "")}\r\n".utf8)
                if !isPlus {
                    segments.append(current)
                    current = []
                }
                current += octets
            }
        }
        segments.append(current + [.carriageReturn, .lineFeed])
        return segments
    }
}

extension Command: CustomStringConvertible {
    public var description: String {
        guard !isSecret else { return name }
        return parts.map { part in
            switch part {
            case .octets(let octets): String(decoding: octets, as: UTF8.self)
            case .literal(let octets): "{\(octets.count)}"
            }
        }.joined()
    }
}

// MARK: - Building

extension Command {
    func adding(_ text: String) -> Command {
        var copy = self
        copy.append(Array(text.utf8))
        return copy
    }

    /// ` ` and an astring: an atom where possible, else quoted, else a literal.
    func adding(string octets: [UInt8]) -> Command {
        var copy = self
        copy.append([.space])
        if Self.isAtom(octets) {
            copy.append(octets)
        } else if octets.count <= 1024, octets.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
            copy.append(Self.quoted(octets))
        } else {
            copy.parts.append(.literal(octets))
        }
        return copy
    }

    func adding(mailbox: WireName) -> Command {
        guard mailbox.isUTF8, !Self.isAtom(mailbox.octets), mailbox.octets.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { return adding(string: mailbox.octets) }
        // RFC 6855 §3: UTF-8 goes in quotes once it is enabled.
        return adding(" ").adding(String(decoding: Self.quoted(mailbox.octets), as: UTF8.self))
    }

    func adding(literal octets: [UInt8]) -> Command {
        var copy = self
        copy.append([.space])
        copy.parts.append(.literal(octets))
        return copy
    }

    func secret() -> Command {
        var copy = self
        copy.isSecret = true
        return copy
    }

    private mutating func append(_ octets: [UInt8]) {
        if case .octets(let last)? = parts.last {
            parts[parts.count - 1] = .octets(last + octets)
        } else {
            parts.append(.octets(octets))
        }
    }

    private static func isAtom(_ octets: [UInt8]) -> Bool {
        let specials = Array("(){%*\"\\ ]".utf8)
        let isNil = octets.count == 3 && octets.map(\.upper) == Array("NIL".utf8)
        return !octets.isEmpty && !isNil
            && octets.allSatisfy { $0 > 0x20 && $0 < 0x7F && !specials.contains($0) }
    }

    private static func quoted(_ octets: [UInt8]) -> [UInt8] {
        [.quote] + octets.flatMap { $0 == .quote || $0 == .backslash ? [.backslash, $0] : [$0] } + [.quote]
    }
}

/// A mailbox name in the encoding of the session.
public struct WireName: Sendable, Hashable {
    public var octets: [UInt8]
    /// UTF8=ACCEPT is in force.
    public var isUTF8: Bool

    /// `name` for a session; UTF-8 only where the name can be decoded.
    public init(_ name: MailboxName, isUTF8: Bool) {
        if isUTF8, let text = ModifiedUTF7.decode(name.octets) {
            (octets, self.isUTF8) = (Array(text.utf8), true)
        } else {
            (octets, self.isUTF8) = (name.octets, false)
        }
    }

    /// The name a server sent; UTF-8 becomes modified UTF-7, so that a name is the same in every session.
    public static func decode(_ octets: [UInt8], delimiter: UInt8?, isUTF8: Bool) -> MailboxName {
        if isUTF8, let text = String(validating: octets, as: UTF8.self) {
            return MailboxName(octets: ModifiedUTF7.encode(text), delimiter: delimiter)
        }
        return MailboxName(octets: octets, delimiter: delimiter)
    }
}
