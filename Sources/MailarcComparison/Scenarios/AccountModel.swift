/// What an account holds, as the scenario says it: the model that the lab's servers are held against.
public struct AccountModel: Sendable, Hashable {
    /// One message in one mailbox.
    public struct Message: Sendable, Hashable {
        /// As on the wire (modified UTF-7, `.` between the parts).
        public var mailbox: String
        public var key: String
        /// Sorted.
        public var flags: [String]

        public init(mailbox: String, key: String, flags: [String] = []) {
            (self.mailbox, self.key, self.flags) = (mailbox, key, flags.sorted())
        }

        var tag: String { Letter(key).tag }
    }

    public var messages: [Message] = []
    public var mailboxes: Set<String> = ["INBOX"]

    public init(messages: [Message] = [], mailboxes: Set<String> = ["INBOX"]) {
        self.messages = messages
        self.mailboxes = mailboxes.union(messages.map(\.mailbox))
    }

    /// What a user does to an account.
    public enum Step: Sendable, Hashable {
        case append(String, to: String, flags: [String] = [])
        case expunge(String, in: String)
        /// These flags and no others.
        case flags([String], of: String, in: String)
        case move(String, from: String, to: String)
        case create(String)
        /// With everything inside.
        case rename(String, to: String)
        case delete(String)
        /// The server gives every mailbox another UIDVALIDITY. RFC 9051 §2.3.1.1
        case resetUIDValidity
    }

    /// The account after `steps`.
    public func after(_ steps: [Step]) -> AccountModel {
        steps.reduce(into: self) { $0.apply($1) }
    }

    private mutating func apply(_ step: Step) {
        switch step {
        case .append(let key, let mailbox, let flags):
            mailboxes.insert(mailbox)
            messages.append(Message(mailbox: mailbox, key: key, flags: flags))
        case .expunge(let tag, let mailbox):
            if let place = place(tag, mailbox) { messages.remove(at: place) }
        case .flags(let flags, let tag, let mailbox):
            if let place = place(tag, mailbox) { messages[place].flags = flags.sorted() }
        case .move(let tag, let mailbox, let target):
            if let place = place(tag, mailbox) { messages[place].mailbox = target }
        case .create(let mailbox): mailboxes.insert(mailbox)
        case .rename(let old, let new): rename(old, new)
        case .delete(let mailbox):
            messages.removeAll { $0.mailbox == mailbox }
            mailboxes.remove(mailbox)
        case .resetUIDValidity: break
        }
    }

    private func place(_ tag: String, _ mailbox: String) -> Int? {
        messages.firstIndex { $0.mailbox == mailbox && $0.tag == tag }
    }

    private mutating func rename(_ old: String, _ new: String) {
        func renamed(_ name: String) -> String {
            name == old || name.hasPrefix(old + ".") ? new + name.dropFirst(old.count) : name
        }
        mailboxes = Set(mailboxes.map(renamed))
        for index in messages.indices { messages[index].mailbox = renamed(messages[index].mailbox) }
    }

    /// How often `tag` is in `mailbox`.
    func count(_ tag: String, in mailbox: String) -> Int {
        messages.count { $0.mailbox == mailbox && $0.tag == tag }
    }

    /// How often `tag` is there.
    func count(_ tag: String) -> Int { messages.count { $0.tag == tag } }

    /// The flags of the first message `tag` in `mailbox`, or `nil`.
    func flags(of tag: String, in mailbox: String) -> [String]? {
        place(tag, mailbox).map { messages[$0].flags }
    }
}

extension AccountModel.Step: CustomStringConvertible {
    /// As the tables show it.
    public var description: String {
        switch self {
        case .append(let key, let mailbox, let flags):
            flags.isEmpty ? "+\(mailbox)/\(key)" : "+\(mailbox)/\(key)[\(flags.joined(separator: " "))]"
        case .expunge(let tag, let mailbox): "-\(mailbox)/\(tag)"
        case .flags(let flags, let tag, let mailbox): "~\(mailbox)/\(tag)=\(flags.joined(separator: ","))"
        case .move(let tag, let mailbox, let target): ">\(mailbox)/\(tag)>\(target)"
        case .create(let mailbox): "+\(mailbox)/"
        case .rename(let old, let new): "@\(old)>\(new)"
        case .delete(let mailbox): "-\(mailbox)/"
        case .resetUIDValidity: "!UIDVALIDITY"
        }
    }
}
