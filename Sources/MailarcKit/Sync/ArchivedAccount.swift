import ArchiveCatalog
import ArchiveStore
import MailCore

/// One account of an archive as it is now, for reading: UIDs and UIDVALIDITY are those its source had.
struct ArchivedAccount: MailStore {
    let workspace: Workspace
    let account: String

    var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 1, implementation: "mailarc") }
    }

    private func rows(counts: Bool) throws(StoreError) -> [ArchiveCatalog.MailboxRow] {
        do throws(CatalogError) {
            return try workspace.catalog.mailboxes(account: account, counts: counts)
        } catch { throw Self.failure(error) }
    }

    /// What parts its names: that of its source.
    func delimiter() throws(StoreError) -> UInt8? {
        try rows(counts: false).lazy.compactMap(\.name.delimiter).first ?? UInt8(ascii: "/")
    }

    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        let rows = try rows(counts: true)
        // Through a catalog that was built anew, too, a mailbox is known by what it was made as, and when.
        let ids = rows.map { "made:\($0.created):" + String(decoding: $0.firstName, as: UTF8.self) }
        let counts = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
        let listings = zip(rows, ids).map { row, id in
            MailboxListing(
                name: row.name, role: row.role, mailboxID: counts[id] == 1 ? id : nil,
                status: row.uidValidity.map {
                    MailboxStatus(
                        uidValidity: $0, uidNext: nil, messageCount: row.messageCount, highestModSeq: nil)
                })
        }
        return (listings, true)
    }

    func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        let row = try entry(of: mailbox)
        let validity = row.uidValidity ?? UIDValidity(0)
        var summaries: [MessageSummary] = []
        var isComplete = true
        try places(of: mailbox) { place in
            guard place.address.uidValidity == validity else {
                // Open since the source gave new UIDs: the next pull pairs it.
                isComplete = false
                return
            }
            summaries.append(
                MessageSummary(
                    uid: place.address.uid, flags: place.flags, internalDate: place.internalDate,
                    octetCount: place.entry.map { Int($0.octetCount) }))
        }
        let status = MailboxStatus(
            uidValidity: validity, uidNext: nil, messageCount: summaries.count, highestModSeq: nil)
        return MailboxObservation(status: status, content: .full(summaries), isComplete: isComplete)
    }

    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        guard try entry(of: mailbox).uidValidity == uidValidity else {
            throw StoreError(.uidValidityChanged, "It has other UIDs now", mailbox: mailbox, retry: .later)
        }
        let wanted = UIDSet(messages.lazy.map(\.uid))
        var ids: [(uid: UID, message: RandomID)] = []
        do throws(CatalogError) {
            try workspace.catalog.placements(
                account: account, mailbox: mailbox, uidValidity: uidValidity, uids: wanted
            ) { ids.append(($0.address.uid, $0.message)) }
        } catch { throw Self.failure(error) }
        var report = FetchReport()
        for uid in wanted.subtracting(UIDSet(ids.lazy.map(\.uid))).uids { report.refused[uid] = Refusal(.expunged) }
        let reader = workspace.reader()
        for (uid, id) in ids {
            if Task.isCancelled { throw StoreError(.cancelled, "The reading was cancelled", retry: .later) }
            let incoming: ArchivedIncoming
            do throws(ArchiveError) { incoming = ArchivedIncoming(uid, try reader.message(id)) } catch {
                report.refused[uid] = Refusal(.unreadable, detail: error.message)
                continue
            }
            do {
                try await consume(incoming)
                report.delivered.insert(uid)
            } catch {
                guard let failure = incoming.failure else {
                    throw StoreError(.consumerFailed, "A message could not be taken", cause: error)
                }
                report.refused[uid] = Refusal(.unreadable, detail: failure.message)
            }
        }
        return report
    }

    private func entry(of mailbox: MailboxName) throws(StoreError) -> ArchiveCatalog.MailboxRow {
        let row: ArchiveCatalog.MailboxRow?
        do throws(CatalogError) { row = try workspace.catalog.mailbox(account: account, name: mailbox) } catch {
            throw Self.failure(error)
        }
        guard let row else {
            throw StoreError(.noSuchMailbox, "The archive has no such mailbox", mailbox: mailbox)
        }
        return row
    }

    private func places(of mailbox: MailboxName, _ each: (PlacementRow) -> Void) throws(StoreError) {
        do throws(CatalogError) {
            try workspace.catalog.placements(account: account, mailbox: mailbox) { place in
                each(place)
                return true
            }
        } catch { throw Self.failure(error) }
    }

    private static func failure(_ error: CatalogError) -> StoreError {
        StoreError(.ioFailed, "The catalog cannot be read: \(error)", cause: error)
    }
}

/// A message of the archive on its way into another store; verified as it is read.
private final class ArchivedIncoming: IncomingMessage {
    let uid: UID
    private let reader: MessageReader
    private(set) var failure: ArchiveError?

    init(_ uid: UID, _ reader: MessageReader) { (self.uid, self.reader) = (uid, reader) }

    var announcedOctetCount: Int? { Int(exactly: reader.octetCount) }

    func next() async throws(StoreError) -> [UInt8]? {
        do throws(ArchiveError) { return try reader.next() } catch {
            failure = error
            throw StoreError(.ioFailed, "The archive does not give it back: \(error.message)", cause: error)
        }
    }
}

extension Workspace {
    /// The account of the archive that `name` means; without a name the only one.
    ///
    /// - Throws: `.usage` where there is none, or more than one to choose from.
    public func account(named name: String) throws(KitError) -> String {
        let known: Set<String>
        do throws(CatalogError) { known = Set(try catalog.mailboxes(counts: false).map(\.account)) } catch {
            throw KitError(error)
        }
        let list = known.sorted().joined(separator: ", ")
        if known.contains(name) { return name }
        guard name.isEmpty else {
            throw KitError(.usage, "the archive has no account \(name)", hint: list.isEmpty ? nil : "it has \(list)")
        }
        guard let only = known.first, known.count == 1 else {
            throw KitError(
                .usage, known.isEmpty ? "the archive is empty" : "the archive has several accounts",
                hint: known.isEmpty ? nil : "name one, archive:NAME: \(list)")
        }
        return only
    }
}
