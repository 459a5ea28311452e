import ArchiveCatalog
import MailCore
import MailIMAP

extension Workspace {
    /// Puts what `options.query` finds back into `account`: what is there already is found and not sent again.
    ///
    /// Nothing on the account is changed or removed. Run again after any interruption, it goes on without doubles.
    public func restore(
        _ options: RestoreOptions, to account: AccountConfiguration, progress: @escaping ProgressHandler
    ) async throws(KitError) -> RestoreReport {
        try account.requireIMAP("nothing can be put there")
        var configuration = IMAPConfiguration(account)
        // Header fields in UTF-8 are kept as they are only so.
        configuration.enablesUTF8 = true
        let store = IMAPAccountStore(configuration: configuration)
        let identity = "\(account.user)@\(account.host):\(account.port)"
        do {
            try await store.connect()
            let targets = try await targets(options, store)
            let run = RestoreRun(
                options, catalog: catalog, identity: identity, targets: targets, progress: progress)
            let report = try await restore(
                targets, run, store, width: account.maxConnections, account: account.name)
            await store.close()
            return report
        } catch {
            await store.close()
            switch error {
            case let error as KitError: throw error
            case let error as StoreError: throw KitError(error)
            case let error as CatalogError: throw KitError(error)
            default: throw KitError(.ioFailed, "the restore failed", cause: error)
            }
        }
    }

    /// Restores `targets`, `width` of them at a time, each on a connection.
    private func restore(
        _ targets: [MailboxTarget], _ run: RestoreRun, _ store: IMAPAccountStore, width: Int, account: String
    ) async throws -> RestoreReport {
        var report = RestoreReport(account: account)
        report.isVerified = run.options.verifies
        try await withThrowingTaskGroup(of: MailboxResult.self) { group in
            var rest = targets[...]
            func start() -> Bool {
                guard let target = rest.popFirst() else { return false }
                group.addTask {
                    let restore = MailboxRestore(target, store, reader: self.reader(), shared: run)
                    try await restore.run()
                    return MailboxResult(restore)
                }
                return true
            }
            for _ in 0..<max(1, width) where !start() { break }
            while let result = try await group.next() {
                result.add(to: &report)
                _ = start()
            }
        }
        report.finish(plan: run.planned)
        return report
    }

    /// What goes where, by the account's names.
    private func targets(_ options: RestoreOptions, _ store: IMAPAccountStore) async throws -> [MailboxTarget] {
        let query = try Query(parsing: options.query)
        let places = PlaceFilter(query)
        let selected = try selection(query)
        let all = try catalog.mailboxes(at: options.moment)
        let mailboxes = all.filter { places.admits(account: $0.account, mailbox: $0.name) }
        let isSplit = Set(mailboxes.map(\.account)).count > 1
        let (listings, isComplete) = try await store.mailboxes()
        guard isComplete else {
            throw KitError(.connection, "the account's mailboxes cannot be listed", hint: "run it again")
        }
        var existing = Set(listings.filter(\.isSelectable).map(\.name))
        let inbox = MailboxName("INBOX")
        if !existing.contains(inbox), !options.isDryRun {
            // A new account of some servers has none, and no namespace until it has.
            try await store.create(inbox, role: nil, isSubscribed: options.subscribes)
            existing.insert(inbox)
        }
        let mapping = MailboxMapping(
            hierarchy: try await store.hierarchy(), listings: listings, prefix: options.prefix,
            rules: options.map.map { MailboxMapping.Rule(from: $0.from, to: $0.to) }, usesRoles: options.usesSpecialUse)
        var targets: [MailboxName: MailboxTarget] = [:]
        for mailbox in mailboxes {
            let rows = try catalog.messages(account: mailbox.account, in: mailbox.name, at: options.moment)
            let wanted = rows.filter { selected?.contains($0.message) ?? true }
            guard !wanted.isEmpty || selected == nil else { continue }
            let name = mapping.target(
                of: mailbox.name, role: mailbox.role,
                isBelowInbox: Self.isBelowInbox(all.filter { $0.account == mailbox.account }.map(\.name)),
                account: isSplit ? mailbox.account : nil)
            let role = options.usesSpecialUse && !isSplit ? mapping.role(of: mailbox.name, mailbox.role) : nil
            targets[name, default: MailboxTarget(name: name, role: role, exists: existing.contains(name))]
                .add(mailbox, wanted, restoresFlags: options.restoresFlags)
        }
        // Small ones last would leave one connection idle at the end.
        return targets.values.sorted { ($1.wanted.count, $0.name.text) < ($0.wanted.count, $1.name.text) }
    }

    /// Whether the archived account's server keeps everything below INBOX.
    private static func isBelowInbox(_ names: [MailboxName]) -> Bool {
        let others = names.filter { !$0.isInbox }
        return !others.isEmpty
            && others.allSatisfy { $0.components.count > 1 && $0.components.first?.uppercased() == "INBOX" }
    }
}

extension MailboxTarget {
    fileprivate mutating func add(
        _ mailbox: ArchiveCatalog.MailboxRow, _ rows: [PlacementRow], restoresFlags: Bool
    ) {
        from.append("\(mailbox.account):\(mailbox.name.text)")
        wanted += rows.map { row in
            WantedMessage(
                id: row.message, flags: restoresFlags ? row.flags : [], internalDate: row.internalDate,
                octetCount: Int(row.entry?.octetCount ?? 0))
        }
    }
}

/// What one mailbox adds to the report.
private struct MailboxResult: Sendable {
    var outcome: RestoredMailbox
    var refused: [RestoreFinding]
    var differences: [RestoreFinding]
    var lostFlags: [LostFlag]
    var octetsSent: Int

    init(_ restore: MailboxRestore) {
        let name = restore.outcome.mailbox
        outcome = restore.outcome
        refused = restore.refused.sorted { $0.key < $1.key }.map { index, refusal in
            RestoreFinding(
                mailbox: name, id: restore.target.wanted[index].id.description, reason: refusal.reason.rawValue,
                detail: refusal.detail)
        }
        differences = restore.differences
        lostFlags = restore.lostFlags.sorted { $0.key < $1.key }.map {
            LostFlag(mailbox: name, flag: $0.key.name, messages: $0.value)
        }
        octetsSent = restore.octetsSent
    }

    func add(to report: inout RestoreReport) {
        report.mailboxes.append(outcome)
        report.refused += refused
        report.differences += differences
        report.flagsNotKept += lostFlags
        report.octetsSent += octetsSent
    }
}

extension RestoreReport {
    /// Sums up, in the order of names.
    fileprivate mutating func finish(plan: [String]) {
        self.plan = plan
        mailboxes.sort { $0.mailbox < $1.mailbox }
        refused.sort { ($0.mailbox, $0.id) < ($1.mailbox, $1.id) }
        differences.sort { ($0.mailbox, $0.id) < ($1.mailbox, $1.id) }
        flagsNotKept.sort { ($0.mailbox, $0.flag) < ($1.mailbox, $1.flag) }
        for mailbox in mailboxes {
            wanted += mailbox.wanted
            present += mailbox.present
            restored += mailbox.restored
            converted += mailbox.converted
            verified += mailbox.verified
        }
        isComplete = refused.isEmpty && differences.isEmpty && (!plan.isEmpty || mailboxes.allSatisfy(\.isBalanced))
    }
}
