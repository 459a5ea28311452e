/// An account as it was read back by IMAP.
public struct SeenAccount: Sendable, Hashable {
    /// One message in one mailbox.
    public struct Message: Sendable, Hashable {
        public var mailbox: String
        public var uid: UInt32
        /// Of the octets, in hexadecimal digits.
        public var digest: String
        /// What the message says it is; `nil`: no message of a scenario.
        public var tag: String?
        /// Sorted, without `\Recent`.
        public var flags: [String]
        /// Seconds since 1970; `nil`: not a date.
        public var internalDate: Int64?

        public init(
            mailbox: String, uid: UInt32, digest: String, tag: String?, flags: [String], internalDate: Int64?
        ) {
            (self.mailbox, self.uid, self.digest, self.tag) = (mailbox, uid, digest, tag)
            (self.flags, self.internalDate) = (flags.sorted(), internalDate)
        }

        /// Whether the octets are those that the tag's message has.
        var isExact: Bool { tag.map { Letter.digests(of: $0).contains(digest) } ?? false }

        /// `INBOX/B[\Seen]`
        var label: String {
            let name = "\(mailbox)/\(tag ?? "?\(digest.prefix(8))")"
            return flags.isEmpty ? name : "\(name)[\(flags.joined(separator: " "))]"
        }
    }

    public var messages: [Message]
    public var mailboxes: Set<String>
    /// UIDVALIDITY of each mailbox.
    public var validities: [String: UInt32]

    public init(messages: [Message] = [], mailboxes: Set<String> = [], validities: [String: UInt32] = [:]) {
        (self.messages, self.mailboxes, self.validities) = (messages, mailboxes, validities)
    }

    /// What a model holds, as if it had been read back; for judging without a server.
    public init(_ model: AccountModel) {
        let messages = model.messages.enumerated().map { index, message in
            let letter = Letter(message.key)
            return Message(
                mailbox: message.mailbox, uid: UInt32(index + 1), digest: letter.digest, tag: letter.tag,
                flags: message.flags, internalDate: letter.internalDate)
        }
        self.init(messages: messages, mailboxes: model.mailboxes)
    }

    /// What is different from `before`: `-INBOX/B`, `+Work/B[\Seen]`, `+Work/` for a mailbox, `!INBOX` for a UIDVALIDITY.
    public func changes(since before: SeenAccount) -> [String] {
        let (old, new) = (before.labels, labels)
        let mailboxChanges =
            before.mailboxes.subtracting(mailboxes).sorted().map { "-\($0)/" }
            + mailboxes.subtracting(before.mailboxes).sorted().map { "+\($0)/" }
        let messageChanges = Set(old.keys).union(new.keys).sorted().flatMap { label in
            let change = (new[label] ?? 0) - (old[label] ?? 0)
            return Array(repeating: (change < 0 ? "-" : "+") + label, count: abs(change))
        }
        let validityChanges = validities.keys.sorted().filter { name in
            before.validities[name].map { $0 != validities[name] } ?? false
        }
        return mailboxChanges + messageChanges + validityChanges.map { "!\($0)" }
    }

    private var labels: [String: Int] {
        messages.reduce(into: [:]) { counts, message in
            counts[message.isExact ? message.label : message.label + " altered", default: 0] += 1
        }
    }
}
