import ArchiveStore
import ArchiveVFS
import MailCore
import MailFormats
import MailIMAP
import MailSync

extension Workspace {
    /// Takes new mail and changes of `account` into the archive.
    ///
    /// - Parameter mailboxes: names with `*` as wildcard; empty means all.
    public func pull(
        _ account: AccountConfiguration, mailboxes: [String], dryRun: Bool, compressionLevel: Int? = nil,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        let store = IMAPAccountStore(configuration: IMAPConfiguration(account))
        do { try await store.connect() } catch {
            await store.close()
            throw KitError(error)
        }
        let source = SyncSource(
            store: PipelinedAccount(base: store, patterns: mailboxes),
            account: account.name, identity: "\(account.user)@\(account.host)", channel: .imap)
        do throws(KitError) {
            let report = try await run(source, dryRun: dryRun, compressionLevel: compressionLevel, progress: progress)
            await store.close()
            return report
        } catch {
            await store.close()
            throw error
        }
    }

    /// Takes the mail of files into the archive.
    public func importMail(
        _ source: ImportSource, account: String, dryRun: Bool, compressionLevel: Int? = nil,
        progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        let (store, channel) = try source.open()
        let sync = SyncSource(store: store, account: account, identity: nil, channel: channel)
        return try await run(sync, dryRun: dryRun, compressionLevel: compressionLevel, progress: progress)
    }

    private func run(
        _ source: SyncSource, dryRun: Bool, compressionLevel: Int?, progress: @escaping ProgressHandler
    ) async throws(KitError) -> PullReport {
        try await withWriter(compressionLevel: compressionLevel) { writer throws(KitError) in
            let destination = ArchiveDestination(account: source.account, writer: writer, catalog: catalog)
            defer { destination.finish() }
            var options = SyncOptions()
            options.isDryRun = dryRun
            let state = try openState()
            defer { try? state.close() }
            let runner = SyncRunner(
                source: source, destination: destination, state: state, options: options,
                progress: { progress(KitProgress($0)) })
            do throws(SyncError) {
                return PullReport(try await runner.run(), account: source.account)
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

extension KitProgress {
    init(_ progress: SyncProgress) {
        self.init(
            phase: "archiving", subject: progress.mailbox.text, done: progress.messagesDone,
            total: progress.messagesTotal, octetsDone: Int(progress.octetsDone), octetsTotal: Int(progress.octetsTotal))
    }
}

extension PullReport {
    init(_ report: SyncReport, account: String) {
        var problems = report.mailboxes.compactMap { mailbox in
            mailbox.failure.map { "\(mailbox.mailbox.text): \($0.message)" }
        }
        if let interruption = report.interruption { problems.append("interrupted: \(interruption.description)") }
        self.init(
            account: account, mailboxes: report.mailboxes.map(MailboxOutcome.init),
            quarantined: report.mailboxes.flatMap { mailbox in
                mailbox.quarantine.sorted { $0.key < $1.key }.map { uid, entry in
                    QuarantineRow(
                        mailbox: mailbox.mailbox.text, uid: uid.value, reason: entry.refusal.reason.rawValue,
                        detail: entry.refusal.detail)
                }
            },
            problems: problems, plan: report.plannedActions.map(\.description),
            newMessages: report.total(\.placedCount), knownContents: report.total { $0.placedCount - $0.newCount },
            octetsFetched: Int(report.octetCount), isUnchanged: report.isUnchanged, isBalanced: report.isBalanced,
            isInterrupted: report.interruption != nil)
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
        self.init(
            mailbox: report.mailbox.text, server: report.serverCount, archived: report.archivedCount,
            quarantined: report.quarantinedCount, erased: report.erasedCount, new: report.placedCount,
            flagChanges: report.flagChangeCount,
            expunged: report.expungedCount, moved: report.movedCount, note: notes.joined(separator: ", "))
    }
}
