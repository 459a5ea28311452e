/// What a server says it can do; compared in upper case.
public struct CapabilitySet: Sendable, Hashable {
    public private(set) var names: Set<String>

    public init(_ names: some Sequence<String> = []) { self.names = Set(names.map { $0.uppercased() }) }

    public func contains(_ name: String) -> Bool { names.contains(name) }

    public var hasLiteralPlus: Bool { contains("LITERAL+") }
    public var hasLiteralMinus: Bool { contains("LITERAL-") || isRevision2 }
    public var isRevision2: Bool { contains("IMAP4REV2") }
    public var hasEnable: Bool { contains("ENABLE") || isRevision2 }
    public var hasExtendedSearch: Bool { contains("ESEARCH") || isRevision2 }
    public var hasQuickResync: Bool { contains("QRESYNC") }
    public var hasConditionalStore: Bool { contains("CONDSTORE") || hasQuickResync }
    public var hasListStatus: Bool { contains("LIST-STATUS") || isRevision2 }
    public var hasListExtended: Bool { contains("LIST-EXTENDED") || isRevision2 }
    public var hasSpecialUse: Bool { contains("SPECIAL-USE") || isRevision2 }
    public var hasNamespace: Bool { contains("NAMESPACE") || isRevision2 }

    /// X-GM-MSGID and labels: every label is a mailbox, and a message is in those of all its labels.
    public var hasGmailExtensions: Bool { contains("X-GM-EXT-1") }

    public var hasMove: Bool { contains("MOVE") || isRevision2 }
    public var hasUnselect: Bool { contains("UNSELECT") || isRevision2 }

    /// Messages the server works on in one command. RFC 9738 §3
    public var messageLimit: Int? {
        let values = names.lazy.filter { $0.hasPrefix("MESSAGELIMIT=") }.compactMap { Int($0.dropFirst(13)) }
        return values.min().map { max(1, $0) }
    }

    init(_ cursor: inout LineCursor) {
        var names: Set<String> = []
        cursor.skipSpaces()
        while let word = cursor.takeWord() {
            names.insert(word)
            cursor.skipSpaces()
        }
        self.names = names
    }
}
