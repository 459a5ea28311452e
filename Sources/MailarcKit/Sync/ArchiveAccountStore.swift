import ArchiveCatalog
import ArchiveStore
package import MailCore

/// An account of the archive's own as an end of a sync: the archive gives its mailboxes their UIDs.
///
/// Everything that happens to it is an event, so that it is the same in a catalog made anew, and every day of it can be
/// shown: what is removed or moved leaves the view, and nothing leaves the archive. A mailbox has a UIDVALIDITY no other
/// one of the account had, and ascending UIDs, none of which is ever given twice. An account that follows a source
/// (`pull`, `import`) has that source's UIDs and is never written to.
struct ArchiveAccountStore: SyncStore, PartwiseStore, PipelinedDeliveryStore {
    let account: ArchivedAccount
    /// `nil`: it is only looked at.
    let session: ArchiveSession?
    /// By which way messages come here.
    let channel: Channel

    var name: String { account.account }
    var catalog: Catalog { account.workspace.catalog }

    var traits: StoreTraits {
        get async throws(StoreError) { try await account.traits }
    }

    /// Flags are not guarded: while a session lasts nobody else can change them.
    var abilities: StoreAbilities {
        get async throws(StoreError) { StoreAbilities(keepsHistory: true) }
    }

    func hierarchy() async throws(StoreError) -> StoreHierarchy {
        StoreHierarchy(delimiter: try account.delimiter())
    }

    // MARK: Looking

    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        try await account.mailboxes()
    }

    func observe(_ mailbox: MailboxName, since cursor: MailboxCursor?) async throws(StoreError) -> MailboxObservation {
        try await account.observe(mailbox, since: cursor)
    }

    func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        try await account.census(of: mailbox)
    }

    func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        try await account.describe(uids, of: mailbox, uidValidity: uidValidity)
    }

    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        try await account.fetch(messages, from: mailbox, uidValidity: uidValidity, consume)
    }

    // MARK: Taking messages in

    func create(_ mailbox: MailboxName, role: MailboxRole?, isSubscribed: Bool) async throws(StoreError) {
        _ = try await create([NewMailbox(mailbox, role: role)])
    }

    /// All of them are one group.
    func create(_ mailboxes: [NewMailbox]) async throws(StoreError) -> [Result<Void, StoreError>] {
        try await open().record { events throws(StoreError) in
            events = try OwnAccount(name: name, catalog: catalog).creation(of: mailboxes)
            return mailboxes.map { _ in .success(()) }
        }
    }

    func deliveryTraits(of mailbox: MailboxName) async throws(StoreError) -> DeliveryTraits {
        Self.traits(try account.entry(of: mailbox))
    }

    func deliveryTraits(of mailboxes: [MailboxName]) async throws(StoreError) -> [DeliveryTraits?] {
        let rows = Dictionary(try account.rows(counts: false).map { ($0.name, $0) }) { first, _ in first }
        return mailboxes.map { rows[$0].map(Self.traits) }
    }

    private static func traits(_ row: ArchiveCatalog.MailboxRow) -> DeliveryTraits {
        DeliveryTraits(uidValidity: row.uidValidity, keepsUTF8Headers: true, takesNUL: true)
    }

    /// LIMIT: messages and octets made durable together; what a sync hands over at once is one group.
    private static let groupCount = 500
    private static let groupOctetCount = 32 << 20

    /// What became of a message's octets.
    private enum Taken {
        case archived(RandomID)
        case refused(DeliveryRefusal)
    }

    func deliver(
        to mailbox: MailboxName, _ traits: DeliveryTraits, next: () async throws -> (any OutgoingMessage)?,
        each: (any OutgoingMessage, DeliveryOutcome) async throws -> Void
    ) async throws(StoreError) {
        let session = try open()
        _ = try account.entry(of: mailbox)
        let lane = session.takeLane()
        defer { session.giveBack(lane) }
        var isAtEnd = false
        while !isAtEnd {
            var group: [(message: any OutgoingMessage, taken: Taken)] = []
            var octetCount = 0
            while group.count < Self.groupCount, octetCount < Self.groupOctetCount {
                let message: (any OutgoingMessage)?
                do { message = try await next() } catch { throw Self.failure(error, mailbox) }
                guard let message else {
                    isAtEnd = true
                    break
                }
                group.append((message, try await take(message, session, lane)))
                octetCount += message.octetCount
            }
            // ORDER: nobody is told of a message before it is durable.
            let outcomes = try await place(group, in: mailbox, traits, session)
            for (entry, outcome) in zip(group, outcomes) {
                do { try await each(entry.message, outcome) } catch { throw Self.failure(error, mailbox) }
            }
        }
    }

    private func take(
        _ message: any OutgoingMessage, _ session: ArchiveSession, _ lane: ArchiveSession.Lane
    ) async throws(StoreError) -> Taken {
        do throws(StoreError) { return .archived(try await session.ingest(message, lane)) } catch {
            guard error.kind == .limitExceeded else { throw error }
            return .refused(DeliveryRefusal(.tooBig, detail: error.message))
        }
    }

    private func place(
        _ group: [(message: any OutgoingMessage, taken: Taken)], in mailbox: MailboxName, _ traits: DeliveryTraits,
        _ session: ArchiveSession
    ) async throws(StoreError) -> [DeliveryOutcome] {
        guard !group.isEmpty else { return [] }
        return try await session.record { events throws(StoreError) in
            var given = try GivenUIDs(try account.entry(of: mailbox))
            var outcomes: [DeliveryOutcome] = []
            for (message, taken) in group {
                switch taken {
                case .refused(let refusal): outcomes.append(.refused(refusal))
                case .archived(let id):
                    let address = try given.next(name)
                    events.append(
                        .placed(
                            message: id, at: address, flags: FlagSet(message.flags.flags.filter(traits.keeps)),
                            internalDate: message.internalDate, modSeq: nil, channel: channel, fidelity: .exact))
                    outcomes.append(.delivered(address.uidValidity, address.uid))
                }
            }
            given.note(&events, name)
            return outcomes
        }
    }

    // MARK: What all writing needs

    /// - Throws: `.refused` where it is only looked at.
    func open() throws(StoreError) -> ArchiveSession {
        guard let session else { throw StoreError(.refused, "The archive is not open for writing") }
        return session
    }

    private static func failure(_ error: any Error, _ mailbox: MailboxName) -> StoreError {
        switch error {
        case let error as StoreError: error
        case is CancellationError: StoreError(.cancelled, "The delivery was cancelled", mailbox: mailbox)
        default: StoreError(.consumerFailed, "A message could not be read", mailbox: mailbox, cause: error)
        }
    }
}

extension Workspace {
    /// The account `name` of the archive's own as an end of a sync; without a session it is only looked at.
    package func accountStore(_ name: String, _ session: ArchiveSession?, channel: Channel) -> any SyncStore {
        ArchiveAccountStore(
            account: ArchivedAccount(workspace: self, account: name), session: session, channel: channel)
    }
}
