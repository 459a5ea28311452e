import MailCore
import MailIMAPCore

/// The connections of one account, each lent to one task at a time.
///
/// As many as ``ConnectionWidth`` allows: a connection that the server refuses is no error while another one works.
actor ConnectionPool {
    private let configuration: IMAPConfiguration
    nonisolated let meter = TrafficMeter()
    private var width: ConnectionWidth
    private var idle: [IMAPSession] = []
    private var openCount = 0
    private var hasWorked = false
    private var isClosed = false
    private var waiters: [(id: Int, continuation: CheckedContinuation<Void, Never>)] = []
    private var waiterCount = 0

    /// LIMIT: how often, and how long, a connection is waited for where the only one there was has just ended: servers
    /// count it for a moment longer.
    private static let pauses = [Duration.milliseconds(250), .seconds(1), .seconds(2)]

    init(_ configuration: IMAPConfiguration) {
        self.configuration = configuration
        width = ConnectionWidth(most: configuration.maxConnections)
    }

    /// A session for one task, one that has `mailbox` open if there is one; waits when all are lent.
    func lease(for mailbox: MailboxName? = nil) async throws(StoreError) -> IMAPSession {
        while true {
            guard !isClosed else { throw StoreError(.connectionFailed, "The account was closed") }
            if let index = idle.firstIndex(where: { $0.selected?.name == mailbox }) ?? idle.indices.last {
                return idle.remove(at: index)
            }
            if openCount == 0 || openCount < width.allowed {
                if let session = try await openOne() { return session }
                // Refused, which took a while: another may have come back meanwhile, and nobody would say so again.
                continue
            }
            if width.demand(octets: meter.octetCount, at: .now) { continue }
            await waitForReturn()
            guard !Task.isCancelled else {
                // It may have been woken for one that is idle now, which somebody else waits for.
                wakeOne()
                throw StoreError(.cancelled, "The task was cancelled")
            }
        }
    }

    /// One more connection; `nil` where the server refuses it and others work.
    private func openOne() async throws(StoreError) -> IMAPSession? {
        openCount += 1
        for pause in Self.pauses.map(Optional.some) + [nil] {
            do throws(StoreError) {
                let session = try await IMAPSession.open(configuration, meter: meter)
                hasWorked = true
                return session
            } catch {
                let isRefusal = error.mayMeanTooMany
                if isRefusal, hasWorked, openCount > 1 {
                    openCount -= 1
                    width.refused(beside: openCount, at: .now, isForGood: error.kind == .authenticationFailed)
                    return nil
                }
                if isRefusal, hasWorked, error.kind != .authenticationFailed, !isClosed, let pause,
                    (try? await Task.sleep(for: pause)) != nil
                {
                    continue
                }
                openCount -= 1
                wakeOne()
                throw error
            }
        }
        return nil
    }

    /// Takes back a session between commands.
    func giveBack(_ session: IMAPSession) {
        guard !isClosed, openCount <= width.allowed else { return discard(session) }
        idle.append(session)
        wakeOne()
    }

    /// Takes back a session that is not at rest.
    func discard(_ session: IMAPSession) {
        session.close()
        openCount -= 1
        if openCount > 0, let farewell = session.farewell, farewell.refusesConnection {
            width.refused(beside: openCount, at: .now)
        }
        wakeOne()
    }

    /// The server asked for patience: fewer connections from now on.
    func strain() { width.strained(at: .now) }

    /// Others are open beside the one that asks.
    var hasOthers: Bool { openCount > 1 }

    func close() async {
        isClosed = true
        for session in idle {
            _ = try? await session.send(.logout)
            session.close()
        }
        openCount -= idle.count
        idle = []
        for waiter in waiters { waiter.continuation.resume() }
        waiters = []
    }

    private func waitForReturn() async {
        waiterCount += 1
        let id = waiterCount
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled || isClosed { continuation.resume() } else { waiters.append((id, continuation)) }
            }
        } onCancel: {
            Task { await self.wake(id) }
        }
    }

    private func wake(_ id: Int) {
        guard let index = waiters.firstIndex(where: { $0.id == id }) else { return }
        waiters.remove(at: index).continuation.resume()
    }

    private func wakeOne() {
        if !waiters.isEmpty { waiters.removeFirst().continuation.resume() }
    }
}

extension StoreError {
    /// What a server may say, or not say, to a connection too many.
    fileprivate var mayMeanTooMany: Bool {
        switch kind {
        case .throttled, .connectionFailed, .connectionLost, .authenticationFailed: true
        default: false
        }
    }
}
