import ArchiveStore
import ArchiveVFS
import MailCore
import MailIMAP
import MailSync

extension Workspace {
    /// Takes new mail and changes of `account` into the archive.
    ///
    /// - Parameters:
    ///   - mailboxes: names with `*` as wildcard; empty means all.
    ///   - deletionAge: deletes in the account what arrived so many seconds ago, once it was read back from the archive
    ///     and found equal to what the account holds; `nil`: nothing.
    public func pull(
        _ account: AccountConfiguration, mailboxes: [String], dryRun: Bool, compressionLevel: Int? = nil,
        deletionAge: Int64? = nil, progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        switch account.mailProtocol {
        case .pop3:
            try await pullMaildrop(
                account, mailboxes: mailboxes, dryRun: dryRun, compressionLevel: compressionLevel,
                deletionAge: deletionAge, progress: progress)
        case .imap:
            try await pullMailboxes(
                account, mailboxes: mailboxes, dryRun: dryRun, compressionLevel: compressionLevel,
                deletionAge: deletionAge, progress: progress)
        }
    }

    private func pullMailboxes(
        _ account: AccountConfiguration, mailboxes: [String], dryRun: Bool, compressionLevel: Int?,
        deletionAge: Int64?, progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        let store = IMAPAccountStore(configuration: IMAPConfiguration(account))
        do { try await store.connect() } catch {
            await store.close()
            throw KitError(error)
        }
        let selected = PipelinedAccount(base: store, patterns: mailboxes)
        var source = SyncSource(
            store: selected, account: account.name, identity: account.identity, channel: account.channel)
        source.isNarrowed = !mailboxes.isEmpty
        do throws(KitError) {
            let deletion = deletionAge.map { SourceDeletion(of: store, age: $0) }
            let report = try await run(
                source.account, dryRun: dryRun, compressionLevel: compressionLevel, progress: progress
            ) { _ in (source, deletion) }
            await store.close()
            var result = PullReport(report, account: account.name)
            result.unmatched = selected.listed.unmatched
            if source.isNarrowed, !selected.listed.isWhole { result.noteListingBrokenOff() }
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    /// Takes a source into the archive.
    ///
    /// - Parameter source: gives it, and what is to be deleted there, by the state of the runs before.
    func run(
        _ account: String, dryRun: Bool, compressionLevel: Int?, progress: @escaping ProgressHandler,
        _ source: (SyncState) throws(KitError) -> (SyncSource, SourceDeletion?)
    ) async throws(KitError) -> SyncReport {
        try await withWriter(compressionLevel: compressionLevel) { writer throws(KitError) in
            try checkFollowsSource(account)
            let destination = ArchiveDestination(account: account, writer: writer, catalog: catalog, archive: archive)
            defer { destination.finish() }
            let state = try openState()
            defer { try? state.close() }
            var options = SyncOptions()
            let (source, deletion) = try source(state)
            (options.isDryRun, options.deletion) = (dryRun, deletion)
            let runner = SyncRunner(
                source: source, destination: destination, state: state, options: options,
                progress: { progress(KitProgress($0)) })
            do throws(SyncError) {
                return try await runner.run()
            } catch { throw KitError(error, at: path) }
        }
    }

    func openState() throws(KitError) -> SyncState { try Self.openState(of: archive) }

    static func openState(of archive: Archive) throws(KitError) -> SyncState {
        let file = "\(archive.stateDirectory)/state.db"
        try FileFacts.makeFolder(archive.stateDirectory)
        do {
            try EncryptedVFS.register()
            EncryptedVFS.setKey(
                try archive.stateKey(), databaseID: archive.databaseID(fileName: "state.db"), forDatabaseAt: file)
            return unsafe try SyncState.open(path: file, vfs: EncryptedVFS.name, place: archive.placeName) {
                connection in
                unsafe try EncryptedVFS.prepare(connection: connection)
            }
        } catch let error as ArchiveError {
            throw KitError(error, at: archive.path)
        } catch let error as SyncError {
            throw KitError(error, at: archive.path)
        } catch {
            throw KitError(.damaged, "\(file) does not open", hint: "it can be deleted: the next run pairs again")
        }
    }
}

extension AccountConfiguration {
    /// What tells it from another account under the same name.
    var identity: String {
        switch mailProtocol {
        case .imap: "\(user)@\(host)"
        case .pop3: "pop3:\(user)@\(host)"
        }
    }

    /// By which way its mail comes.
    var channel: Channel {
        switch mailProtocol {
        case .imap: .imap
        case .pop3: .pop3
        }
    }
}

extension SourceDeletion {
    /// As a pull does it.
    init(of store: any SyncStore, age: Int64) {
        self.init(store: store, age: age, hashing: PairHashing(), now: Clock.now)
        passed = { FaultPoint.fromEnvironment?.pass($0.rawValue) }
    }
}

extension KitProgress {
    init(_ progress: SyncProgress) {
        self.init(
            phase: "archiving", subject: progress.mailbox.text, done: progress.messagesDone,
            total: progress.messagesTotal, octetsDone: Int(progress.octetsDone), octetsTotal: Int(progress.octetsTotal))
    }
}

extension PullReport {
    /// - Parameter place: where in the source a message is, for those that could not be taken.
    init(_ report: SyncReport, account: String, place: (UID, MailboxName) -> String? = { _, _ in nil }) {
        var problems = report.mailboxes.compactMap { mailbox in
            mailbox.failure.map { "\(mailbox.mailbox.text): \($0.message)" }
        }
        problems += report.mailboxes.filter { $0.unverifiedCount > 0 }.map { mailbox in
            "\(mailbox.mailbox.text): \(mailbox.unverifiedCount) not deleted in the source, for they were not read back "
                + "from the archive as the source has them"
        }
        if !report.isListComplete { problems.append(Self.listingBrokenOff) }
        if let interruption = report.interruption { problems.append("interrupted: \(interruption.description)") }
        self.init(
            account: account, mailboxes: report.mailboxes.map(MailboxOutcome.init),
            quarantined: report.mailboxes.flatMap { mailbox in
                mailbox.quarantine.sorted { $0.key < $1.key }.map { uid, entry in
                    QuarantineRow(
                        mailbox: mailbox.mailbox.text, uid: uid.value, reason: entry.refusal.reason.rawValue,
                        detail: entry.refusal.detail, place: place(uid, mailbox.mailbox))
                }
            },
            problems: problems, plan: report.plannedActions.map(\.description),
            newMessages: report.total(\.placedCount), knownContents: report.total { $0.placedCount - $0.newCount },
            octetsFetched: Int(report.octetCount), isUnchanged: report.isUnchanged, isBalanced: report.isBalanced,
            isInterrupted: report.interruption != nil, deleted: report.mailboxes.flatMap(DeletedRow.rows))
    }
}

extension PullReport {
    fileprivate static let listingBrokenOff =
        "the source did not list all its mailboxes: those it left out wait for another run"

    /// The mailboxes asked for may be among those that were left out.
    fileprivate mutating func noteListingBrokenOff() {
        problems.insert(Self.listingBrokenOff, at: 0)
        isBalanced = false
    }
}

extension DeletedRow {
    static func rows(_ report: MailboxReport) -> [DeletedRow] {
        report.deleted.map { entry in
            DeletedRow(
                mailbox: report.mailbox.text, uidValidity: entry.uidValidity.value, uid: entry.uid.value,
                id: entry.evidence.message.description, sha256: entry.evidence.sha256.hex,
                octets: entry.evidence.octetCount, ledgerIndex: entry.evidence.ledgerIndex)
        }
    }
}

extension MailboxOutcome {
    init(_ report: MailboxReport) {
        var notes: [String] = []
        if let former = report.renamedFrom { notes.append("renamed from \(former.text)") }
        if report.isDeleted { notes.append("deleted on the server; kept here") }
        if report.pairedAgainCount > 0 { notes.append("\(report.pairedAgainCount) paired again by content") }
        if report.erasedCount > 0 { notes.append("\(report.erasedCount) erased here, not taken again") }
        if !report.isComplete { notes.append("listing incomplete") }
        if !report.deleted.isEmpty { notes.append("\(report.deleted.count) deleted in the source") }
        if report.touchedCount > 0 { notes.append("\(report.touchedCount) changed meanwhile, not deleted") }
        self.init(
            mailbox: report.mailbox.text, server: report.serverCount, archived: report.archivedCount,
            quarantined: report.quarantinedCount, erased: report.erasedCount, new: report.placedCount,
            flagChanges: report.flagChangeCount,
            expunged: report.expungedCount, moved: report.movedCount, note: notes.joined(separator: ", "))
    }
}
