import ArchiveStore
import MailCore
import MailIMAP

/// Watches one account: connects, pulls at each change, connects again.
struct AccountWatcher {
    private let archive: Archive
    private let account: AccountConfiguration
    private let request: WatchRequest
    private let turn: Turn
    private let handler: WatchHandler
    /// Quarantined messages and notes that were told.
    private var told: Set<String> = []
    private var perseverance = Perseverance()

    init(
        _ archive: Archive, _ account: AccountConfiguration, _ request: WatchRequest, turn: Turn,
        handler: @escaping WatchHandler
    ) {
        (self.archive, self.account, self.request) = (archive, account, request)
        (self.turn, self.handler) = (turn, handler)
    }

    /// Until the task is cancelled.
    mutating func run() async throws(KitError) {
        while !Task.isCancelled {
            do throws(KitError) { try await watch() } catch {
                if Task.isCancelled { return }
                let delay = try perseverance.delay(after: error)
                tell(.disconnected, error.message, retryAfter: delay)
                try? await Task.sleep(for: delay)
            }
        }
    }

    /// A POP3 session sees what was there when it began, and keeps others out: each look is a pull.
    private mutating func poll() async throws(KitError) {
        guard request.method == nil || request.method == .poll else {
            throw KitError(.usage, "\(account.name) is a POP3 account: its changes are only found by --method poll")
        }
        try await pull()
        tellArmed(WatchRequest.Method.poll.rawValue)
        while !Task.isCancelled {
            do { try await Task.sleep(for: request.interval) } catch { return }
            try await pull()
        }
    }

    /// One connection, for as long as it stands.
    private mutating func watch() async throws(KitError) {
        if account.mailProtocol == .pop3 { return try await poll() }
        let connection = AccountWatch(IMAPConfiguration(account), request.options(request.mailboxes))
        // One signal waits at the most: a pull takes everything there is.
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let notes = WatchNotes()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(StoreError) {
                    try await connection.run(
                        armed: { method in
                            notes.arm(method.rawValue)
                            signal.yield()
                        }, changed: { signal.yield() })
                } catch { notes.fail(KitError(watching: error)) }
                signal.finish()
            }
            do throws(KitError) {
                for await _ in changes {
                    for line in notes.takeArmed() { tellArmed(line.method) }
                    try await pull()
                }
            } catch { notes.fail(error) }
            group.cancelAll()
        }
        if let error = notes.error { throw error }
    }

    // MARK: Pulling

    /// Pulls; waits where another process writes to the archive.
    private mutating func pull() async throws(KitError) {
        var patience = Backoff()
        patience.longest = .seconds(30)
        while true {
            do throws(KitError) {
                let report = try await pullOnce()
                tell(report)
                if report.isInterrupted { throw KitError(.connection, report.problems.last ?? "interrupted") }
                return
            } catch {
                guard error.kind == .busy, !Task.isCancelled else { throw error }
                let delay = patience.next()
                tell(.waiting, error.message, retryAfter: delay)
                try? await Task.sleep(for: delay)
            }
        }
    }

    /// As `mailarc pull` does it; the archive is open only meanwhile.
    private func pullOnce() async throws(KitError) -> PullReport {
        await turn.begin()
        do throws(KitError) {
            let workspace = try await Workspace.reopen(archive)
            do throws(KitError) {
                let report = try await workspace.pull(
                    account, mailboxes: request.mailboxes, dryRun: false, compressionLevel: request.compressionLevel
                ) { _ in }
                await workspace.close()
                await turn.end()
                return report
            } catch {
                await workspace.close()
                throw error
            }
        } catch {
            await turn.end()
            throw error
        }
    }

    // MARK: Telling

    private mutating func tellArmed(_ method: String) {
        perseverance.stands()
        handler(WatchEvent(account.name, by: method))
    }

    private func tell(_ kind: WatchEvent.Kind, _ text: String, retryAfter delay: Duration) {
        handler(WatchEvent(account.name, kind, text, retryAfter: delay))
    }

    private mutating func tell(_ report: PullReport) {
        for outcome in report.mailboxes {
            if let event = WatchEvent(account.name, outcome) { handler(event) }
            let note = outcome.note
            if !note.isEmpty, told.insert("\(outcome.mailbox)\n\(note)").inserted {
                handler(WatchEvent(account.name, .noted, mailbox: outcome.mailbox, note))
            }
        }
        for name in report.unmatched where told.insert("unmatched\n\(name)").inserted {
            handler(WatchEvent(account.name, .noted, "no mailbox is named \(name) so far"))
        }
        for row in report.quarantined where told.insert("\(row.mailbox)\n\(row.uid)\n\(row.reason)").inserted {
            var event = WatchEvent(
                account.name, .quarantined, mailbox: row.mailbox, "UID \(row.uid) is quarantined: \(row.reason)")
            event.uid = row.uid
            handler(event)
        }
        // An interruption is told when the connection is given up.
        for problem in report.problems.dropLast(report.isInterrupted ? 1 : 0) {
            handler(WatchEvent(account.name, .problem, problem))
        }
    }
}
