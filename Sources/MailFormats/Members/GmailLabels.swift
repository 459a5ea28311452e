package import MailCore
internal import MailMIME

/// The mailboxes and flags that an export of Gmail tells in `X-Gmail-Labels`.
///
/// - SeeAlso: RFC 8457 (`$Important`)
package struct GmailLabels {
    package private(set) var mailboxes: [MailboxListing] = []
    package private(set) var flags: FlagSet = []

    /// LIMIT: labels of one message; Gmail's own is 100 for a message and 10,000 for an account.
    private static let limit = 1_000
    /// LIMIT: octets of one label as a mailbox's name; Gmail's own is 225.
    private static let nameLimit = 1_000

    private static let known: [String: (name: String, role: MailboxRole?)] = [
        "inbox": ("INBOX", nil), "sent": ("Sent", .sent), "drafts": ("Drafts", .drafts), "draft": ("Drafts", .drafts),
        "spam": ("Spam", .junk), "trash": ("Trash", .trash), "archived": ("Archive", .archive),
    ]

    // labels = label *("," label) ; label = text / DQUOTE text DQUOTE, all of it encoded-words where it is not ASCII
    /// Total: a message without the field, or with flags alone, is in the mailbox `Archive` and read.
    package init(header: [UInt8]) {
        var found: [Flag] = []
        var isUnread = false
        var names: Set<String> = []
        let field = HeaderFields(parsing: header).first("x-gmail-labels") ?? []
        for label in Self.split(EncodedWord.decode(field)).prefix(Self.limit) {
            switch label.lowercased() {
            case "unread": isUnread = true
            case "opened": break
            case "starred": found.append(.flagged)
            case "important": found.append(Flag("$Important"))
            case let word where word.hasPrefix("imap_"):
                // QUIRK: keywords that were set over IMAP stand among the labels.
                let keyword = label.dropFirst(5)
                if Self.isKeyword(keyword) { found.append(Flag(String(keyword))) }
            case let word:
                let (name, role) = Self.known[word] ?? (Self.cut(label), nil)
                if role == .drafts { found.append(.draft) }
                if names.insert(name).inserted {
                    mailboxes.append(MailboxListing(name: MailboxName(name), role: role))
                }
            }
        }
        if mailboxes.isEmpty { mailboxes = [MailboxListing(name: MailboxName("Archive"), role: .archive)] }
        flags = FlagSet(found + (isUnread ? [] : [.seen]))
    }

    /// At commas that are in no quotes; without quotes and spaces around.
    private static func split(_ text: String) -> [String] {
        var labels: [String] = []
        var label = ""
        var isQuoted = false
        for character in text {
            switch character {
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                labels.append(label)
                label = ""
            default: label.append(character)
            }
        }
        return (labels + [label]).map(trimmed).filter { !$0.isEmpty }
    }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop(while: \.isWhitespace)
        guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...last])
    }

    private static func cut(_ label: String) -> String {
        let clean = label.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        var name = String(String.UnicodeScalarView(clean.prefix(nameLimit / 4)))
        while name.hasPrefix("/") { name.removeFirst() }
        while name.hasSuffix("/") { name.removeLast() }
        return name.isEmpty ? "Archive" : name
    }

    // atom   ; RFC 9051 §9
    private static func isKeyword(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.count <= 100
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"(){%*\"\\]".utf8.contains($0) }
    }
}
