internal import MailCore

/// When a group of changes is made durable.
package struct GroupLimits: Sendable {
    /// LIMIT: 256 messages, 32 MiB of them or a second: what a crash can cost, and what spreads the price of a commit.
    package var changeCount = 256
    package var octetCount = 32 << 20
    /// LIMIT: a message counts for no more: what of it waits for the commit in memory is its text, and that is bounded.
    package var messageOctetCount = 2 << 20
    package var age: Duration = .seconds(1)

    package init(changeCount: Int = 256, octetCount: Int = 32 << 20, age: Duration = .seconds(1)) {
        (self.changeCount, self.octetCount, self.age) = (changeCount, octetCount, age)
    }
}

/// Collects changes of all lanes and makes them durable in groups, in the order in which they came.
///
/// ORDER: events and octets become durable in the destination first; then the state that says so, in one transaction.
actor GroupCommitter {
    private let destination: any HistoryDestination
    private let state: SyncState
    private let side: Int64
    private let run: Int
    private let limits: GroupLimits
    private let now: @Sendable () -> ContinuousClock.Instant

    private var pending: [StateChange] = []
    private var pendingOctets = 0
    private var oldest: ContinuousClock.Instant?
    private var isCommitting = false
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var failure: (any Error)?
    private(set) var commitCount = 0

    init(
        destination: any HistoryDestination, state: SyncState, side: Int64, run: Int, limits: GroupLimits,
        now: @escaping @Sendable () -> ContinuousClock.Instant
    ) {
        (self.destination, self.state, self.side, self.run) = (destination, state, side, run)
        (self.limits, self.now) = (limits, now)
    }

    /// Adds `changes`, which stay together; commits when the group is full, and holds the caller back when two are.
    func add(_ changes: [StateChange]) async throws {
        if let failure { throw failure }
        guard !changes.isEmpty else { return }
        pending += changes
        pendingOctets += changes.reduce(0) { $0 + min($1.octetCount, limits.messageOctetCount) }
        let time = now()
        let first = oldest ?? time
        oldest = first
        let isFull = pending.count >= limits.changeCount || pendingOctets >= limits.octetCount
        guard isFull || time - first >= limits.age else { return }
        if !isCommitting {
            try await commit()
        } else if pending.count >= limits.changeCount * 2 || pendingOctets >= limits.octetCount * 2 {
            await untilCommitted()
            if let failure { throw failure }
        }
    }

    /// Returns when everything added before is durable.
    func flush() async throws {
        while isCommitting || !pending.isEmpty {
            if let failure { throw failure }
            if isCommitting { await untilCommitted() } else { try await commit() }
        }
        if let failure { throw failure }
    }

    private func untilCommitted() async {
        await withCheckedContinuation { waiters.append($0) }
    }

    private func commit() async throws {
        isCommitting = true
        let group = pending
        (pending, pendingOctets, oldest) = ([], 0, nil)
        defer {
            isCommitting = false
            for waiter in waiters { waiter.resume() }
            waiters = []
        }
        do {
            let events = group.compactMap(\.event)
            try await Self.makeDurable(group, events, destination, state, side, run: run)
            if !events.isEmpty { commitCount += 1 }
        } catch {
            failure = error
            throw error
        }
    }

    /// Not on the actor: lanes go on adding while a group before is made durable.
    @concurrent
    private static func makeDurable(
        _ group: [StateChange], _ events: [OccurrenceEvent], _ destination: any HistoryDestination, _ state: SyncState,
        _ side: Int64, run: Int
    ) async throws {
        var sequence: UInt64?
        if !events.isEmpty {
            try await destination.record(events)
            sequence = try await destination.commit()
        }
        try await state.apply(side, run: run, group, sequence: sequence)
    }
}
