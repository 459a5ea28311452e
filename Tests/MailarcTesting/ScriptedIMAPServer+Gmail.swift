import Foundation

/// How messages of the model come, change and go; on Gmail, a mailbox is what a label shows.
///
/// Gmail has a message once, under one X-GM-MSGID, in the mailboxes of its labels and in the one of role `\All`: what is
/// equal to a message that is there becomes that one, an expunge takes a label away, and what goes to the bin leaves
/// everything else.
extension ScriptedIMAPServer.Model {
    typealias Message = ScriptedIMAPServer.Message

    /// What Gmail says it can do, and its mailboxes; `labels` are those a user made.
    public static func gmail(_ labels: [String] = []) -> Self {
        var model = Self(
            capabilities: [
                "IMAP4rev1", "UNSELECT", "IDLE", "NAMESPACE", "QUOTA", "ID", "XLIST", "CHILDREN", "X-GM-EXT-1",
                "UIDPLUS", "ENABLE", "MOVE", "CONDSTORE", "ESEARCH", "UTF8=ACCEPT", "LIST-EXTENDED", "LIST-STATUS",
                "LITERAL-", "SPECIAL-USE", "SASL-IR", "AUTH=PLAIN",
            ], mailboxes: [ScriptedIMAPServer.Mailbox("INBOX")])
        func add(_ name: String, _ attribute: String?) {
            var mailbox = ScriptedIMAPServer.Mailbox(name, uidValidity: UInt32(model.mailboxes.count + 1))
            mailbox.attributes = attribute.map { [$0] } ?? []
            model.mailboxes.append(mailbox)
        }
        add("[Gmail]", "\\Noselect")
        for (name, attribute) in [
            ("All Mail", "\\All"), ("Drafts", "\\Drafts"), ("Sent Mail", "\\Sent"), ("Spam", "\\Junk"),
            ("Starred", "\\Flagged"), ("Bin", "\\Trash"),
        ] {
            add("[Gmail]/\(name)", attribute)
        }
        for label in labels { add(label, nil) }
        return model
    }

    var isGmail: Bool { has("X-GM-EXT-1") }

    private func name(of attribute: String) -> String? {
        mailboxes.first { $0.attributes.contains(attribute) }?.name
    }

    /// Puts a message into the mailbox `name`; answers its UID there.
    @discardableResult
    public mutating func add(
        _ octets: [UInt8], to name: String, flags: [String] = [],
        internalDate: String = " 7-Feb-2024 14:03:09 +0100"
    ) -> UInt32 {
        guard isGmail else {
            var uid: UInt32 = 0
            change(name) { uid = $0.append(octets, flags: flags, internalDate: internalDate) }
            return uid
        }
        let known = mailboxes.lazy.flatMap(\.messages).first { $0.octets == octets }
        if known == nil { lastGmailID += 1 }
        var message = Message(uid: 0, octets: octets, flags: flags, internalDate: internalDate)
        message.gmailID = lastGmailID
        return label(known ?? message, name)
    }

    mutating func copy(_ message: Message, to name: String) -> UInt32 {
        guard isGmail else {
            return add(message.octets, to: name, flags: message.flags, internalDate: message.internalDate)
        }
        return label(message, name)
    }

    /// Shows a message in the mailbox of a label too, and in the one of all mail.
    private mutating func label(_ message: Message, _ name: String) -> UInt32 {
        let bins = ["\\Trash", "\\Junk"].compactMap { self.name(of: $0) }
        if bins.contains(name) {
            for mailbox in mailboxes where mailbox.name != name { unlabel(message, mailbox.name) }
        } else {
            for bin in bins { unlabel(message, bin) }
            if let all = self.name(of: "\\All"), all != name { show(message, all) }
        }
        if let starred = self.name(of: "\\Flagged"), message.flags.contains("\\Flagged"), starred != name {
            show(message, starred)
        }
        return show(message, name)
    }

    @discardableResult
    private mutating func show(_ message: Message, _ name: String) -> UInt32 {
        var uid: UInt32 = 0
        change(name) { mailbox in
            if let known = mailbox.messages.first(where: { $0.gmailID == message.gmailID }) {
                uid = known.uid
            } else {
                uid = mailbox.append(message.octets, flags: message.flags, internalDate: message.internalDate)
                mailbox.messages[mailbox.messages.count - 1].gmailID = message.gmailID
            }
        }
        return uid
    }

    private mutating func unlabel(_ message: Message, _ name: String) {
        change(name) { mailbox in
            for known in mailbox.messages where known.gmailID == message.gmailID { mailbox.expunge(known.uid) }
        }
    }

    public mutating func setFlags(_ uid: UInt32, _ flags: [String], in name: String) {
        guard isGmail, let message = message(uid, name) else { return change(name) { $0.setFlags(uid, flags) } }
        // `\Deleted` is one mailbox's; every other flag is the message's.
        for mailbox in mailboxes {
            for other in mailbox.messages where other.gmailID == message.gmailID {
                let kept = flags.filter { $0 != "\\Deleted" } + other.flags.filter { $0 == "\\Deleted" }
                change(mailbox.name) { $0.setFlags(other.uid, mailbox.name == name ? flags : kept) }
            }
        }
        guard let starred = self.name(of: "\\Flagged"), let changed = self.message(uid, name) else { return }
        if flags.contains("\\Flagged") { show(changed, starred) } else if starred != name { unlabel(changed, starred) }
    }

    public mutating func expunge(_ uid: UInt32, from name: String) {
        guard isGmail, name == self.name(of: "\\All") else { return change(name) { $0.expunge(uid) } }
        // As Gmail is set at first: what no label shows is archived, and stays.
        if let message = message(uid, name) { setFlags(uid, message.flags.filter { $0 != "\\Deleted" }, in: name) }
    }

    private func message(_ uid: UInt32, _ name: String) -> Message? {
        mailboxes.first { $0.name == name }?.messages.first { $0.uid == uid }
    }

    /// X-GM-LABELS of a message, the mailbox it is seen in left out.
    func labels(of message: Message, in name: String) -> String {
        let names = mailboxes.filter { mailbox in
            mailbox.name != name && !mailbox.attributes.contains("\\All")
                && mailbox.messages.contains { $0.gmailID == message.gmailID }
        }
        let words = names.map { mailbox in
            mailbox.name == "INBOX"
                ? "\"\\\\Inbox\"" : mailbox.attributes.first.map { "\"\\\($0)\"" } ?? "\"\(mailbox.name)\""
        }
        return "(\(words.joined(separator: " ")))"
    }
}
