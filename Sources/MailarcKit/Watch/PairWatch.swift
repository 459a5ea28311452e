import ArchiveStore
import MailCore
import MailFormats
import MailIMAP

extension PairSync {
    /// Keeps two stores in step until the task is cancelled, which is no error.
    ///
    /// Syncs once, then stays connected to both ends and syncs again soon after something changed on either. What a
    /// guard refuses is held, and the watch goes on. An archive is open while a sync lasts; the ends' own is closed.
    /// - Throws: what is wrong with an end at the first attempt (password, certificate, no such store); `.usage`.
    public static func watch(
        from source: SyncEndpoint, to destination: SyncEndpoint, _ request: SyncRequest, _ watch: WatchRequest,
        _ handler: @escaping WatchHandler
    ) async throws(KitError) {
        for case .archive(let workspace, _) in [source, destination] { await workspace.close() }
        var watcher = PairWatcher(source, destination, request, watch, handler: handler)
        try await watcher.run()
    }
}

/// Watches two ends: syncs, waits for either to change, syncs again; connects again where a connection breaks.
struct PairWatcher {
    private let source: SyncEndpoint
    private let destination: SyncEndpoint
    private var request: SyncRequest
    private let watch: WatchRequest
    private var teller: PairTeller
    private var perseverance = Perseverance()
    /// Mailboxes that fail are tried again, more and more seldom.
    private var patience = Backoff()

    init(
        _ source: SyncEndpoint, _ destination: SyncEndpoint, _ request: SyncRequest, _ watch: WatchRequest,
        handler: @escaping WatchHandler
    ) {
        (self.source, self.destination, self.request, self.watch) = (source, destination, request, watch)
        teller = PairTeller(name: "\(source.name) → \(destination.name)", handler: handler)
    }

    mutating func run() async throws(KitError) {
        while !Task.isCancelled {
            do throws(KitError) { try await connect() } catch {
                if Task.isCancelled { break }
                let delay = try perseverance.delay(after: error)
                teller.tell(.disconnected, error.message, retryAfter: delay)
                try? await Task.sleep(for: delay)
            }
        }
        teller.tell(.stopped, "stopped")
    }

    /// Both ends, for as long as their connections stand.
    private mutating func connect() async throws(KitError) {
        // First of all, so that what is to be watched is there, and a wrong password is known.
        let first = try await sync()
        perseverance.stands()
        // One signal waits at the most: a sync takes everything there is.
        let (changes, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let notes = WatchNotes()
        let ends = [End(source, "source", request, watch), End(destination, "destination", request, watch)]
        var retry = Self.signal(signal, after: first)
        await withTaskGroup(of: Void.self) { group in
            for end in ends {
                group.addTask {
                    do throws(KitError) {
                        try await end.run(
                            armed: { method in
                                notes.arm(method, side: end.side)
                                signal.yield()
                            }, changed: { signal.yield() })
                    } catch { notes.fail(error) }
                    signal.finish()
                }
            }
            do throws(KitError) {
                for await _ in changes {
                    for line in notes.takeArmed() { teller.tellArmed(line) }
                    let delay = try await sync()
                    retry?.cancel()
                    retry = Self.signal(signal, after: delay)
                }
            } catch { notes.fail(error) }
            group.cancelAll()
        }
        retry?.cancel()
        if let error = notes.error { throw error }
    }

    private static func signal(_ signal: AsyncStream<Void>.Continuation, after delay: Duration?) -> Task<Void, Never>? {
        guard let delay else { return nil }
        return Task {
            do { try await Task.sleep(for: delay) } catch { return }
            signal.yield()
        }
    }

    /// Syncs; waits where another run has the pair.
    ///
    /// - Returns: after what time to try again although nothing changes.
    private mutating func sync() async throws(KitError) -> Duration? {
        var waiting = Backoff()
        waiting.longest = .seconds(30)
        while true {
            do throws(KitError) {
                let report = try await syncOnce()
                // Everything was compared; from now on what changed is.
                request.looksAtEverything = false
                teller.tell(report)
                if let interruption = report.interruption { throw KitError(.connection, interruption) }
                return delay(after: report)
            } catch {
                guard error.kind == .busy, !Task.isCancelled else { throw error }
                let delay = waiting.next()
                teller.tell(.waiting, error.message, retryAfter: delay)
                try? await Task.sleep(for: delay)
            }
        }
    }

    /// An archive is open, and locked, only meanwhile.
    private func syncOnce() async throws(KitError) -> PairSyncReport {
        guard let archive = source.archive ?? destination.archive else {
            return try await PairSync.run(from: source, to: destination, request) { _ in }
        }
        let workspace = try await Workspace.reopen(archive)
        do throws(KitError) {
            let report = try await PairSync.run(
                from: source.reopened(in: workspace), to: destination.reopened(in: workspace), request
            ) { _ in }
            await workspace.close()
            return report
        } catch {
            await workspace.close()
            throw error
        }
    }

    private mutating func delay(after report: PairSyncReport) -> Duration? {
        guard report.pause == nil else {
            // The octets of a day (UTC) are used up.
            let day: Int64 = 86_400
            let delay = Duration.seconds(day - Clock.now() % day)
            teller.tellPause(report.pause ?? "", retryAfter: delay)
            return delay
        }
        guard report.mailboxes.contains(where: { $0.failure != nil }) else {
            patience.reset()
            return nil
        }
        return patience.next()
    }
}

/// What waits for changes of one end.
private struct End: Sendable {
    let side: String
    private let endpoint: SyncEndpoint
    private let watch: WatchRequest
    /// Names of mailboxes that matter; empty: all.
    private let mailboxes: [String]

    init(_ endpoint: SyncEndpoint, _ side: String, _ request: SyncRequest, _ watch: WatchRequest) {
        (self.endpoint, self.side, self.watch) = (endpoint, side, watch)
        // In the destination they have other names, perhaps.
        let isNamedAlike = side == "source" && request.sourceSubfolder == nil
        let patterns = request.selection.mailboxes.map { choice -> String? in
            if case .pattern(let text) = choice { text } else { nil }
        }
        mailboxes = isNamedAlike && !patterns.contains(nil) ? patterns.compactMap { $0 } : []
    }

    func run(
        armed: @escaping @Sendable (String) -> Void, changed: @escaping @Sendable () -> Void
    ) async throws(KitError) {
        switch endpoint {
        case .account(let account):
            try account.requireIMAP("it is no end of a sync between two stores")
            let connection = AccountWatch(IMAPConfiguration(account), watch.options(mailboxes))
            do throws(StoreError) {
                try await connection.run(armed: { armed($0.rawValue) }, changed: changed)
            } catch { throw KitError(watching: error) }
        case .maildir(let path): try await run(.maildir, path, armed, changed)
        case .mbox(let path): try await run(.mbox, path, armed, changed)
        // Each commit puts a new checkpoint in the place of the old one.
        case .archive(let workspace, _):
            try await run(.file, workspace.archive.path + "/log/checkpoint", armed, changed)
        }
    }

    private func run(
        _ kind: TreeWatch.Kind, _ path: String, _ armed: @escaping @Sendable (String) -> Void,
        _ changed: @escaping @Sendable () -> Void
    ) async throws(KitError) {
        let tree = TreeWatch(
            path: path, kind: kind, interval: watch.interval, method: watch.method == .poll ? .poll : nil)
        do throws(FormatsError) {
            try await tree.run(armed: { armed($0.rawValue) }, changed: changed)
        } catch { throw KitError(error.kind == .notFound ? .notFound : .ioFailed, error.description) }
    }
}

extension WatchRequest {
    /// How an account's connections wait.
    func options(_ patterns: [String]) -> AccountWatch.Options {
        var options = AccountWatch.Options()
        options.method = method.flatMap { WatchMethod(rawValue: $0.rawValue) }
        options.interval = interval
        options.idleMailboxes = patterns
        if !patterns.isEmpty {
            options.isWanted = { name in
                // As the server spells it, and with `/` between components.
                let delimiter = name.delimiter.map { Character(UnicodeScalar($0)) }
                let other = String(name.text.map { $0 == delimiter ? "/" : $0 })
                return patterns.contains { MailboxGlob.matches(name.text, $0) || MailboxGlob.matches(other, $0) }
            }
        }
        return options
    }
}
