internal import MailCore

/// Which mailbox of B belongs to which of A, by name.
///
/// Names are compared as the octets of their components, so that prefix and delimiter of the stores do not matter;
/// INBOX is INBOX.
public struct PairNaming: Sendable, Hashable {
    /// Changes names on the way from A to B; the first that fits counts.
    public struct Rule: Sendable, Hashable {
        public enum Kind: Sendable, Hashable {
            /// `from` and everything below it.
            case prefix
            /// `from` alone.
            case exact
            /// `from` is a regular expression over the whole name; `to` may hold `$1` to `$9`. One way only.
            case pattern
        }
        public var kind: Kind
        /// With `/` between components.
        public var from: String
        public var to: String

        public init(_ kind: Kind, from: String, to: String) { (self.kind, self.from, self.to) = (kind, from, to) }
    }

    public var rules: [Rule]
    /// A mailbox of B below which everything goes; mailboxes of B outside it are none of the pair's.
    public var subfolder: String?
    /// A mailbox of A below which everything is taken from; mailboxes of A outside it are none of the pair's.
    public var sourceSubfolder: String?
    /// Mailboxes of equal role belong together, whatever their names.
    public var usesRoles: Bool

    public init(
        rules: [Rule] = [], subfolder: String? = nil, sourceSubfolder: String? = nil, usesRoles: Bool = false
    ) {
        (self.rules, self.subfolder, self.usesRoles) = (rules, subfolder, usesRoles)
        self.sourceSubfolder = sourceSubfolder
    }

    /// The first rule that cannot be understood.
    public var faultyRule: Rule? {
        rules.first { rule in rule.kind == .pattern && (try? Regex(rule.from)) == nil }
    }

    typealias Path = [[UInt8]]

    /// B's path for a path of A; `nil` where it is none of the pair's.
    func pathInB(_ path: Path) -> Path? {
        guard let path = Self.path(path, below: Self.path(sourceSubfolder)) else { return nil }
        return Self.path(subfolder) + (rules.lazy.compactMap { Self.map(path, $0) }.first ?? path)
    }

    /// A's path for a path of B; `nil` where it is none of the pair's.
    func pathInA(_ path: Path) -> Path? {
        guard let path = Self.path(path, below: Self.path(subfolder)) else { return nil }
        let back = rules.lazy.filter { $0.kind != .pattern }.map { Rule($0.kind, from: $0.to, to: $0.from) }
        return Self.path(sourceSubfolder) + (back.compactMap { Self.map(path, $0) }.first ?? path)
    }

    private static func path(_ path: Path, below above: Path) -> Path? {
        guard path.starts(with: above), path.count > above.count || above.isEmpty else { return nil }
        return Array(path.dropFirst(above.count))
    }

    private static func map(_ path: Path, _ rule: Rule) -> Path? {
        switch rule.kind {
        case .prefix:
            let from = Self.path(rule.from)
            guard path.starts(with: from) else { return nil }
            return Self.path(rule.to) + path.dropFirst(from.count)
        case .exact: return path == Self.path(rule.from) ? Self.path(rule.to) : nil
        case .pattern:
            let text = Self.text(path)
            guard let regex = try? Regex(rule.from), let match = try? regex.wholeMatch(in: text) else { return nil }
            var result = ""
            var isEscape = false
            for character in rule.to {
                if isEscape, let digit = character.wholeNumberValue {
                    if digit < match.output.count { result += match.output[digit].substring ?? "" }
                    isEscape = false
                } else if !isEscape, character == "$" {
                    isEscape = true
                } else {
                    if isEscape { result.append("$") }
                    result.append(character)
                    isEscape = false
                }
            }
            return Self.path(result)
        }
    }

    static func path(_ text: String?) -> Path {
        guard let text, !text.isEmpty else { return [] }
        let name = MailboxName(text)
        return name.isInbox ? inbox : name.octets.split(separator: UInt8(ascii: "/")).map(Array.init)
    }

    /// With `/` between components.
    static func text(_ path: Path) -> String {
        path.map { ModifiedUTF7.decode($0) ?? String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    static let inbox: Path = [Array("INBOX".utf8)]
}

extension StoreHierarchy {
    /// The components of `name`, without what every name begins with.
    func path(_ name: MailboxName) -> PairNaming.Path {
        if name.isInbox { return PairNaming.inbox }
        var octets = name.octets[...]
        if octets.starts(with: prefix), octets.count > prefix.count { octets = octets.dropFirst(prefix.count) }
        guard let delimiter = delimiter ?? name.delimiter else { return [Array(octets)] }
        return octets.split(separator: delimiter, omittingEmptySubsequences: false).map(Array.init)
    }

    /// The name with these components; a delimiter inside a component becomes `_`.
    func name(_ path: PairNaming.Path) -> MailboxName {
        guard path != PairNaming.inbox else { return MailboxName(octets: path[0], delimiter: delimiter) }
        var octets = prefix
        for (index, component) in path.enumerated() {
            if index > 0 { octets.append(delimiter ?? UInt8(ascii: "_")) }
            octets += component.map { $0 == delimiter ? UInt8(ascii: "_") : $0 }
        }
        return MailboxName(octets: octets, delimiter: delimiter)
    }
}
