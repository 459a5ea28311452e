import ArchiveCatalog
import ArchiveStore
import MailCore

/// One account of an archive as it is now, for reading.
///
/// UIDs and UIDVALIDITY are those its source had, or those the archive gave it (``ArchiveAccountStore``).
struct ArchivedAccount: PartwiseStore {
    let workspace: Workspace
    let account: String

    var traits: StoreTraits {
        get async throws(StoreError) { StoreTraits(fetchConcurrency: 1, implementation: "mailarc") }
    }

    func rows(counts: Bool) throws(StoreError) -> [ArchiveCatalog.MailboxRow] {
        do throws(CatalogError) {
            return try workspace.catalog.mailboxes(account: account, counts: counts)
        } catch { throw Self.failure(error) }
    }

    /// What parts its names: that of its source.
    func delimiter() throws(StoreError) -> UInt8? {
        try rows(counts: false).lazy.compactMap(\.name.delimiter).first ?? UInt8(ascii: "/")
    }

    func mailboxes() async throws(StoreError) -> (listings: [MailboxListing], isComplete: Bool) {
        // ORDER: before what it is to tell of.
        let sequence = try sequence()
        let rows = try rows(counts: true)
        // Through a catalog that was built anew, too, a mailbox is known by what it was made as, and when.
        let ids = rows.map { "made:\($0.created):" + String(decoding: $0.firstName, as: UTF8.self) }
        let counts = Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +)
        let listings = zip(rows, ids).map { row, id in
            MailboxListing(
                name: row.name, role: row.role, mailboxID: counts[id] == 1 ? id : nil,
                status: row.uidValidity == nil ? nil : Self.status(row, row.messageCount, sequence))
        }
        return (listings, true)
    }

    func observe(
        _ mailbox: MailboxName, since cursor: MailboxCursor?
    ) async throws(StoreError) -> MailboxObservation {
        let sequence = try sequence()
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
            summaries.append(MessageSummary(place))
        }
        return MailboxObservation(
            status: Self.status(row, summaries.count, sequence), content: .full(summaries), isComplete: isComplete)
    }

    func census(of mailbox: MailboxName) async throws(StoreError) -> MailboxCensus {
        let sequence = try sequence()
        let row = try entry(of: mailbox)
        let validity = row.uidValidity ?? UIDValidity(0)
        var ranges: [ClosedRange<UInt32>] = []
        var isComplete = true
        try places(of: mailbox) { place in
            let uid = place.address.uid.value
            guard place.address.uidValidity == validity else {
                isComplete = false
                return
            }
            if let last = ranges.last, last.upperBound < .max, last.upperBound + 1 == uid {
                ranges[ranges.count - 1] = last.lowerBound...uid
            } else {
                ranges.append(uid...uid)
            }
        }
        let uids = UIDSet(ranges: ranges)
        return MailboxCensus(
            status: Self.status(row, uids.count, sequence), uids: uids, isComplete: isComplete)
    }

    func describe(
        _ uids: UIDSet, of mailbox: MailboxName, uidValidity: UIDValidity
    ) async throws(StoreError) -> [MessageSummary] {
        try places(uids, of: mailbox, uidValidity).map { MessageSummary($0) }
    }

    /// Of a mailbox whose UIDs the archive gives it is known when something in the account changed.
    private static func status(
        _ row: ArchiveCatalog.MailboxRow, _ messageCount: Int, _ sequence: UInt64
    ) -> MailboxStatus {
        MailboxStatus(
            uidValidity: row.uidValidity ?? UIDValidity(0), uidNext: row.uidNext, messageCount: messageCount,
            highestModSeq: row.uidNext == nil ? nil : ModSeq(sequence))
    }

    /// The last event record that speaks of the account.
    private func sequence() throws(StoreError) -> UInt64 {
        do throws(CatalogError) { return try workspace.catalog.eventSequence(account: account) } catch {
            throw Self.failure(error)
        }
    }

    func fetch(
        _ messages: [MessageSummary], from mailbox: MailboxName, uidValidity: UIDValidity,
        _ consume: (any IncomingMessage) async throws -> Void
    ) async throws(StoreError) -> FetchReport {
        let wanted = UIDSet(messages.lazy.map(\.uid))
        let ids = try places(wanted, of: mailbox, uidValidity).map { (uid: $0.address.uid, message: $0.message) }
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

    /// The row of a mailbox that is there.
    func entry(of mailbox: MailboxName) throws(StoreError) -> ArchiveCatalog.MailboxRow {
        let row: ArchiveCatalog.MailboxRow?
        do throws(CatalogError) { row = try workspace.catalog.mailbox(account: account, name: mailbox) } catch {
            throw Self.failure(error)
        }
        guard let row else {
            throw StoreError(.noSuchMailbox, "The archive has no such mailbox", mailbox: mailbox)
        }
        return row
    }

    /// What has `uids` now, ascending.
    ///
    /// - Throws: `.uidValidityChanged`, `.noSuchMailbox`.
    func places(
        _ uids: UIDSet, of mailbox: MailboxName, _ uidValidity: UIDValidity
    ) throws(StoreError) -> [PlacementRow] {
        guard try entry(of: mailbox).uidValidity == uidValidity else {
            throw StoreError(.uidValidityChanged, "It has other UIDs now", mailbox: mailbox, retry: .later)
        }
        var places: [PlacementRow] = []
        do throws(CatalogError) {
            try workspace.catalog.placements(
                account: account, mailbox: mailbox, uidValidity: uidValidity, uids: uids
            ) { places.append($0) }
        } catch { throw Self.failure(error) }
        return places
    }

    private func places(of mailbox: MailboxName, _ each: (PlacementRow) -> Void) throws(StoreError) {
        do throws(CatalogError) {
            try workspace.catalog.placements(account: account, mailbox: mailbox) { place in
                each(place)
                return true
            }
        } catch { throw Self.failure(error) }
    }

    static func failure(_ error: CatalogError) -> StoreError {
        StoreError(.ioFailed, "The catalog cannot be read: \(error)", cause: error)
    }
}

extension MessageSummary {
    fileprivate init(_ place: PlacementRow) {
        self.init(
            uid: place.address.uid, flags: place.flags, internalDate: place.internalDate,
            octetCount: place.entry.map { Int($0.octetCount) })
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
    /// Who gives the UIDs of `account`; `nil` for a new one.
    func uidGiver(of account: String) throws(KitError) -> UIDGiver? {
        do throws(CatalogError) { return try catalog.uidGiver(of: account) } catch { throw KitError(error) }
    }

    /// Refuses an account of the archive's own, whose UIDs say nothing of a server's.
    func checkFollowsSource(_ account: String) throws(KitError) {
        guard try uidGiver(of: account) == .archive else { return }
        throw KitError(
            .usage, "\(account) is an account of the archive's own: a sync writes it, or mail is delivered to it",
            hint: "take the source under another name, by another account of the configuration or archive:NAME")
    }

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
