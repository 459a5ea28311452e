public import MailCore
import MailIMAPCore

/// The write side: CREATE, SUBSCRIBE, APPEND. Nothing here changes or expunges what is there.
extension IMAPAccountStore: PipelinedDeliveryStore {
    public func hierarchy() async throws(StoreError) -> StoreHierarchy {
        try await withSession { (session) async throws(StoreError) in
            try await session.settle()
            // QUIRK: Cyrus names no personal namespace before there is an INBOX, so it is asked again.
            if session.capabilities.hasNamespace, session.namespaces.personal.isEmpty {
                _ = try await session.run(.namespace)
            }
            if let personal = session.namespaces.personal.first {
                let prefix = WireName.decode(personal.prefix, delimiter: personal.delimiter, isUTF8: session.isUTF8)
                return StoreHierarchy(
                    prefix: prefix.isInbox ? personal.prefix : prefix.octets, delimiter: personal.delimiter)
            }
            var delimiter: UInt8?
            _ = try await session.run(.listRoot) { response throws(StoreError) in
                if case .list(let entry) = response { delimiter = entry.delimiter }
            }
            return StoreHierarchy(delimiter: delimiter)
        }
    }

    public func create(
        _ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool
    ) async throws(StoreError) {
        forgetListing()
        try await withSession { (session) async throws(StoreError) in
            try await session.settle()
            try await session.create(mailbox, role: role)
            guard isSubscribed else { return }
            // A server that keeps no subscriptions says so; the mail is there all the same.
            _ = try await session.run(.subscribe(WireName(mailbox, isUTF8: session.isUTF8)))
        }
    }

    public func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        try await withSession { (session) async throws(StoreError) in
            try await session.settle()
            return try await session.deliveryTraits(of: mailbox)
        }
    }

    public func create(_ mailboxes: [NewMailbox]) async throws(StoreError) -> [Result<Void, StoreError>] {
        forgetListing()
        return try await withSession { (session) async throws(StoreError) in
            try await session.settle()
            return try await session.create(mailboxes)
        }
    }

    public func deliveryTraits(of mailboxes: [MailboxName]) async throws(StoreError) -> [DeliveryTraits?] {
        try await withSession { (session) async throws(StoreError) in
            try await session.settle()
            return try await session.deliveryTraits(of: mailboxes)
        }
    }

    public func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        guard !configuration.onlyReads else { throw .onlyReading("APPEND") }
        let session = try await pool.lease()
        let delivery = MessageDelivery(to: mailbox, traits, session)
        do throws(StoreError) {
            try await session.settle()
            try await delivery.run(next, each)
        } catch {
            await pool.discard(session)
            throw error
        }
        if delivery.isSlow { await pool.strain() }
        await pool.giveBack(session)
    }
}

extension IMAPSession {
    /// Waits for what is still on its way from the login: NAMESPACE, and whether the server takes two commands at once.
    func settle() async throws(StoreError) {
        if !unattended.isEmpty { _ = try await run(.noop) }
    }

    /// Makes `mailbox`; no error if it is there.
    func create(_ mailbox: MailboxName, role: MailboxRole?) async throws(StoreError) {
        let name = WireName(mailbox, isUTF8: isUTF8)
        if let role, capabilities.createsSpecialUse {
            let status = try await run(.create(name, use: role.attribute))
            if status.condition == .ok || status.code == .alreadyExists { return }
        }
        let status = try await run(.create(name))
        if status.condition == .ok || status.code == .alreadyExists { return }
        // [LIMIT] is about how many mailboxes there may be. RFC 9051 §7.1
        if status.isTemporary, status.code != .limit { throw .throttled(status, mailbox: mailbox) }
        // QUIRK: many servers have no code for it.
        if try await run(.status(name, [.uidValidity])).condition == .ok { return }
        throw StoreError(.refused, "The server refused to create it: \(status.text)", mailbox: mailbox)
    }

    /// Opens `mailbox` for writing and notes what it keeps; the code of the answer.
    func select(
        _ mailbox: MailboxName, into traits: inout DeliveryTraits
    ) async throws(StoreError) -> ResponseCode? {
        selected = nil
        var told = traits
        let status = try await run(.select(WireName(mailbox, isUTF8: isUTF8))) { response throws(StoreError) in
            told.learn(response)
        }
        traits = told
        guard status.condition == .ok else {
            if status.isTemporary { throw .throttled(status, mailbox: mailbox) }
            throw StoreError(.noSuchMailbox, "The server refused to open it: \(status.text)", mailbox: mailbox)
        }
        return status.code
    }

    /// What a mailbox keeps, before it was opened.
    private var unopened: DeliveryTraits {
        DeliveryTraits(
            octetLimit: capabilities.appendLimit, keepsUTF8Headers: isUTF8, takesNUL: capabilities.hasBinary)
    }

    /// What `mailbox` keeps; it is opened for writing and left again, as EXAMINE tells no PERMANENTFLAGS.
    func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        var traits = unopened
        _ = try await select(mailbox, into: &traits)
        if capabilities.hasUnselect { _ = try await run(.unselect) }
        guard capabilities.hasMailboxAppendLimit else { return traits }
        _ = try await run(.status(WireName(mailbox, isUTF8: isUTF8), [.appendLimit])) { response throws(StoreError) in
            guard case .mailboxStatus(let status) = response, let limit = status.appendLimit else { return }
            traits.octetLimit = Int(exactly: limit)
        }
        return traits
    }

    /// Makes and subscribes `mailboxes`, several commands in flight; what is refused is tried once more by itself.
    func create(_ mailboxes: [NewMailbox]) async throws(StoreError) -> [Result<Void, StoreError>] {
        let commands = mailboxes.flatMap { mailbox in
            let name = WireName(mailbox.name, isUTF8: isUTF8)
            guard let role = mailbox.role, capabilities.createsSpecialUse else {
                return [Command.create(name), .subscribe(name)]
            }
            return [.create(name, use: role.attribute), .subscribe(name)]
        }
        let answers = try await runAll(commands)
        var results: [Result<Void, StoreError>] = []
        for (index, mailbox) in mailboxes.enumerated() {
            let status = answers[2 * index]
            guard status.condition != .ok, status.code != .alreadyExists else {
                results.append(.success(()))
                continue
            }
            do throws(StoreError) {
                try await create(mailbox.name, role: mailbox.role)
                _ = try await run(.subscribe(WireName(mailbox.name, isUTF8: isUTF8)))
                results.append(.success(()))
            } catch {
                guard error.kind == .refused else { throw error }
                results.append(.failure(error))
            }
        }
        return results
    }

    /// What each of `mailboxes` keeps: each opened for writing, several commands in flight, the last one left again.
    func deliveryTraits(of mailboxes: [MailboxName]) async throws(StoreError) -> [DeliveryTraits?] {
        selected = nil
        var traits = mailboxes.map { _ in unopened }
        let names = mailboxes.map { WireName($0, isUTF8: isUTF8) }
        let answers = try await runAll(names.map { .select($0) }) { (index, response) throws(StoreError) in
            traits[index].learn(response)
        }
        if capabilities.hasUnselect { _ = try await run(.unselect) }
        if capabilities.hasMailboxAppendLimit {
            _ = try await runAll(names.map { .status($0, [.appendLimit]) }) { (index, response) throws(StoreError) in
                guard case .mailboxStatus(let status) = response, let limit = status.appendLimit else { return }
                traits[index].octetLimit = Int(exactly: limit)
            }
        }
        return zip(traits, answers).map { $1.condition == .ok ? $0 : nil }
    }
}

extension DeliveryTraits {
    /// Takes what a response to SELECT tells.
    fileprivate mutating func learn(_ response: Response) {
        guard case .status(let status) = response else { return }
        switch status.code {
        case .uidValidity(let value)?: uidValidity = UIDValidity(value)
        case .permanentFlags(let flags)?: permanentFlags = flags
        default: break
        }
    }
}

extension MailboxRole {
    /// The special-use attribute without its backslash. RFC 6154 §2
    fileprivate var attribute: String {
        switch self {
        case .all: "All"
        case .archive: "Archive"
        case .drafts: "Drafts"
        case .flagged: "Flagged"
        case .junk: "Junk"
        case .sent: "Sent"
        case .trash: "Trash"
        case .important: "Important"
        }
    }
}
