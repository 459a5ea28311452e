import ArchiveCatalog
import ArchiveStore
import MailCore
import MailIMAP
import MailSync

/// What `reconcile` looks at.
public struct ReconcileRequest: Sendable {
    /// Names with `*` as wildcard; empty means all.
    public var mailboxes: [String] = []
    /// Compares sizes and octets too.
    public var isDeep = false
    /// Messages of a mailbox whose octets are compared; `nil` for all. Those of another size always are.
    public var sample: Int? = 20

    public init() {}
}

extension Workspace {
    /// Holds every mailbox of `account` against what the archive holds of it; changes neither.
    ///
    /// What is archived is read from the history, not from the state of the last run; of that only how far the last run
    /// came, and which UIDs were erased here, is used.
    public func reconcile(
        _ account: AccountConfiguration, _ request: ReconcileRequest, progress: @escaping ProgressHandler
    ) async throws(KitError) -> ReconcileReport {
        try account.requireIMAP("only the mailboxes of an IMAP server are reconciled")
        try checkFollowsSource(account.name)
        let store = IMAPAccountStore(configuration: IMAPConfiguration(account))
        let hasState = FileTree.exists("\(archive.stateDirectory)/state.db") && !storage.isOnReadOnlyMedium
        let state = hasState ? try openState() : nil
        defer { try? state?.close() }
        do throws(KitError) {
            var run = ReconcileRun(
                self, account: account.name, store: store, state: state, request: request, progress: progress)
            let report = try await run.run()
            await store.close()
            return report
        } catch {
            await store.close()
            throw error
        }
    }
}

/// One account, mailbox by mailbox.
struct ReconcileRun {
    let workspace: Workspace
    let account: String
    let store: IMAPAccountStore
    let state: SyncState?
    let request: ReconcileRequest
    let progress: ProgressHandler
    private var mailboxes: [ReconciledMailbox] = []
    private var differences: [Difference] = []

    init(
        _ workspace: Workspace, account: String, store: IMAPAccountStore, state: SyncState?,
        request: ReconcileRequest, progress: @escaping ProgressHandler
    ) {
        (self.workspace, self.account, self.store, self.state) = (workspace, account, store, state)
        (self.request, self.progress) = (request, progress)
    }

    mutating func run() async throws(KitError) -> ReconcileReport {
        let (listings, isComplete) = try await ask { () throws(StoreError) in try await store.mailboxes() }
        let archived = try catalogued { () throws(CatalogError) in
            try workspace.catalog.mailboxes(account: account)
        }
        let quarantine = try catalogued { () throws(CatalogError) in
            try workspace.catalog.quarantine(account: account)
        }
        let names = listings.map(\.name.text) + archived.map(\.name.text)
        let unmatched = request.mailboxes.first { pattern in !names.contains { MailboxGlob.matches($0, pattern) } }
        if let unmatched, isComplete { throw .noMailbox(unmatched, of: account) }
        let rows = Dictionary(archived.map { ($0.name, $0) }) { first, _ in first }
        let waiting = Dictionary(grouping: quarantine, by: \.address.mailbox)
        for (index, listing) in listings.enumerated() where listing.isSelectable {
            progress(
                KitProgress(
                    phase: "reconciling", subject: listing.name.text, done: index, total: listings.count, octetsDone: 0,
                    octetsTotal: 0))
            guard isSelected(listing.name) else {
                leaveOut(listing, rows[listing.name])
                continue
            }
            try await look(at: listing, rows[listing.name], waiting[listing.name] ?? [])
        }
        // Containers are on the server too; nothing that was not listed is gone if the listing broke off.
        let present = Set(listings.map(\.name))
        for row in archived where !present.contains(row.name) { missOnServer(row, isComplete: isComplete) }
        if !isComplete {
            differences.append(.whole("", .notLookedAt, 0, "the server broke off its list of mailboxes"))
        }
        let gravest = DifferenceStanding.allCases.last { standing in
            differences.contains { $0.standing == standing }
        }
        return ReconcileReport(
            account: account, outcome: gravest?.rawValue ?? "equal", mailboxes: mailboxes, differences: differences)
    }

    private func isSelected(_ name: MailboxName) -> Bool {
        request.mailboxes.isEmpty || request.mailboxes.contains { MailboxGlob.matches(name.text, $0) }
    }

    private mutating func leaveOut(_ listing: MailboxListing, _ row: ArchiveCatalog.MailboxRow?) {
        let count = listing.status?.messageCount ?? 0
        differences.append(.whole(listing.name.text, .excludedBySelection, count))
    }

    private mutating func missOnServer(_ row: ArchiveCatalog.MailboxRow, isComplete: Bool) {
        guard isSelected(row.name) else {
            return differences.append(.whole(row.name.text, .excludedBySelection, row.messageCount))
        }
        mailboxes.append(ReconciledMailbox(row.name.text, archived: row.messageCount))
        guard row.messageCount > 0, isComplete else { return }
        differences.append(.whole(row.name.text, .mailboxGoneOnServer, row.messageCount))
    }

    /// ORDER: the server's list before the archive's: what is archived meanwhile can be told by its UID, what comes
    /// meanwhile could not.
    private mutating func look(
        at listing: MailboxListing, _ row: ArchiveCatalog.MailboxRow?, _ waiting: [ArchiveCatalog.QuarantineRow]
    ) async throws(KitError) {
        let server: MailboxCensus
        do throws(StoreError) { server = try await store.census(of: listing.name) } catch {
            guard [.noSuchMailbox, .refused].contains(error.kind) else { throw KitError(error) }
            let count = listing.status?.messageCount ?? 0
            var outcome = ReconciledMailbox(listing.name.text, server: count, archived: row?.messageCount ?? 0)
            outcome.pending = count
            mailboxes.append(outcome)
            return differences.append(.whole(listing.name.text, .notLookedAt, count, error.message))
        }
        let known = try await known(of: listing.name, row, waiting, server.status.uidValidity)
        var comparison = MailboxComparison(listing.name.text, server: server, known: known)
        if request.isDeep {
            var deep = DeepComparison(self, listing.name, server.status.uidValidity)
            comparison.add(try await deep.run(comparison.matched))
        }
        mailboxes.append(comparison.row)
        differences += comparison.differences
    }

    private func known(
        of name: MailboxName, _ row: ArchiveCatalog.MailboxRow?, _ waiting: [ArchiveCatalog.QuarantineRow],
        _ validity: UIDValidity
    ) async throws(KitError) -> MailboxComparison.Known {
        let archived = try catalogued { () throws(CatalogError) in
            try workspace.catalog.archivedUIDs(account: account, mailbox: name, uidValidity: validity)
        }
        var known = MailboxComparison.Known(archived: archived, uidValidity: row?.uidValidity)
        for entry in waiting where entry.address.uidValidity == validity {
            known.quarantine[entry.address.uid] = entry.refusal
        }
        guard let state else { return known }
        do throws(SyncError) {
            known.erased = try await state.erasedUIDs(account: account, mailbox: name, uidValidity: validity)
            let last = try await state.lastStatus(account: account, mailbox: name)
            if last?.uidValidity == validity { known.lastUIDNext = last?.uidNext }
        } catch { throw KitError(error, at: workspace.path) }
        return known
    }

    func ask<T>(_ body: () async throws(StoreError) -> T) async throws(KitError) -> T {
        do { return try await body() } catch { throw KitError(error) }
    }

    func catalogued<T>(_ body: () throws(CatalogError) -> T) throws(KitError) -> T {
        do { return try body() } catch { throw KitError(error) }
    }
}

extension Difference {
    fileprivate static func whole(
        _ mailbox: String, _ reason: DifferenceReason, _ messages: Int, _ detail: String? = nil
    ) -> Difference {
        Difference(
            mailbox: mailbox, reason: reason, standing: reason.standing, uids: "", messages: messages, detail: detail)
    }
}
