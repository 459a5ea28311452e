import ArchiveStore
import MailCore
import MailIMAP
import Synchronization

/// Watches one account: connects, pulls at each change, connects again.
struct AccountWatcher {
    /// Something is different, or may be.
    private enum Signal: Sendable {
        case armed(WatchMethod)
        case changed
    }

    private let archive: Archive
    private let account: AccountConfiguration
    private let request: WatchRequest
    private let turn: Turn
    private let handler: WatchHandler
    /// Quarantined messages and notes that were told.
    private var told: Set<String> = []
    private var backoff = Backoff()
    /// The account was right once: what is wrong later may pass.
    private var hasWatched = false
    /// When the present connection was armed.
    private var armed: ContinuousClock.Instant?

    /// LIMIT: a connection that stood so long was no attempt.
    private static let steadiness = Duration.seconds(60)

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
                guard isTemporary(error) else { throw error }
                if let armed, ContinuousClock.now - armed > Self.steadiness { backoff.reset() }
                armed = nil
                let delay = backoff.next()
                tell(.disconnected, error.message, retryAfter: delay)
                try? await Task.sleep(for: delay)
            }
        }
    }

    private func isTemporary(_ error: KitError) -> Bool {
        switch error.kind {
        case .connection, .busy, .sourceOutage, .diskFull, .cancelled: true
        case .authentication, .tls: hasWatched
        default: false
        }
    }

    /// One connection, for as long as it stands.
    private mutating func watch() async throws(KitError) {
        let connection = AccountWatch(IMAPConfiguration(account), options)
        // One signal waits at the most: a pull takes everything there is.
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let notes = Notes()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do throws(StoreError) {
                    try await connection.run(
                        armed: { method in
                            notes.arm(method)
                            signal.yield()
                        }, changed: { signal.yield() })
                } catch { notes.fail(Self.error(error)) }
                signal.finish()
            }
            do throws(KitError) {
                for await _ in changes {
                    if let method = notes.takeMethod() { tellArmed(method) }
                    try await pull()
                }
            } catch { notes.fail(error) }
            group.cancelAll()
        }
        if let error = notes.error { throw error }
    }

    private static func error(_ error: StoreError) -> KitError {
        guard error.kind == .capabilityMissing else { return KitError(error) }
        return KitError(.usage, error.message, hint: "--method auto takes the best it has")
    }

    /// What the connection's task tells the pulling one.
    private final class Notes: Sendable {
        private let state = Mutex<(method: WatchMethod?, error: KitError?)>((nil, nil))

        var error: KitError? { state.withLock { $0.error } }

        func arm(_ method: WatchMethod) { state.withLock { $0.method = method } }
        func takeMethod() -> WatchMethod? { state.withLock { $0.method.take() } }
        /// The first error counts; the others follow from it.
        func fail(_ error: KitError) { state.withLock { $0.error = $0.error ?? error } }
    }

    private var options: AccountWatch.Options {
        var options = AccountWatch.Options()
        options.method = request.method.flatMap { WatchMethod(rawValue: $0.rawValue) }
        options.interval = request.interval
        options.idleMailboxes = request.mailboxes
        let patterns = request.mailboxes
        if !patterns.isEmpty {
            options.isWanted = { name in patterns.contains { MailboxGlob.matches(name.text, $0) } }
        }
        return options
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

    private mutating func tellArmed(_ method: WatchMethod) {
        (hasWatched, armed) = (true, .now)
        var event = WatchEvent(account.name, .watching, "watching by \(method.rawValue)")
        event.method = method.rawValue
        handler(event)
    }

    private func tell(_ kind: WatchEvent.Kind, _ text: String, retryAfter delay: Duration) {
        let seconds = Double(delay.components.seconds) + Double(delay.components.attoseconds) / 1e18
        var event = WatchEvent(account.name, kind, "\(text) (again in \(Int(seconds.rounded(.up))) s)")
        event.retryAfter = seconds
        handler(event)
    }

    private mutating func tell(_ report: PullReport) {
        for outcome in report.mailboxes {
            if let event = WatchEvent(account.name, outcome) { handler(event) }
            let note = outcome.note
            if !note.isEmpty, told.insert("\(outcome.mailbox)\n\(note)").inserted {
                handler(WatchEvent(account.name, .noted, mailbox: outcome.mailbox, note))
            }
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
