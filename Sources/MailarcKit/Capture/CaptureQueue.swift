import MailCore

/// Where deliveries become durable: an archive, or the outbox of a write-only host.
protocol CaptureStore: Sendable {
    /// For messages.
    var path: String { get }

    /// Holds the store.
    ///
    /// - Throws: `.busy` where another process does.
    func open() async throws(KitError) -> any CaptureHold
}

/// A store that is held, for some groups of deliveries.
protocol CaptureHold {
    /// Makes `group` durable; a message that alone could not be taken fails alone.
    ///
    /// - Throws: where nothing of the group may be said to be durable; the session can only be closed then.
    mutating func store(_ group: [CapturedMessage]) async throws(KitError) -> [Result<ArchivedDelivery, KitError>]

    /// Gives the store back. What was not stored never happened.
    func close() async throws(KitError)
}

/// Deliveries of many connections on their way: what waits together is made durable together.
///
/// The store is open, and its lock held, only while there is something to store, and never for long at a time: other
/// commands that write wait for their turn.
actor CaptureQueue {
    struct Options: Sendable {
        /// How long deliveries wait for another process that writes; then they are told to come again.
        var lockPatience = Duration.seconds(30)
        /// LIMIT: messages of one group; its keys fit one vault shard many times over.
        var groupSize = 256
        /// LIMIT: octets of one group, after the first message.
        var groupOctetCount = 64 << 20
        /// The store stays open so long after a group, so that a burst does not open it for each message.
        var linger = Duration.milliseconds(150)
        /// LIMIT: then others have a turn, however much waits.
        var longestHold = Duration.seconds(3)
        /// Somebody who waits asks again within this time.
        var handover = Duration.milliseconds(60)
    }

    private struct Waiting {
        /// All of them or none are answered for.
        var messages: [CapturedMessage]
        var answer: CheckedContinuation<Result<[ArchivedDelivery], KitError>, Never>
        var octetCount: Int { messages.reduce(0) { $0 + $1.spool.octetCount } }
    }

    private let deliveries: any CaptureStore
    private let options: Options
    private let condition: CaptureCondition
    private let tell: @Sendable (KitError) -> Void
    private var waiting: [Waiting] = []
    private var sleeper: CheckedContinuation<Void, Never>?
    private var isEnding = false
    private var backoff = Backoff()

    /// - Parameter tell: is told why nothing could be stored.
    init(
        _ deliveries: any CaptureStore, _ options: Options, condition: CaptureCondition,
        tell: @escaping @Sendable (KitError) -> Void
    ) {
        (self.deliveries, self.options, self.condition, self.tell) = (deliveries, options, condition, tell)
        backoff.longest = .seconds(15)
    }

    /// Returns once all of `messages` are durable and ledgered, or why one is not. Not ended early by cancellation.
    func store(_ messages: [CapturedMessage]) async -> Result<[ArchivedDelivery], KitError> {
        await withCheckedContinuation { continuation in
            waiting.append(Waiting(messages: messages, answer: continuation))
            wake()
        }
    }

    /// Stores what comes until ``end()``, and what waits then.
    func run() async {
        while await hasWork() {
            await serve()
            // Who waits for the lock tries now.
            try? await Task.sleep(for: options.handover)
        }
    }

    /// No more messages come.
    func end() {
        isEnding = true
        wake()
    }

    private func wake() {
        sleeper?.resume()
        sleeper = nil
    }

    private func hasWork() async -> Bool {
        if waiting.isEmpty, !isEnding { await withCheckedContinuation { sleeper = $0 } }
        return !waiting.isEmpty || !isEnding
    }

    private func takeGroup() -> [Waiting] {
        var octetCount = 0
        let group = waiting.prefix(options.groupSize).prefix { item in
            defer { octetCount += item.octetCount }
            return octetCount == 0 || octetCount + item.octetCount <= options.groupOctetCount
        }
        waiting.removeFirst(group.count)
        return Array(group)
    }

    // MARK: Storing

    /// One hold of the store.
    private func serve() async {
        guard !waiting.isEmpty else { return }
        var session: any CaptureHold
        do throws(KitError) { session = try await open() } catch {
            return refuse(waiting.count, KitError(storing: error, at: deliveries.path))
        }
        let end = ContinuousClock.now + options.longestHold
        var failure: KitError?
        while failure == nil, !waiting.isEmpty {
            let group = takeGroup()
            do throws(KitError) {
                var results = try await session.store(group.flatMap(\.messages))[...]
                for item in group {
                    item.answer.resume(returning: ArchivedDelivery.together(results.prefix(item.messages.count)))
                    results = results.dropFirst(item.messages.count)
                }
                succeed()
            } catch {
                failure = error
                for item in group { item.answer.resume(returning: .failure(error)) }
            }
            guard ContinuousClock.now < end else { break }
            if failure == nil { await lingering() }
        }
        do throws(KitError) { try await session.close() } catch { failure = failure ?? error }
        if let failure { refuse(waiting.count, failure) }
    }

    /// Until a message waits, or for as long as the store stays open without one.
    private func lingering() async {
        let end = ContinuousClock.now + options.linger
        while waiting.isEmpty, !isEnding, ContinuousClock.now < end {
            // LIMIT: short beside an fsync; nothing else is waited for here.
            guard (try? await Task.sleep(for: .milliseconds(5))) != nil else { return }
        }
    }

    /// Waits for the lock, for a while.
    private func open() async throws(KitError) -> any CaptureHold {
        let end = ContinuousClock.now + options.lockPatience
        while true {
            do throws(KitError) {
                return try await deliveries.open()
            } catch {
                guard error.kind == .busy, ContinuousClock.now < end, !isEnding else { throw error }
                // A cancelled task does not sleep: it ends its wait with the others.
                guard (try? await Task.sleep(for: .milliseconds(25))) != nil else { throw error }
            }
        }
    }

    private func succeed() {
        backoff.reset()
        condition.clear()
    }

    /// Tells those that wait to come again, and everybody else not to come for a while.
    private func refuse(_ count: Int, _ error: KitError) {
        tell(error)
        condition.set(error, for: backoff.next())
        let items = waiting.prefix(count)
        waiting.removeFirst(items.count)
        for item in items { item.answer.resume(returning: .failure(error)) }
    }
}
