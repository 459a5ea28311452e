public import MailCore

/// A maildrop as a mail store: one mailbox, INBOX, without flags and dates.
///
/// A message is known by its unique-id, which the register gives a UID; one whose unique-id is another's, too, or that
/// has none, by its content: it is read in each look, and never deleted. RETR alone is used; the server is not asked to
/// change anything but by ``expunge(_:from:uidValidity:)``.
/// - SeeAlso: RFC 1939
public struct POP3Store: PartwiseStore {
    /// The only mailbox.
    public static let inbox = MailboxName("INBOX", delimiter: nil)

    let connection: POP3Connection
    private let register: any UniqueIDRegister
    private let digesting: ContentDigesting

    public init(_ connection: POP3Connection, register: any UniqueIDRegister, digesting: ContentDigesting) {
        (self.connection, self.register, self.digesting) = (connection, register, digesting)
    }

    public var traits: StoreTraits {
        get async throws(StoreError) {
            let name = try await connection.withSession { (session) async throws(StoreError) in
                session.implementation
            }
            return StoreTraits(fetchConcurrency: 1, implementation: name)
        }
    }

    /// Without counters: that another program emptied a maildrop is nothing unusual.
    public func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        ([MailboxListing(name: Self.inbox)], true)
    }

    /// Everything, always: what a session sees does not change while it lasts.
    public func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        let drop = try await maildrop(of: mailbox)
        return MailboxObservation(
            status: drop.status, content: .full(drop.messages.map(Maildrop.summary)), isComplete: drop.isComplete)
    }

    public func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        let drop = try await maildrop(of: mailbox)
        return MailboxCensus(
            status: drop.status, uids: UIDSet(drop.messages.map(\.uid)), isComplete: drop.isComplete)
    }

    public func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        let drop = try await maildrop(of: mailbox)
        guard drop.uidValidity == uidValidity else { throw .otherUIDs }
        return drop.messages.filter { uids.contains($0.uid) }.map(Maildrop.summary)
    }

    public func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try Self.require(mailbox)
        guard !messages.isEmpty else { return FetchReport() }
        return try await Retrieval(messages, uidValidity: uidValidity, store: self).run(consume)
    }

    // MARK: The maildrop

    static func require(_ mailbox: MailboxName) throws(StoreError) {
        guard mailbox == inbox else {
            throw StoreError(.noSuchMailbox, "POP3 has INBOX alone", mailbox: mailbox)
        }
    }

    private func maildrop(of mailbox: MailboxName) async throws(StoreError) -> Maildrop {
        try Self.require(mailbox)
        return try await connection.withSession { (session) async throws(StoreError) in
            try await maildrop(of: session)
        }
    }

    /// What `session` sees; looked at once.
    func maildrop(of session: POP3Session) async throws(StoreError) -> Maildrop {
        if let maildrop = session.maildrop { return maildrop }
        let listing = try await session.listing()
        let digests = try await digests(of: listing.entries.filter { $0.uniqueID == nil }, on: session)
        var ordinals: [[UInt8]: Int] = [:]
        var (known, keys): ([MaildropListing.Entry], [MessageKey]) = ([], [])
        for entry in listing.entries {
            if let id = entry.uniqueID {
                keys.append(.uniqueID(id))
            } else if let digest = digests[entry.number] {
                keys.append(.content(digest: digest, ordinal: ordinals[digest, default: 0]))
                ordinals[digest, default: 0] += 1
            } else {
                continue
            }
            known.append(entry)
        }
        let given = try await register.uids(of: keys)
        let messages = zip(known, given.uids).map { entry, uid in
            Maildrop.Message(
                uid: uid, number: entry.number, octetCount: entry.octetCount, isIdentified: entry.uniqueID != nil)
        }
        let maildrop = Maildrop(
            uidValidity: given.uidValidity, messages: messages,
            isComplete: listing.isComplete && known.count == listing.entries.count, listedCount: listing.entries.count)
        session.maildrop = maildrop
        return maildrop
    }

    /// SHA-256 of each of `entries` by its number, without those the server does not give.
    private func digests(
        of entries: [MaildropListing.Entry], on session: POP3Session
    ) async throws(StoreError) -> [Int: [UInt8]] {
        var digests: [Int: [UInt8]] = [:]
        try await session.retrieve(entries.map { ($0.number, $0.octetCount) }) {
            (index, arrival) async throws(StoreError) in
            guard case .content(let content) = arrival else { return }
            let digest = digesting.start()
            while let octets = try await content.next() { digest.update(octets[...]) }
            digests[entries[index].number] = digest.finish()
        }
        return digests
    }
}
