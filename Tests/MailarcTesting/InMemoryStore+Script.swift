public import MailCore
import Synchronization

// The history of a mailbox, as its owner writes it. An unknown mailbox or UID is left alone.
extension InMemoryStore {
    public func create(_ name: MailboxName, role: MailboxRole? = nil) {
        model.withLock { model in
            guard !model.mailboxes.contains(where: { $0.name == name }) else { return }
            model.mailboxes.append(
                Mailbox(name: name, role: role, id: "M\(model.nextID)", uidValidity: model.nextValidity))
            model.nextID += 1
            model.nextValidity += 1
        }
    }

    public func delete(_ name: MailboxName) {
        model.withLock { $0.mailboxes.removeAll { $0.name == name } }
    }

    public func rename(_ old: MailboxName, as new: MailboxName) {
        model.withLock { model in
            guard !model.mailboxes.contains(where: { $0.name == new }) else { return }
            model.change(old) { $0.name = new }
        }
    }

    @discardableResult
    public func append(
        _ octets: [UInt8], to name: MailboxName, flags: FlagSet = [], date: Int64 = 1_700_000_000
    ) -> UID? {
        model.withLock { model in
            let summary = MessageSummary(
                uid: .min, flags: flags, internalDate: InternalDate(secondsSinceEpoch: date),
                octetCount: octets.count, objectID: features.hasObjectIDs ? "id:\(octets.fingerprint)" : nil)
            var uid: UID?
            model.change(name) { uid = $0.add(Message(summary: summary, octets: octets)) }
            return uid
        }
    }

    public func expunge(_ uid: UID, from name: MailboxName) {
        model.withLock { $0.change(name) { _ = $0.remove(uid) } }
    }

    public func setFlags(_ flags: FlagSet, of uid: UID, in name: MailboxName) {
        model.withLock { model in
            model.change(name) { mailbox in
                guard let index = mailbox.messages.firstIndex(where: { $0.summary.uid == uid }) else { return }
                mailbox.modSeq += 1
                mailbox.messages[index].summary.flags = flags
                mailbox.messages[index].summary.modSeq = ModSeq(mailbox.modSeq)
            }
        }
    }

    public func copy(_ uid: UID, from source: MailboxName, to target: MailboxName) {
        model.withLock { model in
            guard let message = model.message(uid, source) else { return }
            model.change(target) { _ = $0.add(message) }
        }
    }

    public func move(_ uid: UID, from source: MailboxName, to target: MailboxName) {
        model.withLock { model in
            guard source != target, model.mailboxes.contains(where: { $0.name == target }) else { return }
            var moved: Message?
            model.change(source) { moved = $0.remove(uid) }
            guard let moved else { return }
            model.change(target) { _ = $0.add(moved) }
        }
    }

    /// Gives every message of the mailbox a new UID under a new UIDVALIDITY, in the order that `order` makes.
    public func resetUIDValidity(_ name: MailboxName, order: ([UID]) -> [UID] = { $0 }) {
        model.withLock { model in
            let validity = model.nextValidity
            model.nextValidity += 1
            model.change(name) { mailbox in
                let messages = Dictionary(
                    mailbox.messages.map { ($0.summary.uid, $0) }, uniquingKeysWith: { first, _ in first })
                (mailbox.uidValidity, mailbox.uidNext, mailbox.messages, mailbox.expunged) = (validity, 1, [], [])
                for uid in order(messages.keys.sorted()) {
                    if let message = messages[uid] { _ = mailbox.add(message) }
                }
            }
        }
    }

    /// Rewrites the UIDs as 1, 2, 3…, as a file without UIDs does at each reading.
    public func renumber(_ name: MailboxName) {
        model.withLock { model in
            model.change(name) { mailbox in
                let messages = mailbox.messages
                (mailbox.uidNext, mailbox.messages, mailbox.expunged) = (1, [], [])
                for message in messages { _ = mailbox.add(message) }
            }
        }
    }
}

extension InMemoryStore.Model {
    mutating func change(_ name: MailboxName, _ change: (inout InMemoryStore.Mailbox) -> Void) {
        guard let index = mailboxes.firstIndex(where: { $0.name == name }) else { return }
        change(&mailboxes[index])
    }

    func message(_ uid: UID, _ name: MailboxName) -> InMemoryStore.Message? {
        mailboxes.first { $0.name == name }?.messages.first { $0.summary.uid == uid }
    }
}

extension InMemoryStore.Mailbox {
    mutating func add(_ message: InMemoryStore.Message) -> UID? {
        guard let uid = UID(uidNext) else { return nil }
        uidNext += 1
        modSeq += 1
        var message = message
        message.summary.uid = uid
        message.summary.modSeq = ModSeq(modSeq)
        messages.append(message)
        return uid
    }

    mutating func remove(_ uid: UID) -> InMemoryStore.Message? {
        guard let index = messages.firstIndex(where: { $0.summary.uid == uid }) else { return nil }
        modSeq += 1
        expunged.append((uid, modSeq))
        return messages.remove(at: index)
    }
}

extension [UInt8] {
    /// FNV-1a, 64 bits: tells contents of a test apart.
    public var fingerprint: UInt64 {
        reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
